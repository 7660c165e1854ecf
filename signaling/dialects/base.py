"""What all dialects share: a foreign client is a session like any other, and its dialect speaks for it.

A dialect is a pure translator with a memory. It says to the hub what a client of our own would say
(requests), hears what such a client would hear (events), and turns both into the frames of its foreign
client. So limits, permissions, presence, other nodes and a node's leaving are the same for everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any, ClassVar, NamedTuple

import msgspec

from signaling.drain import Turn
from signaling.protocol.codec import UNREADABLE, Malformed, as_json, check_text
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import MAX_NAME_CHARACTERS, PeerId, room_name
from signaling.protocol.messages import (
    NUMBERED_EVENTS,
    Ack,
    Broadcast,
    Broadcasted,
    Bye,
    Hello,
    Join,
    Joined,
    Leave,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Ping,
    Pong,
    Refused,
    Request,
    Signal,
    Signalled,
    Welcome,
    Word,
)
from signaling.protocol.parts import Capabilities, IceServer, Peer

PING = b"\x05"
"""A frame that is none: the transport asks its client whether it is there, as far as it can."""
PONG = b"\x06"
"""And this is heard when it has answered."""
MARK = "dialect"
"""In the metadata of a member: which dialect it speaks."""
NUMBERED = frozenset(NUMBERED_EVENTS)


class Arrival(NamedTuple):
    """What a foreign client has said by the way in which it came."""

    app: str
    """In which all of its rooms are."""
    path: Mapping[str, str]
    """The parts of the path that vary."""
    query: Mapping[str, str]
    random: str
    """Made anew for each link, and not to be guessed."""
    key: str = "peerjs"
    """What clients of PeerJS have to name."""


class Said(NamedTuple):
    """What follows from something: requests to the hub, and frames to the foreign client."""

    requests: Sequence[Request | Malformed]
    frames: Sequence[bytes]


class Room:
    """A room as one member sees it."""

    __slots__ = ("is_joined", "members", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_joined = False
        self.members: dict[PeerId, Peer] = {}
        """Without this client itself; empty until it has joined."""


class Dialect:
    """One foreign client's translator. A subclass is one dialect: see ``docs/adding-a-dialect.md``.

    ``heard``, ``told`` and ``wake`` never raise for what a client says. ``now`` is monotonic.
    """

    name: ClassVar[str]
    """As in metrics and in a member's metadata."""
    turn: ClassVar[Turn] = Turn.LAST
    """When such a client is told that the node leaves: it depends on what it does without its link."""
    heartbeat: ClassVar[bytes] = b""
    """What the client says all the time, to be known before anything is parsed, where it wants no answer."""

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.me = PeerId("")
        self.rooms: dict[str, Room] = {}
        """By their full names: those that it is in, or has asked for."""
        self.wake_at = inf
        """When :meth:`due` has something to do."""
        self.now = 0.0
        self.ice_servers: list[IceServer] = []
        """For this client, once it is welcome."""
        self._requests: list[Request | Malformed] = []
        self._frames: list[bytes] = []
        self._received = 0
        self._joins: dict[int, str] = {}
        self._asked = 0
        self._sent: dict[PeerId, int] = {}
        """How many signals each peer has been sent."""
        self._had: dict[PeerId, int] = {}
        """The number of the last signal from each peer of our own."""

    # What a dialect brings

    @property
    def token(self) -> str:
        """What the client presents, in the place where its own protocol has one."""
        return self.arrival.query.get("token", "")

    @property
    def capabilities(self) -> Capabilities:
        """What the client can do in a connection with one of our own."""
        return Capabilities(engine=self.name)

    def came(self) -> None:
        """The client is here, and has said nothing yet; rooms may be joined already."""

    def frame(self, frame: bytes) -> None:
        """The client has said this. Raise one of ``UNREADABLE`` for what is no message at all."""
        raise NotImplementedError

    def welcomed(self) -> None:
        """There is a session now: ``me``."""

    def joined(self, room: Room) -> None:
        """A room has been entered; its members are known."""

    def not_joined(self, room: str, code: ErrorCode) -> None:
        """A room was not entered."""

    def appeared(self, room: Room, peer: Peer) -> None:
        """Somebody came into a room."""

    def disappeared(self, room: Room, peer: Peer) -> None:
        """Somebody left a room, for whatever reason."""

    def not_signalled(self, to: PeerId, code: ErrorCode) -> None:
        """What was said to somebody alone has not reached them."""

    def signalled(self, sender: PeerId, payload: msgspec.Raw) -> None:
        """Somebody said something to this client alone."""

    def broadcasted(self, room: str, sender: PeerId, payload: msgspec.Raw) -> None:
        """Somebody said something to everybody else in a room."""

    def due(self) -> None:
        """``wake_at`` has come."""

    def farewell(self, bye: Bye) -> None:
        """The last chance to say something in the client's own words."""

    # What a dialect uses

    def say(self, frame: bytes) -> None:
        """To the foreign client."""
        self._frames.append(frame)

    def beat(self) -> None:
        """The client is there: what its protocol has as a heartbeat was heard."""
        self._requests.append(Pong(self._received))

    def room(self, text: str) -> str:
        """The full name of the room for what the client calls a room, a topic or an id."""
        return room_of(self.arrival.app, self.name, text)

    def join(
        self,
        room: str,
        metadata: dict[str, Any] | None = None,
        *,
        name: str = "",
        capacity: int | None = None,
    ) -> None:
        """Enter a room; ``joined`` or ``not_joined`` follows. Its name comes from :meth:`room`.

        ``name`` is what the client is called there; ``capacity`` holds when it is the first who comes.
        """
        if room in self.rooms:
            return
        self.rooms[room] = Room(room)
        self._asked += 1
        self._joins[self._asked] = room
        shown = {MARK: self.name, **(metadata or {})}
        self._requests.append(Join(self._asked, room, name, shown, capacity))

    def leave(self, room: str) -> None:
        if self.rooms.pop(room, None) is not None:
            self._asked += 1
            self._requests.append(Leave(self._asked, room))

    def signal(self, to: PeerId, payload: msgspec.Raw) -> None:
        """To one member of a room that this client is in."""
        number = self._sent[to] = self._sent.get(to, 0) + 1
        self._requests.append(Signal(to, number, payload))

    def broadcast(self, room: str, payload: msgspec.Raw) -> None:
        self._requests.append(Broadcast(room, payload))

    def leave_for_good(self) -> None:
        """The link ends after what was said."""
        self._requests.append(Bye())

    # What the transport calls

    def begin(self, now: float) -> Said:
        """The first words to the hub, and to a client that is not even let in."""
        self.now = now
        self.came()
        hello = Hello(capabilities=self.capabilities, token=self.token, resumable=False)
        said = self._said()
        return Said([hello, *said.requests], said.frames)

    def heard(self, frame: bytes, now: float) -> Said:
        """A frame of the client."""
        self.now = now
        if frame is PONG or (frame == self.heartbeat and frame):
            self.beat()
            return self._said()
        try:
            check_text(frame)
            self.frame(frame)
        except UNREADABLE as error:
            self._requests.append(Malformed(ErrorCode.MALFORMED, str(error)))
        return self._said()

    def told(self, event: Word, now: float) -> Said:
        """An event of the hub."""
        self.now = now
        kind = type(event)
        if kind in NUMBERED:
            self._received += 1
        match event:
            case Signalled():
                self._signalled(event)
            case Broadcasted():
                with suppress(*UNREADABLE):
                    self.broadcasted(event.room, event.sender, as_json(event.payload))
            case PeerJoined():
                self._appeared(event.room, event.peer)
            case PeerUpdated():
                room = self.rooms.get(event.room)
                peer = None if room is None else room.members.get(event.id)
                if peer is not None:
                    peer.name, peer.metadata, peer.away = event.name, event.metadata, event.away
            case PeerLeft():
                self._left(event)
            case Joined():
                self._joined(event)
            case Refused():
                self._refused(event)
            case Ping():
                self.say(PING)
            case Welcome():
                self.me, self.ice_servers = event.you, event.ice_servers
                self.welcomed()
            case Bye():
                self.farewell(event)
            case _:
                pass
        return self._said()

    def wake(self, now: float) -> Said:
        """Call it at ``wake_at``."""
        self.now = now
        self.wake_at = inf
        self.due()
        return self._said()

    # Inside

    def _said(self) -> Said:
        requests, self._requests = self._requests, []
        frames, self._frames = self._frames, []
        return Said(requests, frames)

    def _joined(self, event: Joined) -> None:
        self._joins.pop(event.request, None)
        room = self.rooms.get(event.room)
        if room is not None:
            room.is_joined = True
            room.members = {peer.id: peer for peer in event.peers if peer.id != self.me}
            self.joined(room)

    def _refused(self, event: Refused) -> None:
        if event.to is not None:
            self.not_signalled(event.to, event.code)
            return
        name = None if event.request is None else self._joins.pop(event.request, None)
        if name is not None and self.rooms.pop(name, None) is not None:
            self.not_joined(name, event.code)

    def _appeared(self, name: str, peer: Peer) -> None:
        room = self.rooms.get(name)
        if room is not None:
            room.members[peer.id] = peer
            self.appeared(room, peer)

    def _left(self, event: PeerLeft) -> None:
        room = self.rooms.get(event.room)
        if event.id == self.me:
            self.rooms.pop(event.room, None)
            return
        peer = None if room is None else room.members.pop(event.id, None)
        if room is None or peer is None:
            return
        if not any(event.id in each.members for each in self.rooms.values()):
            self._sent.pop(event.id, None)
            self._had.pop(event.id, None)
        self.disappeared(room, peer)

    def _signalled(self, event: Signalled) -> None:
        sender = event.sender
        if not self._is_foreign(sender):
            # One of our own keeps what it has said until it is acknowledged, and may say it twice.
            last = self._had.get(sender, 0)
            is_next = event.n == last + 1
            if is_next:
                self._had[sender] = event.n
            self._requests.append(Ack(sender, max(last, event.n if is_next else 0)))
            if not is_next:
                return
        # One of our own may say what this dialect has no word for.
        with suppress(*UNREADABLE):
            self.signalled(sender, as_json(event.payload))

    def _is_foreign(self, peer: PeerId) -> bool:
        for room in self.rooms.values():
            member = room.members.get(peer)
            if member is not None:
                return MARK in member.metadata
        return False


def room_of(app: str, dialect: str, text: str) -> str:
    """The room of a foreign name: readable where it can be, otherwise a SHA-256; never shared by two.

    Foreign names have more characters, and are longer, than names of rooms.
    """
    name = f"{app}/{dialect}:{text}"
    if not text.startswith("#") and len(name) <= MAX_NAME_CHARACTERS and room_name(name) == name:
        return name
    return f"{app}/{dialect}:#{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
