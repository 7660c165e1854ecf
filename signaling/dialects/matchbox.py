"""matchbox: rooms of games in Rust, in the browser or not; the server names who offers.

Whoever comes is told its id, and those who are there make offers to it. ``?next=N`` gathers groups of N.
"""

from __future__ import annotations

import base64
import uuid
from typing import ClassVar

import msgspec

from signaling.dialects.base import Arrival, Dialect, Room
from signaling.drain import Turn
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.parts import Peer

RETRY = 0.25
"""Seconds until a client that comes between two groups asks again."""


class Sent(msgspec.Struct):
    receiver: str
    data: msgspec.Raw


class Frame(msgspec.Struct):
    signal: Sent = msgspec.field(name="Signal")


READ = msgspec.json.Decoder(Frame).decode
ENCODE = msgspec.json.Encoder().encode


class Matchbox(Dialect):
    name: ClassVar[str] = "matchbox"
    turn: ClassVar[Turn] = Turn.LAST
    heartbeat: ClassVar[bytes] = b'"KeepAlive"'

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival)
        self._size = group_size(arrival.query.get("next"))
        self._text = arrival.path.get("room", "")
        if self._size is not None:
            self._text = f"{self._text}?next={self._size}"
        self._room = self.room(self._text)
        """With ``next``: where those wait who have no group yet; it has as many places as a group."""
        self._group = ""
        """The room of the group, once there is one."""
        self._partners: set[PeerId] = set()
        """Of whom this client has been told, or who have been told of it, and have not left."""
        self._is_greeted = False

    def came(self) -> None:
        self._enter()

    def joined(self, room: Room) -> None:
        if not self._is_greeted:
            # Its client ends when it hears this twice.
            self._is_greeted = True
            self.say(ENCODE({"IdAssigned": uuid_of(self.me)}))
        if room.name == self._room:
            self._partners = set(room.members)
        self._look()

    def not_joined(self, room: str, code: ErrorCode) -> None:
        if room == self._room and self._size is not None and code is ErrorCode.ROOM_FULL:
            # A group is about to leave from there.
            self.wake_at = self.now + RETRY
        else:
            self.leave_for_good()

    def due(self) -> None:
        self._enter()

    def appeared(self, room: Room, peer: Peer) -> None:
        if room.name == self._room and not self._group:
            self._partners.add(peer.id)
            self.say(ENCODE({"NewPeer": uuid_of(peer.id)}))
        self._look()

    def disappeared(self, room: Room, peer: Peer) -> None:
        if peer.id in self._partners and not self._is_there(peer.id):
            self._partners.discard(peer.id)
            self.say(ENCODE({"PeerLeft": uuid_of(peer.id)}))
        self._look()

    def frame(self, frame: bytes) -> None:
        if frame.strip() == self.heartbeat:
            self.beat()
            return
        sent = READ(frame).signal
        target = peer_of(sent.receiver)
        if target in self._partners:
            self.signal(target, sent.data)

    def signalled(self, sender: PeerId, payload: msgspec.Raw) -> None:
        if sender in self._partners:
            self.say(ENCODE({"Signal": {"sender": uuid_of(sender), "data": payload}}))

    # Inside

    def _enter(self) -> None:
        self.join(self._room, capacity=self._size)

    def _look(self) -> None:
        """A group that is complete goes to a room of its own, and the next may gather."""
        if self._size is None:
            return
        if not self._group and len(self._partners) + 1 >= self._size:
            self._group = self.room(f"{self._text}#{min(self.me, *self._partners, self.me)}")
            self.join(self._group)
        group = self.rooms.get(self._group)
        if group is None or not group.is_joined or self._room not in self.rooms:
            return
        waiting = self.rooms[self._room].members
        for peer in [each for each in self._partners if each not in group.members and each not in waiting]:
            # It has gone on the way from the one to the other.
            self._partners.discard(peer)
            self.say(ENCODE({"PeerLeft": uuid_of(peer)}))
        if self._partners <= group.members.keys():
            self.leave(self._room)

    def _is_there(self, peer: PeerId) -> bool:
        group = self.rooms.get(self._group)
        if group is not None and not group.is_joined:
            # Whether it has gone or gone ahead is seen there.
            return True
        return any(peer in room.members for room in self.rooms.values())


def group_size(text: str | None) -> int | None:
    """What ``?next=`` says; None for anything but a whole number from 1 on."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 9:
        return None
    return int(text) or None


def uuid_of(peer: PeerId) -> str:
    """An id of ours is 128 bits, and so is a UUID."""
    return str(uuid.UUID(bytes=base64.urlsafe_b64decode(peer + "==")))


def peer_of(text: str) -> PeerId:
    """Empty for what is no UUID."""
    try:
        raw = uuid.UUID(text).bytes
    except ValueError:
        return PeerId("")
    return PeerId(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
