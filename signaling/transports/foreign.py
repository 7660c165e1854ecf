"""Foreign clients on a WebSocket: their frames in, frames of their own dialect out.

To the node this is a link like any other. Its codec is a dialect with a memory, which may also answer by
itself, ask the hub for more when it hears something, and wake up later.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from signaling.config import Config
from signaling.dialects.base import PING, PONG, Arrival, Dialect
from signaling.protocol.codec import Malformed
from signaling.protocol.messages import Request, Word
from signaling.proxies import TrustedProxies
from signaling.transports.door import LinkHost, called, caller, refusal_of
from signaling.transports.websocket import release

if TYPE_CHECKING:
    from signaling.transports.link import Link

BEGIN = b"\x02"
"""What such a link hears first: most servers of these clients speak first, so nobody waits for a hello."""
BETWEEN = b"\x1e"
"""Between frames that are queued together: well-formed JSON has no such byte (RFC 8259 §7, RFC 7464)."""


class ForeignCodec:
    """What a :class:`~signaling.protocol.codec.Codec` is for our own clients, for one link."""

    is_text = True
    is_shared = False
    """Each client is told in its own words, which depend on what it has said."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.subprotocol = dialect.name
        self._link: Link | None = None
        self._hear: Callable[[Sequence[Request | Malformed]], None] = lambda requests: None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def use(self, link: Link, hear: Callable[[Sequence[Request | Malformed]], None]) -> None:
        """The link whose codec this is, and what takes requests that no frame has brought."""
        self._link = link
        self._hear = hear

    def decode(self, frame: bytes) -> list[Request | Malformed]:
        now = time.monotonic()
        said = self.dialect.begin(now) if frame is BEGIN else self.dialect.heard(frame, now)
        self._say(said.frames)
        self._set_timer()
        return list(said.requests)

    def encode(self, message: Word) -> bytes:
        """Empty when the client has no word for it."""
        said = self.dialect.told(message, time.monotonic())
        if said.requests:
            self._hear(said.requests)
        self._set_timer()
        return _together(said.frames)

    def join(self, encoded: list[bytes]) -> bytes:
        return BETWEEN.join(encoded)

    def close(self) -> None:
        """The link has ended."""
        self._link, self._hear = None, lambda requests: None
        if self._timer is not None:
            self._timer.cancel()

    def _say(self, frames: Sequence[bytes]) -> None:
        # A client that does not read what it is answered by its dialect is closed with its next event.
        if frames and self._link is not None:
            self._link.put(_together(frames))

    def _set_timer(self) -> None:
        wake_at = self.dialect.wake_at
        if self._timer is not None:
            if self._timer_at <= wake_at:
                return
            self._timer.cancel()
            self._timer = None
        if wake_at != float("inf") and self._link is not None:
            loop = asyncio.get_running_loop()
            self._timer_at = wake_at
            self._timer = loop.call_later(max(0.0, wake_at - time.monotonic()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = time.monotonic()
        if self.dialect.wake_at <= now:
            said = self.dialect.wake(now)
            self._say(said.frames)
            if said.requests:
                self._hear(said.requests)
        self._set_timer()


class ForeignPipe:
    """One frame for each message; the first that is heard is BEGIN."""

    __slots__ = ("_has_begun", "_socket", "_transport")

    def __init__(self, socket: web.WebSocketResponse[bool], request: web.Request) -> None:
        self._socket = socket
        self._transport = request.transport
        self._has_begun = False

    async def receive(self) -> bytes | None:
        if not self._has_begun:
            self._has_begun = True
            return BEGIN
        while True:
            try:
                message = await self._socket.receive()
                if message.type is WSMsgType.PING:
                    await self._socket.pong(message.data)
                    continue
            except ConnectionError:
                return None
            if message.type is WSMsgType.PONG:
                return PONG
            return message.data if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) else None

    async def send(self, frame: bytes) -> None:
        for each in frame.split(BETWEEN):
            if each == PING:
                await self._socket.ping()
            else:
                await self._socket.send_frame(each, WSMsgType.TEXT)

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code=code, message=reason.encode())

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class ForeignDoor:
    """Upgrades requests of one family of clients; refuses as the native door does.

    ``health``: what is answered to whoever asks without an upgrade; empty: that they need one.
    """

    def __init__(
        self,
        host: LinkHost,
        config: Config,
        make: Callable[[Arrival], Dialect],
        health: str = "",
    ) -> None:
        self._host = host
        self._make = make
        self._health = health
        self._proxies = TrustedProxies(config.server.trusted_proxies)

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Serve one link; returns when it has ended."""
        if self._health and "Upgrade" not in request.headers:
            return web.Response(text=self._health)
        refusal = refusal_of(request, self._host, self._proxies)
        if refusal is not None:
            return refusal
        config = self._host.config
        socket = web.WebSocketResponse(
            compress=False,
            max_msg_size=config.limits.max_message_bytes + 1,
            heartbeat=None,
            autoping=False,
            decode_text=False,
            timeout=2.0,
        )
        await socket.prepare(request)
        socket.headers.clear()
        path, query = dict(request.match_info), dict(request.query)
        doors = config.doors
        arrival = Arrival(doors.app, path, query, secrets.token_urlsafe(16), doors.peerjs_key)
        codec = ForeignCodec(self._make(arrival))
        try:
            await self._host.serve(
                ForeignPipe(socket, request),
                codec,
                called(request, self._proxies) or "",
                caller(request, self._proxies),
            )
        finally:
            codec.close()
        return await release(socket)


def _together(frames: Sequence[bytes]) -> bytes:
    # Payloads are forwarded as they came, and one of our own may have had this byte in it.
    return BETWEEN.join(frame for frame in frames if BETWEEN not in frame)
