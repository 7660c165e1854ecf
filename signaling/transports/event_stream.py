"""Links without WebSocket: what the server says is a stream of events, what the client says are POSTs.

The stream is text/event-stream (WHATWG HTML §9.2). It goes out as one long answer (SSE), or in slices that
the client asks for one by one (long-poll).
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections import deque
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from signaling.protocol.codec import UNREADABLE, Codec
from signaling.protocol.ids import EVENT_ID_PATTERN
from signaling.protocol.messages import NUMBERED_EVENTS, Hello, Request
from signaling.protocol.parts import Resume

MAX_WAITING_POSTS = 8
"""Of one link, that the node has not heard yet; then its client has to wait."""
BEAT_SECONDS = 15.0
"""A proxy that hears nothing for a minute hangs up."""
LOOK_SECONDS = 2.0
"""How soon it is noticed that the client has hung up."""
SLICE_SECONDS = 20.0
"""How long a client waits for a slice in which there is something."""
GAP_SECONDS = 10.0
"""A client that has not asked for the next slice by then has gone."""
SLICE_BYTES = 131_072
"""At the most; a slice may have to travel over a bus."""
COMMENT = b":\n\n"
NUMBERED_TAGS = frozenset(each.__struct_config__.tag for each in NUMBERED_EVENTS)


class Tag(msgspec.Struct):
    """So much of an event as tells how many the client has had."""

    type: str
    epoch: str = ""
    resumed: bool = False


class EventId(NamedTuple):
    """The id of an event: how many numbered events of which epoch the client has had with it."""

    epoch: str
    offset: int

    @classmethod
    def read(cls, text: str) -> EventId | None:
        """None for what no event of ours has."""
        if re.fullmatch(EVENT_ID_PATTERN, text) is None:
            return None
        epoch, _, offset = text.rpartition("-")
        return cls(epoch, int(offset))

    def __str__(self) -> str:
        return f"{self.epoch}-{self.offset}"


class Slice(NamedTuple):
    """An HTTP status, and a part of the stream if it is 200."""

    status: int
    body: bytes = b""


class EventPipe:
    """What both have in common. ``last`` is where a stream ended that this one goes on from."""

    def __init__(self, codec: Codec[Request], last: EventId | None) -> None:
        self._codec = codec
        module = msgspec.json if codec.is_text else msgspec.msgpack
        self._tags = module.Decoder(Tag | list[Tag])
        self._last = last
        self._id = EventId("", 0)
        self._claimed = 0
        self._posts: deque[bytes] = deque()
        self._posted = 0
        self._has_heard = False
        self._news: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self.has_ended = False

    # What the client says

    def post(self, n: int, frame: bytes) -> int:
        """One frame, numbered from 1. The HTTP status: 204 taken, or taken before; 409 one is missing
        between; 410 the link has ended; 429 later."""
        if self.has_ended:
            return 410
        if n <= self._posted:
            return 204
        if n != self._posted + 1:
            return 409
        if len(self._posts) >= MAX_WAITING_POSTS:
            return 429
        self._posted = n
        self._posts.append(frame)
        self._wake()
        return 204

    async def receive(self) -> bytes | None:
        while not self._posts:
            if self.has_ended:
                return None
            self._news = self._loop.create_future()
            await self._news
        frame = self._posts.popleft()
        if not self._has_heard:
            self._has_heard = True
            return self._resumed(frame)
        return frame

    def end(self) -> None:
        """Nothing more comes, and nothing more goes out."""
        self.has_ended = True
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _resumed(self, frame: bytes) -> bytes:
        """The hello: what the client has had is told by its last event, if it has named one."""
        messages = self._codec.decode(frame)
        hello = messages[0]
        if not isinstance(hello, Hello) or hello.resume is None:
            return frame
        if self._last is not None:
            hello.resume = Resume(hello.resume.ticket, self._last.epoch, self._last.offset)
            said: list[Any] = messages
            frame = self._codec.join([self._codec.encode(each) for each in said])
        self._claimed = hello.resume.received
        return frame

    # What the server says

    def event(self, frame: bytes) -> bytes:
        """A frame as an event; what it brings is counted in its id."""
        try:
            tags: Any = self._tags.decode(frame)
        except UNREADABLE:
            tags = []
        for tag in tags if isinstance(tags, list) else [tags]:
            if tag.type == "welcome":
                self._id = EventId(tag.epoch, self._claimed if tag.resumed else 0)
            elif tag.type in NUMBERED_TAGS:
                self._id = EventId(self._id.epoch, self._id.offset + 1)
        if not self._codec.is_text:
            frame = base64.b64encode(frame)
        elif b"\n" in frame or b"\r" in frame:
            # Payloads are forwarded as they came, and between words of JSON a line may end.
            frame = frame.replace(b"\n", b" ").replace(b"\r", b" ")
        return b"id: %b\ndata: %b\n\n" % (str(self._id).encode(), frame)


def named_event(name: str, value: Any) -> bytes:
    """An event that is no frame."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(value))


