"""A client's line to the server: frames in, frames out, and a goodbye that is heard."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

from signaling.hub.session import Session
from signaling.limits import TokenBucket
from signaling.outbox import Outbox
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import CloseReason
from signaling.protocol.messages import Authenticate, Request, Word

# Shared by all links, most of which never have one; replaced, never changed.
NO_RENEWALS: list[Authenticate] = []
LAST_WORDS_TIMEOUT = 2.0
"""How long a closing link may take to empty its outbox before it is cut."""


class Caller(NamedTuple):
    """Who opened a link, as far as the request told."""

    address: str = ""
    origin: str = ""
    bearer: str = ""
    """What a program presented; a page presents its token with the hello."""


class LinkCodec(Protocol):
    """How the client of a link writes messages, and reads them: a codec of ours, or a foreign dialect."""

    subprotocol: str
    is_shared: bool
    """What is written for one link is right for all others of the same subprotocol."""

    def decode(self, frame: bytes) -> list[Request | Malformed]:
        """The messages of one frame, in order; never raises."""

    def encode(self, message: Word, /) -> bytes:
        """One message; empty when this client is not told of it."""

    def join(self, encoded: list[bytes]) -> bytes:
        """One frame of several encoded messages, at most 64."""


class Pipe(Protocol):
    """How one transport moves frames; the only thing a new transport has to bring."""

    async def receive(self) -> bytes | None:
        """The next frame, or None when the link has ended. Never raises for what the client does."""

    async def send(self, frame: bytes) -> None:
        """Write one frame, waiting while the client reads slowly. Raises ConnectionError when it has gone."""

    async def close(self, code: int, reason: str) -> None:
        """End the line politely."""

    def abort(self) -> None:
        """End the line now."""


class Link:
    """One client's line: its pipe, its codec, its outbox and, while there is something to write, its writer.

    The writer is a task only as long as the outbox holds something: thousands of idle links then
    cost no task each. :meth:`finish` waits for it, so it never outlives its link.
    """

    __slots__ = (
        "_cut",
        "_is_sending",
        "_reason",
        "_writer",
        "bucket",
        "codec",
        "outbox",
        "pause",
        "pipe",
        "renewals",
        "session",
    )

    def __init__(
        self,
        pipe: Pipe,
        codec: LinkCodec,
        outbox: Outbox,
        bucket: TokenBucket,
    ) -> None:
        self.pipe = pipe
        self.codec = codec
        self.outbox = outbox
        self.bucket = bucket
        self.pause = 0.0
        """Seconds to wait before it is read again."""
        self.session: Session | None = None
        """None before the hello, and again once the session has ended or gone on elsewhere."""
        self.renewals: list[Authenticate] = NO_RENEWALS
        """Newer tokens that are still to be judged."""
        self._writer: asyncio.Task[None] | None = None
        self._is_sending = False
        """Seen from outside of the writer: it waits for the client to read."""
        self._reason: CloseReason | None = None
        self._cut: asyncio.TimerHandle | None = None

    @property
    def closing(self) -> bool:
        return self._reason is not None

    def put(self, message: bytes) -> bool:
        """Queue one encoded message; False when the outbox is full. After a goodbye nothing is queued."""
        if self._reason is not None:
            return True
        if not self.outbox.put(message, self._is_sending):
            return False
        self._wake_writer()
        return True

    def put_replay(self, messages: list[bytes]) -> None:
        """Queue what a resumed client has missed."""
        if self._reason is None and messages:
            self.outbox.put_replay(messages)
            self._wake_writer()

    def close(self, reason: CloseReason, last_words: bytes) -> None:
        """Say the last words after what is queued already, then end the line; never waits."""
        if self._reason is not None:
            return
        self._reason = reason
        self.session = None
        self.outbox.put_last_words(last_words)
        self._cut = asyncio.get_running_loop().call_later(LAST_WORDS_TIMEOUT, self.pipe.abort)
        self._wake_writer()

    async def finish(self) -> None:
        """The line has ended: nothing more is written, and the writer is gone when this returns."""
        if self._reason is None:
            self.outbox.clear()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=LAST_WORDS_TIMEOUT)
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        if self._cut is not None:
            self._cut.cancel()

    def _wake_writer(self) -> None:
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        outbox = self.outbox
        try:
            self._is_sending = True
            while outbox:
                await self.pipe.send(self.codec.join(outbox.take()))
            if self._reason is not None:
                await self.pipe.close(self._reason.code, self._reason.name)
        except ConnectionError:
            # The reader notices too, and ends the link.
            outbox.clear()
        finally:
            self._writer = None
            self._is_sending = False
