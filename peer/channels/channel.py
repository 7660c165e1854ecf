"""One lane to one peer. It outlives the connection under it: after a rebuild it goes on by itself."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Literal, Protocol, TypeVar

from peer.channels.carrier import Carrier
from peer.channels.chunking import Data, Message, NoMessage, to_bytes
from peer.channels.inbox import Inbox
from peer.channels.kinds import LATEST, Kind
from peer.channels.lane import Lane
from peer.channels.outgoing import Outgoing
from peer.channels.realtime import Realtime
from peer.channels.statistics import Statistics
from peer.errors import Closed, Full, Lost, PeerlaneError, Refused
from peer.streams import Bell

log = logging.getLogger(__name__)

Handler = TypeVar("Handler", bound=Callable[[Message], object])


class Outcome(StrEnum):
    """What became of a message of ``send_now``."""

    SENT = "sent"
    REPLACED = "replaced"
    """It took the place of an older LATEST value, which is never sent."""
    DROPPED = "dropped"
    """UNRELIABLE only: there is no connection now."""


class Owner(Protocol):
    """Whom a channel tells about itself: the register."""

    def waits(self, carrier: Carrier) -> None:
        """It has something to hand over."""

    def pump(self) -> None:
        """A lane has handed on what was in its buffer."""

    def came(self, channel: Channel) -> bool:
        """A data-channel message has come; False when too much of unfinished ones is kept."""

    def lane_closed(self, channel: Channel) -> None: ...

    def closed(self, channel: Channel) -> None:
        """This end has closed it; what waits still goes out."""

    def left(self, channel: Channel) -> None:
        """It has ended, and so has its lane."""

    def violated(self, reason: str) -> None:
        """Nobody who speaks our protocol says such a thing."""


class Channel:
    """What both sides know by its label. ``state`` is ``opening`` whenever there is no lane under it."""

    def __init__(self, label: str, kind: Kind, owner: Owner) -> None:
        self.label = label
        self.kind = kind
        self.state: Literal["opening", "open", "closed"] = "opening"
        self.carrier = Carrier(kind, self)
        self._owner = owner
        self._inbox = Inbox(kind)
        self._handlers: list[Callable[[Message], object]] = []
        self._changed = Bell()
        # Whoever came first to wait for room gets it first.
        self._turn = asyncio.Lock()
        self._has_been_open = False
        self._is_leaving = False
        self._is_ending = False
        self._why: PeerlaneError = Closed(f"channel {label!r} is closed")
        self._received = self._received_bytes = self._dropped = 0

    async def send(self, data: Data) -> None:
        """Send a message, waiting for room; it arrives whole or not at all, also when this is cancelled.

        What is RELIABLE or BULK arrives even when the connection has to be rebuilt. A LATEST value never
        waits: it replaces the older one that is still unsent. An UNRELIABLE message waits only for the
        channel to open for the first time. Raises Closed, Lost, Refused or Full with the reason when the
        channel ends first, and ValueError for a message that this kind does not carry.
        """
        is_text, content = to_bytes(self.kind, data)
        if self.kind is LATEST:
            self._put(is_text, content)
        else:
            async with self._turn:
                await self._wait_room(len(content))
                self._put(is_text, content)
        if not self.kind.ordered:
            # So that a loop that sends and does nothing else lets the others live.
            await asyncio.sleep(0)

    def send_now(self, data: Data) -> Outcome:
        """Send without waiting. Raises Full when there is no room, and otherwise as ``send``."""
        is_text, content = to_bytes(self.kind, data)
        is_next = self.kind is LATEST or not self._turn.locked()
        if self.state != "closed" and not (is_next and self._has_room(len(content))):
            raise Full(f"there is no room in channel {self.label!r}", hint="use send(), which waits")
        return self._put(is_text, content)

    async def wait_open(self) -> None:
        """Until messages can flow. Raises the reason when the channel ends first."""
        while self.state != "open":
            if self.state == "closed":
                raise self._why
            await self._changed.wait()

    def close(self) -> None:
        """Close it here and on the other side. What was sent still goes out, while there is a connection."""
        if self.state != "closed":
            self.end(Closed(f"channel {self.label!r} was closed here"))

    def statistics(self) -> Statistics:
        outgoing, incoming = self.carrier.outgoing, self.carrier.incoming
        return Statistics(
            sent=outgoing.sent,
            received=self._received,
            dropped=self._dropped + self._inbox.dropped,
            replaced=outgoing.replaced,
            stale=outgoing.stale,
            resent=outgoing.resent,
            duplicates=0 if incoming is None else incoming.duplicates,
            waiting_messages=outgoing.waiting_messages,
            waiting_bytes=outgoing.waiting_bytes,
            unacknowledged_messages=outgoing.unacknowledged_messages,
            sent_bytes=outgoing.sent_bytes,
            received_bytes=self._received_bytes,
        )

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
        """The next message. Raises Full, Lost or Refused when the channel had to end because of them."""
        while not len(self._inbox):
            if self.state == "closed":
                if isinstance(self._why, Closed):
                    raise StopAsyncIteration
                raise self._why
            await self._changed.wait()
        return self._inbox.take()

    # For the register

    @property
    def is_attached(self) -> bool:
        """Whether there is a lane under it, or will be."""
        return self.carrier.is_attached

    def attach(self, lane: Lane, channel_id: str) -> None:
        """A lane to run on, the first or that of a new connection."""
        self.carrier.attach(lane, channel_id)

    def detach(self) -> None:
        """The connection under it has ended; another one may follow."""
        self.carrier.detach()
        self.lane_closed()

    def closed_by_other(self) -> None:
        """The other side has closed it: what is still under way is read first."""
        self._ends_with_lane()
        self.carrier.close_lane()

    def replaced_by_other(self) -> None:
        """The other side has made a new one of this label: what it sent over this one is read first."""
        self._ends_with_lane()

    def end(self, why: PeerlaneError) -> None:
        """End it here; what was sent goes out first."""
        self._end(why)
        self._is_leaving = True
        self._owner.closed(self)
        self._owner.waits(self.carrier)

    def fail(self, why: PeerlaneError) -> None:
        """It cannot go on."""
        self._end(why)
        self._leave()

    # For its carrier

    def lane_opened(self) -> None:
        if self.state == "opening":
            self.state = "open"
            self._has_been_open = True
            self._changed.ring()
        self._owner.waits(self.carrier)

    def lane_closed(self) -> None:
        if isinstance(self.carrier.outgoing, Realtime):
            self._dropped += self.carrier.outgoing.clear()
        if self._is_ending:
            self._end(self._why)
        if self.state == "closed":
            self._leave()
            return
        self.state = "opening"
        self._changed.ring()
        self._owner.lane_closed(self)

    def lane_has_room(self) -> None:
        self._owner.pump()

    def emptied(self) -> None:
        if self._is_leaving:
            self._leave()

    def acknowledged(self) -> None:
        """There may be room for more."""
        self._changed.ring()

    def arrived(self, arrived: Message | NoMessage) -> None:
        has_room = self._owner.came(self)
        match arrived:
            case NoMessage.PART if not has_room:
                self._give_up(Refused("too-large", "the other side has begun too many long messages"))
            case NoMessage.PART | NoMessage.START | NoMessage.DUPLICATE:
                pass
            case NoMessage.DROPPED:
                self._dropped += 1
            case NoMessage.TOO_LARGE:
                self._give_up(Refused("too-large", f"a message in channel {self.label!r} was too long"))
            case NoMessage.MISSING:
                self._give_up(Lost(f"messages are missing in channel {self.label!r}"))
            case NoMessage.VIOLATION:
                self._owner.violated(f"channel {self.label!r} was not started as it should be")
            case _:
                self._received += 1
                self._received_bytes += len(arrived)
                self._deliver(arrived)

    # Inside

    def _deliver(self, message: Message) -> None:
        if self._is_leaving:
            return
        if self._handlers:
            self._handle(message)
        elif self._inbox.put(message):
            self._changed.ring()
        else:
            self._give_up(
                Full(f"nobody reads channel {self.label!r}", hint="read the messages, or close the channel")
            )

    def _handle(self, message: Message) -> None:
        for handler in self._handlers:
            try:
                handler(message)
            except Exception:
                log.exception("a handler of channel %r failed", self.label)

    def _has_room(self, content_bytes: int) -> bool:
        outgoing = self.carrier.outgoing
        if isinstance(outgoing, Outgoing):
            return self._has_been_open and outgoing.has_room(content_bytes)
        return self._has_been_open or self.kind is LATEST

    async def _wait_room(self, content_bytes: int) -> None:
        while self.state != "closed" and not self._has_room(content_bytes):
            await self._changed.wait()

    def _put(self, is_text: bool, content: bytes) -> Outcome:
        if self.state == "closed":
            raise self._why
        outgoing, outcome = self.carrier.outgoing, Outcome.SENT
        if isinstance(outgoing, Outgoing):
            outgoing.put(is_text, content)
        elif self.kind is not LATEST and not self.carrier.is_open:
            self._dropped += 1
            return Outcome.DROPPED
        elif outgoing.put(is_text, content, time.monotonic()):
            outcome = Outcome.REPLACED
        self._owner.waits(self.carrier)
        return outcome

    def _ends_with_lane(self) -> None:
        self._is_ending = True
        if self.state != "closed":
            self._why = Closed(f"channel {self.label!r} was closed by the other side")
        if not self.carrier.is_attached:
            self._end(self._why)
            self._leave()

    def _give_up(self, why: PeerlaneError) -> None:
        """End it because of what the other side has sent, and tell the other side."""
        self._end(why)
        self._owner.closed(self)
        self._leave()

    def _end(self, why: PeerlaneError) -> None:
        if self.state != "closed":
            self.state = "closed"
            self._why = why
            self._changed.ring()

    def _leave(self) -> None:
        """Nothing goes out any more, and nothing is read."""
        self._is_leaving = False
        self.carrier.drop_lane()
        if isinstance(self.carrier.outgoing, Outgoing):
            self.carrier.outgoing.clear()
        self._owner.left(self)
