"""PeerJS: clients with ids, who send each other offers, answers and candidates by id.

Each id is a room. Its owner is in it for as long as its link lasts; whoever has something to say to the owner
visits. So an id is known at every node, and a member of our own may look for an owner, or be one: its
metadata says ``peerjs``, the id, and ``owns``, a digest of what the client has proven itself with.

The fields that a frame has beside ``type``, ``dst`` and ``payload`` go no further, and ``src`` is what the
server knows.
"""

from __future__ import annotations

import hashlib
from math import inf
from typing import Any, ClassVar, NamedTuple

import msgspec

from signaling.dialects.base import Arrival, Dialect, Room
from signaling.drain import Turn
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Bye
from signaling.protocol.parts import Peer

NAME = "peerjs"
"""Also the field of the metadata that has the id."""
RELAYED = frozenset({"OFFER", "ANSWER", "CANDIDATE", "LEAVE"})
PATIENCE = 5.0
"""How long a message waits for whoever is not there: its own server's ``expire_timeout``."""
IDLE = 30.0
"""So long after the last word a visitor leaves."""
MAX_VISITS = 64
"""Of one client at a time; a message to one more expires at once."""
MAX_WAITING = 64
"""Messages to one id that is not there, and before the client has its own."""
MAX_WAITING_BYTES = 262_144
MAX_ID_CHARACTERS = 256


class Frame(msgspec.Struct):
    type: str
    dst: str | None = None
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Delivery(msgspec.Struct):
    """A frame as its receiver gets it."""

    type: str
    src: str
    dst: str
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Takeover(msgspec.Struct):
    """The same client has come back over another link: the one of before ends."""

    takeover: str


READ = msgspec.json.Decoder(Frame).decode
READ_TOLD = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
READ_TEXT = msgspec.json.Decoder(str).decode
ENCODE = msgspec.json.Encoder().encode
OPEN = b'{"type":"OPEN"}'


class Waiting(NamedTuple):
    expires_at: float
    told: bytes
    is_leave: bool


class Visit:
    """The room of somebody to whom something is to be said."""

    __slots__ = ("ends_at", "owner", "room", "waiting")

    def __init__(self, room: str) -> None:
        self.room = room
        self.owner: PeerId | None = None
        self.waiting: list[Waiting] = []
        self.ends_at = 0.0


