"""How the next link travels: by WebSocket, and where that is blocked by plain HTTP."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Transport = Literal["websocket", "sse", "long-poll"]

ORDER: tuple[Transport, ...] = ("websocket", "sse", "long-poll")
OPEN_TIMEOUT = 4.0
"""What has not opened by then may never do: a proxy can swallow an upgrade, or keep a stream to itself."""


class Transports:
    """What works from here, learnt once and kept for the session."""

    def __init__(self) -> None:
        self.current: Transport = "websocket"
        self._has_worked = False

    @property
    def attempts(self) -> tuple[Transport, ...]:
        """What one attempt to open a link goes through: all that is left, until one has worked."""
        return (self.current,) if self._has_worked else ORDER[ORDER.index(self.current) :]

    def opened(self, transport: Transport) -> None:
        """A link has opened."""
        self.current, self._has_worked = transport, True


def http_url(signaling: str, path: str) -> str:
    """Where the server of this WebSocket address has another of its paths, such as ``/v1/sse``."""
    parts = urlsplit(signaling)
    scheme = "https" if parts.scheme == "wss" else "http"
    base = parts.path.removesuffix("/v1/ws")
    return urlunsplit((scheme, parts.netloc, f"{base}{path}", "", ""))
