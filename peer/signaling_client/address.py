"""Where a server is: what people write, and what a WebSocket wants."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
PATH = "/v1/ws"


def signaling_url(address: str) -> str:
    """The WebSocket address of a server: ``http(s)`` and ``ws(s)``, with or without ``/v1/ws``.

    Raises ValueError for anything else.
    """
    parts = urlsplit(address.strip())
    scheme = SCHEMES.get(parts.scheme)
    if scheme is None:
        raise ValueError(
            f"a server's address begins with ws://, wss://, http:// or https://, not {address[:80]!r}"
        )
    if not parts.hostname:
        raise ValueError(f"a server's address names a host; {address[:80]!r} does not")
    # Its range is checked only when somebody asks for it.
    _ = parts.port
    path = PATH if parts.path in ("", "/") else parts.path
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))
