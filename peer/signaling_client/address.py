"""Where a server is: what people write, and what a WebSocket wants."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from peer.errors import PeerlaneError

SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
PATH = "/v1/ws"


class AddressError(PeerlaneError, ValueError):
    """What was given cannot be the address of a server."""


def signaling_url(address: str) -> str:
    """The WebSocket address of a server: ``http(s)`` and ``ws(s)``, with or without ``/v1/ws``.

    Raises AddressError for anything else.
    """
    shown = repr(address[:80])
    try:
        parts = urlsplit(address.strip())
        # Its range is checked only when somebody asks for it.
        _ = parts.port
    except ValueError as error:
        raise AddressError(f"{shown} is not an address: {error}") from error
    scheme = SCHEMES.get(parts.scheme)
    if scheme is None:
        raise AddressError(f"{shown} does not begin with ws://, wss://, http:// or https://")
    if not parts.hostname:
        raise AddressError(f"{shown} names no host")
    path = PATH if parts.path in ("", "/") else parts.path
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def named_url(address: str, current: str) -> str:
    """What a link to an address dials that a server has named; empty when it is none.

    From where links are encrypted, nobody is led to where they are not.
    """
    try:
        url = signaling_url(address)
    except AddressError:
        return ""
    return "" if current.startswith("wss:") and not url.startswith("wss:") else url


def regions_url(signaling: str) -> str:
    """Where the server of this WebSocket address tells of all nodes."""
    parts = urlsplit(signaling)
    scheme = "https" if parts.scheme == "wss" else "http"
    base = parts.path.removesuffix(PATH) if parts.path.endswith(PATH) else ""
    return urlunsplit((scheme, parts.netloc, f"{base}/v1/regions", "", ""))
