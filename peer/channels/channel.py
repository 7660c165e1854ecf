"""One lane to one peer. It outlives the connection under it: after a rebuild it opens again by itself."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from peer.channels.chunking import Assembler, Data, Message, NoMessage, fragment, to_bytes
from peer.channels.inbox import Inbox
from peer.channels.kinds import LATEST, Kind
from peer.errors import Closed, Full, PeerlaneError, Refused
from peer.streams import Bell

log = logging.getLogger(__name__)

HIGH_WATER_BYTES = 1024 * 1024
"""Above this much unsent data ``send`` waits; at the lower mark it goes on."""
LOW_WATER_BYTES = 256 * 1024
LATEST_WATER_BYTES = 4096
"""A LATEST value waits behind more than this, and is replaced by a newer one."""

Handler = TypeVar("Handler", bound=Callable[[Message], object])


class Lane(Protocol):
    """What a channel runs on: aiortc's RTCDataChannel, in the words of W3C WebRTC."""

    bufferedAmountLowThreshold: int  # noqa: N815 # W3C's name

    @property
    def readyState(self) -> str: ...  # noqa: N802 # W3C's name
    @property
    def bufferedAmount(self) -> int: ...  # noqa: N802 # W3C's name
    def send(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def on(self, event: str, f: Callable[..., Any]) -> Any: ...


class Outcome(StrEnum):
    """What became of a message of ``send_now``."""

    SENT = "sent"
    REPLACED = "replaced"
    """It took the place of an older LATEST value, which is never sent."""


class Statistics(msgspec.Struct, frozen=True):
    """Counts of messages since the channel was made."""

    sent: int
    received: int
    dropped: int
    """Came in, and nobody got them: unreadable, late, or pushed out by newer ones."""
    replaced: int


class Channel:
    """``closing`` tells the other side that this end has closed it."""

    def __init__(self, label: str, kind: Kind, closing: Callable[[Channel], None]) -> None:
        self.label = label
        self.kind = kind
        self.state: Literal["opening", "open", "closed"] = "opening"
        self._closing = closing
        self._lane: Lane | None = None
        self._assembler = Assembler(kind)
        self._inbox = Inbox(kind)
        self._handlers: list[Callable[[Message], object]] = []
        self._changed = Bell()
        # One message at a time: fragments of two may not mix.
        self._turn = asyncio.Lock()
        self._sending = 0
        self._sequence = 0
        self._unsent: tuple[bool, bytes] | None = None
        self._why: PeerlaneError = Closed(f"channel {label!r} is closed")
        self._sent = self._received = self._dropped = self._replaced = 0

    async def send(self, data: Data) -> None:
        """Send a message, waiting for room; it arrives whole or not at all, also when this is cancelled.

        A LATEST value never waits for long: it replaces the older one that is still unsent.
        Raises Closed, Refused or Full with the reason when the channel ends first, and ValueError for a
        message that this kind does not carry.
        """
        is_text, content = to_bytes(self.kind, data)
        if self.kind is LATEST:
            self._send_latest(is_text, content)
            # So that a loop that sends and does nothing else lets the others live.
            await asyncio.sleep(0)
            return
        self._sending += 1
        try:
            async with self._turn:
                await self._send_in_turn(fragment(self.kind, is_text, content))
        finally:
            self._sending -= 1

    def send_now(self, data: Data) -> Outcome:
        """Send without waiting. Raises Full when there is no room, and otherwise as ``send``."""
        is_text, content = to_bytes(self.kind, data)
        if self.kind is LATEST:
            return self._send_latest(is_text, content)
        if self.state == "closed":
            raise self._why
        lane = self._open_lane
        if lane is None or self._sending or lane.bufferedAmount + len(content) > HIGH_WATER_BYTES:
            raise Full(f"there is no room in channel {self.label!r}", hint="use send(), which waits")
        for part in fragment(self.kind, is_text, content):
            lane.send(part)
        self._sent += 1
        return Outcome.SENT

    async def wait_open(self) -> None:
        """Until messages can flow. Raises the reason when the channel ends first."""
        await self._wait_lane()

    def close(self) -> None:
        """Close it here and on the other side. What was sent still goes out."""
        if self.state == "closed":
            return
        self._closing(self)
        self._end(Closed(f"channel {self.label!r} was closed here"))

    def statistics(self) -> Statistics:
        return Statistics(self._sent, self._received, self._dropped + self._inbox.dropped, self._replaced)

    def on_message(self, handler: Handler) -> Handler:
        """Call ``handler`` with each message, from the first on; a decorator.

        Use this or ``async for``, not both. What a handler raises is logged, and spoils nothing else.
        """
        if inspect.iscoroutinefunction(handler):
            raise TypeError("a handler is a plain function; to wait between messages use 'async for'")
        self._handlers.append(handler)
        while len(self._inbox):
            self._handle(self._inbox.take())
        return handler

    def __aiter__(self) -> Channel:
        return self

    async def __anext__(self) -> Message:
        """The next message. Raises Full or Refused when the channel had to end because of them."""
        while not len(self._inbox):
            if self.state == "closed":
                if isinstance(self._why, (Full, Refused)):
                    raise self._why
                raise StopAsyncIteration
            await self._changed.wait()
        return self._inbox.take()

    # For the register

    @property
    def is_attached(self) -> bool:
        """Whether a data channel is under it."""
        return self._lane is not None and self._lane.readyState in ("connecting", "open")

    def attach(self, lane: Lane) -> None:
        """A data channel to run on, the first or that of a new connection."""
        if self.state == "closed":
            lane.close()
            return
        self._lane = lane
        self._assembler = Assembler(self.kind)
        lane.bufferedAmountLowThreshold = LATEST_WATER_BYTES if self.kind is LATEST else LOW_WATER_BYTES
        lane.on("open", lambda: self._opened(lane))
        lane.on("message", lambda data: self._receive(lane, data))
        lane.on("bufferedamountlow", self._has_room)
        lane.on("close", lambda: self._lane_closed(lane))
        if lane.readyState == "open":
            self._opened(lane)

    def detach(self) -> None:
        """The connection under it has ended; another one may follow."""
        self._lane = None
        if self.state == "open":
            self.state = "opening"
        self._changed.ring()

    def closed_by_other(self) -> None:
        """The other side has closed it: what is still under way is read first."""
        self._why = Closed(f"channel {self.label!r} was closed by the other side")
        lane = self._lane
        if lane is None or not self.is_attached:
            self._end(self._why)
            return
        lane.on("close", lambda: self._end(self._why))
        lane.close()

    def fail(self, why: PeerlaneError) -> None:
        """It cannot go on."""
        self._end(why)

    # Inside

    @property
    def _open_lane(self) -> Lane | None:
        return self._lane if self._lane is not None and self._lane.readyState == "open" else None

    def _opened(self, lane: Lane) -> None:
        if lane is self._lane and self.state == "opening":
            self.state = "open"
            self._has_room()

    def _has_room(self) -> None:
        self._flush_latest()
        self._changed.ring()

    def _lane_closed(self, lane: Lane) -> None:
        if lane is self._lane and self.state != "closed":
            self.detach()

    def _end(self, why: PeerlaneError) -> None:
        if self.state == "closed":
            return
        self.state = "closed"
        self._why = why
        lane, self._lane = self._lane, None
        if lane is not None:
            lane.close()
        self._changed.ring()

    def _receive(self, lane: Lane, data: object) -> None:
        if lane is not self._lane:
            return
        # Every message of ours is binary.
        message = self._assembler.receive(data) if isinstance(data, bytes) else NoMessage.DROPPED
        match message:
            case NoMessage.PART:
                pass
            case NoMessage.DROPPED:
                self._dropped += 1
            case NoMessage.TOO_LARGE:
                self._closing(self)
                self._end(Refused("too-large", f"a message in channel {self.label!r} was too long"))
            case _:
                self._received += 1
                self._deliver(message)

    def _deliver(self, message: Message) -> None:
        if self._handlers:
            self._handle(message)
        elif self._inbox.put(message):
            self._changed.ring()
        else:
            self._closing(self)
            self._end(
                Full(f"nobody reads channel {self.label!r}", hint="read the messages, or close the channel")
            )

    def _handle(self, message: Message) -> None:
        for handler in self._handlers:
            try:
                handler(message)
            except Exception:
                log.exception("a handler of channel %r failed", self.label)

    def _send_latest(self, is_text: bool, content: bytes) -> Outcome:
        if self.state == "closed":
            raise self._why
        outcome = Outcome.SENT if self._unsent is None else Outcome.REPLACED
        self._unsent = (is_text, content)
        self._flush_latest()
        self._replaced += outcome is Outcome.REPLACED
        return outcome

    def _flush_latest(self) -> None:
        lane = self._open_lane
        if lane is None or self._unsent is None or lane.bufferedAmount > LATEST_WATER_BYTES:
            return
        for part in fragment(self.kind, *self._unsent, self._sequence):
            lane.send(part)
        self._sequence += 1
        self._unsent = None
        self._sent += 1

    async def _send_in_turn(self, parts: list[bytes]) -> None:
        lane = await self._wait_lane()
        index = 0
        while index < len(parts):
            if lane.readyState == "open" and lane.bufferedAmount > HIGH_WATER_BYTES:
                try:
                    await self._changed.wait()
                except asyncio.CancelledError:
                    # Half a message would be joined with the next one.
                    if index and lane.readyState == "open":
                        for part in parts[index:]:
                            lane.send(part)
                    raise
            elif lane.readyState == "open":
                lane.send(parts[index])
                index += 1
            else:
                # The connection under it is being replaced: the message starts again from its first part.
                lane, index = await self._wait_lane(), 0
        self._sent += 1

    async def _wait_lane(self) -> Lane:
        while (lane := self._open_lane) is None:
            if self.state == "closed":
                raise self._why
            await self._changed.wait()
        return lane
