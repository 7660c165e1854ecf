"""What happened at this node, in numbered events: ``GET /v1/feed`` tells them, and so do webhooks.

The journal keeps the last of them, within a number and a number of bytes. An event is written once, as the
JSON in which everybody reads it. The state of the rooms is the fold of their events (:func:`fold`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from signaling.protocol.parts import RoomSettings

ENCODE = msgspec.json.Encoder().encode


class FeedMember(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member as events tell of it."""

    id: str
    name: str
    node: str
    """Which node has its session."""
    metadata: dict[str, Any] = {}
    away: bool = False


class FeedEvent(msgspec.Struct, tag_field="type", frozen=True, kw_only=True):
    """Base of all events."""

    at: float
    """Calendar seconds."""


class RoomOpened(FeedEvent, tag="room-opened", frozen=True):
    """The first member of a room came in; told before ``member-joined``."""

    room: str
    settings: RoomSettings


class RoomChanged(FeedEvent, tag="room-changed", frozen=True):
    """Other settings hold for the room, or it has another owner."""

    room: str
    settings: RoomSettings


class RoomClosed(FeedEvent, tag="room-closed", frozen=True):
    """This node has nobody in that room any more."""

    room: str


class MemberJoined(FeedEvent, tag="member-joined", frozen=True):
    room: str
    member: FeedMember


class MemberChanged(FeedEvent, tag="member-changed", frozen=True):
    """Name, metadata, node, or whether it is away."""

    room: str
    member: FeedMember


class MemberLeft(FeedEvent, tag="member-left", frozen=True):
    room: str
    id: str
    reason: str


class NodeSeen(FeedEvent, tag="node-seen", frozen=True):
    """Another node is heard of."""

    node: str
    region: str


class NodeLost(FeedEvent, tag="node-lost", frozen=True):
    """It has said goodbye, or is not heard of any more."""

    node: str


class BusChanged(FeedEvent, tag="bus-changed", frozen=True):
    """Whether this node and the others can talk to each other."""

    is_there: bool


class Draining(FeedEvent, tag="draining", frozen=True):
    """This node takes nobody in any more, and tells its clients to go elsewhere."""


class RoomState(FeedEvent, tag="room", frozen=True):
    """All of one room, for readers who do not know what went before; has no number of its own."""

    room: str
    settings: RoomSettings
    members: list[FeedMember]


AnyEvent = (
    RoomOpened
    | RoomChanged
    | RoomClosed
    | MemberJoined
    | MemberChanged
    | MemberLeft
    | NodeSeen
    | NodeLost
    | BusChanged
    | Draining
    | RoomState
)
TYPES = frozenset(kind.__struct_config__.tag for kind in AnyEvent.__args__)


class Entry(NamedTuple):
    """An event in the journal."""

    number: int
    type: str
    room: str
    """``app/room``; empty where it is about none."""
    encoded: bytes
    """JSON, in one line."""


class Journal:
    """``unix_now`` says when something happened; ``heard`` are called after each event.

    With ``most`` 0 nothing is kept.
    """

    def __init__(self, boot: str, most: int, most_bytes: int, unix_now: Callable[[], float]) -> None:
        self.boot = boot
        """Made anew with each start: numbers of another one mean nothing here."""
        self.heard: list[Callable[[Entry], None]] = []
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._unix_now = unix_now
        self._entries: deque[Entry] = deque()
        self.last = 0
        """The number of the last event; the first is 1."""

    @property
    def is_kept(self) -> bool:
        return self._most > 0

    @property
    def first(self) -> int:
        """The oldest that is kept; one more than the last when none is."""
        return self.last + 1 - len(self._entries)

    def after(self, number: int) -> Iterator[Entry] | None:
        """What happened since then; None when some of that is not kept any more, or never was."""
        if not self.first - 1 <= number <= self.last:
            return None
        # From the end: readers are mostly near to it.
        missing = self.last - number
        newest = [entry for _, entry in zip(range(missing), reversed(self._entries), strict=False)]
        return reversed(newest)

    def id_of(self, number: int) -> str:
        return f"{self.boot}-{number}"

    def number_of(self, event_id: str) -> int | None:
        """None for an id that this journal has not given."""
        boot, _, digits = event_id.rpartition("-")
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= 16
        return int(digits) if boot == self.boot and is_number else None

    # What happens

    def room_opened(self, room: str, settings: RoomSettings) -> None:
        self._add(room, RoomOpened(at=self._unix_now(), room=room, settings=settings))

    def room_changed(self, room: str, settings: RoomSettings) -> None:
        self._add(room, RoomChanged(at=self._unix_now(), room=room, settings=settings))

    def room_closed(self, room: str) -> None:
        self._add(room, RoomClosed(at=self._unix_now(), room=room))

    def member_joined(self, room: str, member: FeedMember) -> None:
        self._add(room, MemberJoined(at=self._unix_now(), room=room, member=member))

    def member_changed(self, room: str, member: FeedMember) -> None:
        self._add(room, MemberChanged(at=self._unix_now(), room=room, member=member))

    def member_left(self, room: str, peer: str, reason: str) -> None:
        self._add(room, MemberLeft(at=self._unix_now(), room=room, id=peer, reason=reason))

    def node_seen(self, node: str, region: str) -> None:
        self._add("", NodeSeen(at=self._unix_now(), node=node, region=region))

    def node_lost(self, node: str) -> None:
        self._add("", NodeLost(at=self._unix_now(), node=node))

    def bus_changed(self, is_there: bool) -> None:
        self._add("", BusChanged(at=self._unix_now(), is_there=is_there))

    def draining(self) -> None:
        self._add("", Draining(at=self._unix_now()))

    def state(self, room: str, settings: RoomSettings, members: list[FeedMember]) -> Entry:
        """Of a room as it is now, for a reader who begins here."""
        told = RoomState(at=self._unix_now(), room=room, settings=settings, members=members)
        return Entry(self.last, "room", room, ENCODE(told))

    def _add(self, room: str, event: FeedEvent) -> None:
        if not self.is_kept:
            return
        self.last += 1
        kind = type(event).__struct_config__.tag
        assert isinstance(kind, str)
        entry = Entry(self.last, kind, room, ENCODE(event))
        self._entries.append(entry)
        self._bytes += len(entry.encoded)
        while len(self._entries) > self._most or (self._bytes > self._most_bytes and len(self._entries) > 1):
            self._bytes -= len(self._entries.popleft().encoded)
        for hear in self.heard:
            hear(entry)


class Room(msgspec.Struct):
    """A room as its events have made it."""

    settings: RoomSettings
    members: dict[str, FeedMember]


def fold(events: Iterable[AnyEvent], rooms: dict[str, Room] | None = None) -> dict[str, Room]:
    """The rooms that these events lead to; ``rooms``: those of before."""
    made = {} if rooms is None else rooms
    for event in events:
        match event:
            case RoomState(room=name, settings=settings, members=members):
                made[name] = Room(settings, {member.id: member for member in members})
            case RoomOpened(room=name, settings=settings):
                made[name] = Room(settings, {})
            case RoomChanged(room=name, settings=settings):
                made[name].settings = settings
            case RoomClosed(room=name):
                del made[name]
            case MemberJoined(room=name, member=member) | MemberChanged(room=name, member=member):
                made[name].members[member.id] = member
            case MemberLeft(room=name, id=peer):
                del made[name].members[peer]
    return made


def read(entries: Iterable[Entry]) -> Iterator[AnyEvent]:
    """As the structs that they were."""
    decode = msgspec.json.Decoder(AnyEvent).decode
    return (decode(entry.encoded) for entry in entries)
