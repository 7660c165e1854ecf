"""The pipe of a resource: what HTTP requests ask goes in as frames, replies come out of it."""

from __future__ import annotations

import asyncio

import msgspec

from signaling.dialects.base import PING, PONG
from signaling.dialects.whip_sdp import Fragment
from signaling.dialects.whip_words import Delete, Patch, Reply
from signaling.protocol.errors import BAD_TOKEN, CROWDED, DRAINING, EXPELLED, EXPIRED, OVERLOADED
from signaling.transports.foreign import BEGIN, BETWEEN

MAX_WAITING = 64
"""Frames of one resource; requests that come faster than the node reads them are told to wait."""
NO_ANSWER = 504, "No answer came in time; try again.", 5
STATUSES = {
    BAD_TOKEN.code: (401, "The token is missing or not valid; send Authorization: Bearer TOKEN.", 0),
    EXPIRED.code: (401, "The token has expired; send a new one.", 0),
    EXPELLED.code: (403, "An administrator has ended this.", 0),
    CROWDED.code: (429, "Too many at once of this user or address.", 30),
    OVERLOADED.code: (503, "This server is at its limit.", 5),
    DRAINING.code: (503, "This server is leaving; ask again.", 1),
}
_encode = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Reply)


def status_of(code: int) -> tuple[int, str, int]:
    """Status, text and Retry-After for a session that was closed with this code before it had an answer."""
    return STATUSES.get(code, NO_ANSWER)


class HttpPipe:
    """A link without a line: it is there until one of its sides ends it."""

    def __init__(self) -> None:
        self.code = 0
        """Of the goodbye."""
        self.is_ended = False
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING)
        self._frames.put_nowait(BEGIN)
        self._replies: dict[int, asyncio.Future[Reply | None]] = {}
        """Which are waited for, by the number of the request."""
        self._asked = 0
        self._first = self._expected(0)

    # For requests

    async def reply(self, timeout: float) -> Reply | None:
        """To what the dialect was made with; None when it has ended, or nothing came."""
        return await self._awaited(0, self._first, timeout)

    async def ask(self, fragment: Fragment, if_match: str, timeout: float) -> Reply | None:
        """None when the resource has ended, or nothing came."""
        self._asked += 1
        number = self._asked
        if not self.tell(Patch(number, fragment, if_match)):
            return Reply(number, 503, "Too many requests at once.", retry_after=1)
        return await self._awaited(number, self._expected(number), timeout)

    def tell(self, words: Patch | Delete) -> bool:
        """False when it is not heard: so many others wait, or it has ended."""
        if self.is_ended or self._frames.full() or len(self._replies) >= MAX_WAITING:
            return False
        self._frames.put_nowait(_encode(words))
        return True

    def end(self) -> None:
        """Nothing is read any more, and nothing is replied."""
        if self.is_ended:
            return
        self.is_ended = True
        if self._frames.full():
            self._frames.get_nowait()
        self._frames.put_nowait(None)
        for waiting in self._replies.values():
            if not waiting.done():
                waiting.set_result(None)

    def _expected(self, number: int) -> asyncio.Future[Reply | None]:
        future = self._replies[number] = asyncio.get_running_loop().create_future()
        return future

    async def _awaited(
        self, number: int, future: asyncio.Future[Reply | None], timeout: float
    ) -> Reply | None:
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            return None
        finally:
            self._replies.pop(number, None)

    # For the node

    async def receive(self) -> bytes | None:
        return await self._frames.get()

    async def send(self, frame: bytes) -> None:
        for each in frame.split(BETWEEN):
            if not each:
                # The last words of a dialect that has none.
                continue
            if each == PING:
                # There is nobody to be silent: a client is gone when the member says so.
                if not self._frames.full():
                    self._frames.put_nowait(PONG)
                continue
            reply = _read.decode(each)
            waiting = self._replies.get(reply.number)
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)

    async def close(self, code: int, reason: str) -> None:
        self.code = code
        self.end()

    def abort(self) -> None:
        self.end()