class PeerJs(Dialect):
    name: ClassVar[str] = NAME
    turn: ClassVar[Turn] = Turn.QUIET
    heartbeat: ClassVar[bytes] = b'{"type":"HEARTBEAT"}'

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival)
        query = arrival.query
        self._id = query.get("id", "")
        self._secret = query.get("token", "")
        self._key = query.get("key", "")
        self._home = self.room(self._id)
        self._owns = digest(self._secret)
        self._is_open = False
        self._early: list[bytes] = []
        self._visits: dict[str, Visit] = {}
        """By the ids of those who are visited, who was spoken to last at the end."""
        self._visitors: dict[str, PeerId] = {}
        """Who is here as which id, to be answered without a visit."""

    @property
    def token(self) -> str:
        """A token of ours is put where PeerJS has a ``token`` or a ``key`` of the application's choosing."""
        return next((each for each in (self._secret, self._key) if each.count(".") == 2), "")

    def came(self) -> None:
        if not (self._id and self._secret and self._key) or len(self._id) > MAX_ID_CHARACTERS:
            self._turn_away("ERROR", "No id, token, or key supplied to websocket server")
        elif self._key not in (self.arrival.key, self.token):
            self._turn_away("ERROR", "Invalid key provided")
        else:
            self.join(self._home, {NAME: self._id, "owns": self._owns})

    def joined(self, room: Room) -> None:
        if room.name == self._home:
            self._come_home(room)
            return
        for peer in room.members.values():
            self._found(room, peer)
        for visit in self._visits.values():
            if visit.owner is None and self.rooms.get(visit.room) is room:
                visit.waiting = [each for each in visit.waiting if not each.is_leave]

    def not_joined(self, room: str, code: ErrorCode) -> None:
        if room == self._home:
            self._turn_away("ERROR", "Server has reached its concurrent user limit")
            return
        for target in [target for target, visit in self._visits.items() if visit.room == room]:
            if self._visits.pop(target).waiting:
                self._expire(target)

    def appeared(self, room: Room, peer: Peer) -> None:
        if room.name != self._home:
            self._found(room, peer)
        elif isinstance(known := peer.metadata.get(NAME), str):
            self._visitors[known] = peer.id

    def disappeared(self, room: Room, peer: Peer) -> None:
        known = peer.metadata.get(NAME)
        if room.name == self._home and self._visitors.get(str(known)) == peer.id:
            del self._visitors[str(known)]
        visit = self._visits.get(str(known))
        if visit is not None and visit.owner == peer.id:
            visit.owner = None
            for other in room.members.values():
                self._found(room, other)

    def not_signalled(self, to: PeerId, code: ErrorCode) -> None:
        for target, visit in self._visits.items():
            if visit.owner == to:
                self._expire(target)

    def frame(self, frame: bytes) -> None:
        message = READ(frame)
        if message.type == "HEARTBEAT":
            self.beat()
        elif message.type == "LEAVE" and not message.dst:
            self.leave_for_good()
        elif message.type in RELAYED and message.dst and len(message.dst) <= MAX_ID_CHARACTERS:
            if self._is_open:
                self._relay(message, message.dst)
            elif len(self._early) < MAX_WAITING:
                self._early.append(frame)

    def signalled(self, sender: PeerId, payload: msgspec.Raw) -> None:
        told = READ_TOLD(payload)
        if "takeover" in told:
            if READ_TEXT(told["takeover"]) == proof(self._secret, self.me):
                self._is_open = False
                self.leave_for_good()
            return
        source = READ_TEXT(told.get("src", b'""'))
        visit = self._visits.get(source)
        if self._visitors.get(source) == sender or (visit is not None and visit.owner == sender):
            kind, known = READ_TEXT(told.get("type", b'""')), told.get("payload", msgspec.UNSET)
            self.say(ENCODE(Delivery(kind, source, self._id, known)))

    def due(self) -> None:
        for target, visit in list(self._visits.items()):
            late = [each for each in visit.waiting if each.expires_at <= self.now]
            del visit.waiting[: len(late)]
            if not all(each.is_leave for each in late):
                self._expire(target)
            if not visit.waiting and (visit.ends_at <= self.now or visit.owner is None):
                self._end_visit(target)
        self._set_alarm()

    def farewell(self, bye: Bye) -> None:
        if not self._is_open and self._id:
            self.say(error("ERROR", bye.reason or "The server does not take this client"))

    # Inside

    def _turn_away(self, kind: str, text: str) -> None:
        # In its own words: a refused upgrade would tell the application of a broken network.
        self.say(error(kind, text))
        self._id = ""
        self.leave_for_good()

    def _come_home(self, room: Room) -> None:
        for peer in room.members.values():
            if not self._owns_it(room, peer) or peer.away:
                continue
            if peer.metadata.get("owns") != self._owns:
                self._turn_away("ID-TAKEN", "ID is taken")
                return
            self.signal(peer.id, msgspec.Raw(ENCODE(Takeover(proof(self._secret, peer.id)))))
        self._visitors = {
            known: peer.id
            for peer in room.members.values()
            if isinstance(known := peer.metadata.get(NAME), str)
        }
        self._is_open = True
        self.say(OPEN)
        early, self._early = self._early, []
        for frame in early:
            self.frame(frame)

    def _relay(self, message: Frame, target: str) -> None:
        told = ENCODE(Delivery(message.type, self._id, target, message.payload))
        if target == self._id:
            self.say(told)
            return
        visitor = self._visitors.get(target)
        if visitor is not None:
            self.signal(visitor, msgspec.Raw(told))
            return
        visit = self._visit(target)
        if visit is None:
            self._expire(target)
            return
        visit.ends_at = self.now + IDLE
        if visit.owner is not None:
            self.signal(visit.owner, msgspec.Raw(told))
        else:
            self._wait(target, visit, Waiting(self.now + PATIENCE, told, message.type == "LEAVE"))
        self._set_alarm()

    def _wait(self, target: str, visit: Visit, waiting: Waiting) -> None:
        room = self.rooms.get(visit.room)
        if waiting.is_leave and room is not None and room.is_joined:
            return  # nobody is there to be left
        if (
            len(visit.waiting) < MAX_WAITING
            and self._waiting_bytes() + len(waiting.told) <= MAX_WAITING_BYTES
        ):
            visit.waiting.append(waiting)
        else:
            self._expire(target)

    def _visit(self, target: str) -> Visit | None:
        visit = self._visits.pop(target, None)
        if visit is None or visit.room not in self.rooms:
            if len(self._visits) >= MAX_VISITS:
                idle = next((known for known, each in self._visits.items() if not each.waiting), None)
                if idle is None:
                    return None
                self._end_visit(idle)
            visit = Visit(self.room(target))
            self.join(visit.room, {NAME: self._id})
        self._visits[target] = visit
        return visit

    def _end_visit(self, target: str) -> None:
        visit = self._visits.pop(target, None)
        if visit is not None:
            self.leave(visit.room)

    def _found(self, room: Room, peer: Peer) -> None:
        visit = self._visits.get(str(peer.metadata.get(NAME)))
        if visit is None or not self._owns_it(room, peer):
            return
        visit.owner = peer.id
        waiting, visit.waiting = visit.waiting, []
        for each in waiting:
            self.signal(peer.id, msgspec.Raw(each.told))

    def _owns_it(self, room: Room, peer: Peer) -> bool:
        known = peer.metadata.get(NAME)
        return isinstance(known, str) and "owns" in peer.metadata and self.room(known) == room.name

    def _expire(self, target: str) -> None:
        self.say(ENCODE(Delivery("EXPIRE", target, self._id)))

    def _waiting_bytes(self) -> int:
        return sum(len(each.told) for visit in self._visits.values() for each in visit.waiting)

    def _set_alarm(self) -> None:
        visits = self._visits.values()
        times = (visit.waiting[0].expires_at if visit.waiting else visit.ends_at for visit in visits)
        self.wake_at = min(times, default=inf)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def proof(secret: str, to: PeerId) -> str:
    """Only this client can say it, and only ``to`` believes it."""
    return hashlib.sha256(f"{to} {secret}".encode()).hexdigest()


def error(kind: str, text: str) -> bytes:
    told: dict[str, Any] = {"type": kind, "payload": {"msg": text}}
    return ENCODE(told)
