"""A load member's line to the server: one WebSocket, from an address of one's own choice."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Protocol

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSInvalidStatusError,
    WSListener,
    WSMsgType,
    WSParsedURL,
    WSTransport,
    ws_connect,
)

from signaling.protocol.messages import JSON_SUBPROTOCOL

ABNORMAL_CLOSURE = 1006
"""RFC 6455 section 7.1.5: the link ended without a goodbye."""
HANDSHAKE_TIMEOUT = 10.0
MAX_FRAME_BYTES = 32 * 1024 * 1024
"""The snapshot of a room of many thousands."""
READ_BUFFER_BYTES = 1024
"""It grows when it must; most members hear little."""
TURNED_AWAY = (429, 503)


class NotOpened(Exception):  # noqa: N818  # an outcome, counted and tried again
    """``status`` is that of HTTP, or 0 when there was no answer."""

    def __init__(self, text: str, status: int = 0, after: float = 0.0) -> None:
        super().__init__(text)
        self.status = status
        self.after = after

    @property
    def is_turned_away(self) -> bool:
        """The server has no room now."""
        return self.status in TURNED_AWAY


class Owner(Protocol):
    """Who is told what comes over a link."""

    def opened(self, link: Link) -> None: ...

    def heard(self, link: Link, frame: bytes) -> None: ...

    def lost(self, link: Link, code: int) -> None: ...


class Link(WSListener):
    """Tells its owner; after :meth:`forget` nobody."""

    def __init__(self, owner: Owner) -> None:
        self._owner: Owner | None = owner
        self._transport: WSTransport | None = None
        self._code = ABNORMAL_CLOSURE

    def send(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, frame)

    def forget(self) -> None:
        """What happens from now on concerns nobody."""
        self._owner = None

    def close(self) -> None:
        """After what has been sent."""
        if self._transport is not None:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect(graceful=True)

    def cut(self) -> None:
        """Without a word, as when a network goes."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        if self._owner is not None:
            self._owner.opened(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            if self._owner is not None:
                self._owner.heard(self, frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.CLOSE:
            # The library's own reading knows no codes from 4000 on.
            self._code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big") or ABNORMAL_CLOSURE
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        if self._owner is not None:
            self._owner.lost(self, self._code)


class Dialler:
    """Opens links; ``tls`` is for ``wss``."""

    def __init__(self, token: str, tls: ssl.SSLContext | None) -> None:
        self._headers = {"Sec-WebSocket-Protocol": JSON_SUBPROTOCOL}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._tls = tls

    async def open(self, link: Link, url: str, source: str) -> None:
        """From the address ``source``, or any when it is empty. Raises NotOpened."""
        try:
            await ws_connect(
                lambda: link,
                url,
                ssl_context=self._tls,
                websocket_handshake_timeout=HANDSHAKE_TIMEOUT,
                max_frame_size=MAX_FRAME_BYTES,
                max_redirects=0,
                extra_headers=self._headers,
                read_buffer_init_size=READ_BUFFER_BYTES,
                socket_factory=(lambda _: _socket_from(source)) if source else _no_socket,
            )
        except WSInvalidStatusError as error:
            raise _answered(error) from error
        except (WSError, OSError, TimeoutError) as error:
            raise NotOpened(_words_of(error)) from error


def _socket_from(source: str) -> socket.socket:
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        if hasattr(socket, "IP_BIND_ADDRESS_NO_PORT"):
            # The port is chosen when the other end is known, so that each address has all of them.
            connection.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((source, 0))
    except OSError:
        connection.close()
        raise
    return connection


def _no_socket(url: WSParsedURL) -> None:
    return None


def _answered(error: WSInvalidStatusError) -> NotOpened:
    response = error.response
    if response is None:
        return NotOpened("an answer that is not HTTP")
    after = response.headers.get("Retry-After", "")
    status = int(response.status)
    return NotOpened(f"HTTP {status}", status, float(after) if after.isascii() and after.isdigit() else 0.0)


def _words_of(error: Exception) -> str:
    """The kind of failure, without the ports and addresses that differ from link to link."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