class SsePipe(EventPipe):
    """One long answer."""

    def __init__(
        self, response: web.StreamResponse, request: web.Request, codec: Codec[Request], last: EventId | None
    ) -> None:
        super().__init__(codec, last)
        self._response = response
        self._transport = request.transport
        self._is_sending = False
        self._said_at = self._loop.time()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    async def send(self, frame: bytes) -> None:
        await self.write(self.event(frame))

    async def write(self, part: bytes) -> None:
        """Raises ConnectionError when the client has gone."""
        if self._has_gone():
            raise ConnectionResetError
        self._is_sending = True
        try:
            await self._response.write(part)
            self._said_at = self._loop.time()
        finally:
            self._is_sending = False

    async def close(self, code: int, reason: str) -> None:
        await self.write(named_event("close", {"code": code, "reason": reason}))
        await self._response.write_eof()
        self.end()

    def abort(self) -> None:
        self.end()
        if self._transport is not None:
            self._transport.abort()

    def end(self) -> None:
        self._timer.cancel()
        super().end()

    def _has_gone(self) -> bool:
        return self.has_ended or self._transport is None or self._transport.is_closing()

    def _look(self) -> None:
        if self._has_gone():
            self.end()
            return
        if not self._is_sending and self._loop.time() - self._said_at >= BEAT_SECONDS:
            self._said_at = self._loop.time()
            assert self._transport is not None
            # As one chunk (RFC 9112 §7.1) past the response, which would have to be waited for.
            self._transport.write(b"%x\r\n%b\r\n" % (len(COMMENT), COMMENT) if self._is_chunked else COMMENT)
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    @property
    def _is_chunked(self) -> bool:
        return self._response.chunked


class PollPipe(EventPipe):
    """Slices, numbered from 1. Each is kept until the next one is asked for."""

    def __init__(self, codec: Codec[Request], last: EventId | None) -> None:
        super().__init__(codec, last)
        self._waiting = bytearray()
        self._slice = Slice(200)
        self._n = 0
        self._asker: asyncio.Future[None] | None = None
        self._taken = asyncio.Event()
        self._gap: asyncio.TimerHandle | None = None
        self._is_closing = False

    async def send(self, frame: bytes) -> None:
        await self.write(self.event(frame))

    async def write(self, part: bytes) -> None:
        """Returns when there is room for more."""
        self._waiting += part
        self._tell_asker()
        while len(self._waiting) >= SLICE_BYTES and not self.has_ended:
            self._taken.clear()
            await self._taken.wait()
        if self.has_ended:
            raise ConnectionResetError

    async def ask(self, n: int) -> Slice:
        """The slice with this number: that of before again, or the next one when there is something."""
        if n == self._n and self._slice.body:
            return self._slice
        if n != self._n + 1:
            return Slice(409)
        if self._asker is not None:
            # Its client has hung up, or has more than one: the newer one gets it.
            self._tell_asker()
        if self._gap is not None:
            self._gap.cancel()
        if not self._waiting and not self._is_closing and not self.has_ended:
            self._asker = asker = self._loop.create_future()
            await asyncio.wait([asker], timeout=SLICE_SECONDS)
            if self._asker is not asker and not self._waiting:
                return Slice(409)
            self._asker = None
            if n != self._n + 1:
                return self._slice if n == self._n else Slice(409)
        if not self._waiting and (self._is_closing or self.has_ended):
            return Slice(410)
        return self._take(n)

    def _take(self, n: int) -> Slice:
        body = bytes(self._waiting[:SLICE_BYTES]) or COMMENT
        del self._waiting[:SLICE_BYTES]
        self._n, self._slice = n, Slice(200, body)
        self._taken.set()
        if self._gap is not None:
            self._gap.cancel()
        self._gap = self._loop.call_later(GAP_SECONDS, self.end)
        return self._slice

    async def close(self, code: int, reason: str) -> None:
        self._is_closing = True
        self._waiting += named_event("close", {"code": code, "reason": reason})
        self._tell_asker()
        while self._waiting and not self.has_ended:
            self._taken.clear()
            await self._taken.wait()
        self.end()

    def abort(self) -> None:
        self.end()

    def end(self) -> None:
        if self._gap is not None:
            self._gap.cancel()
        self._taken.set()
        self._tell_asker()
        super().end()

    def _tell_asker(self) -> None:
        asker, self._asker = self._asker, None
        if asker is not None and not asker.done():
            asker.set_result(None)
