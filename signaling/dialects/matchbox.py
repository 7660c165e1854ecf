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

HEARTBEAT = b'"KeepAlive"'
MAX_GROUP = 1_000_000


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

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival)
        self._size = group_size(arrival.query.get("next"))
        room = arrival.path.get("room", "")
        self._room = self.room(room if self._size is None else f"{room}?next={self._size}")
        self._group: dict[PeerId, bool] = {}
        """With ``next``: who is in this client's group, in the order of their coming."""

    def came(self) -> None:
        self.join(self._room)

    def joined(self, room: Room) -> None:
        self.say(ENCODE({"IdAssigned": uuid_of(self.me)}))

    def not_joined(self, room: str, code: ErrorCode) -> None:
        self.leave_for_good()

    def appeared(self, room: Room, peer: Peer) -> None:
        self.say(ENCODE({"NewPeer": uuid_of(peer.id)}))

    def disappeared(self, room: Room, peer: Peer) -> None:
        self.say(ENCODE({"PeerLeft": uuid_of(peer.id)}))

    def frame(self, frame: bytes) -> None:
        if frame.strip() == HEARTBEAT:
            self.beat()
            return
        try:
            sent = READ(frame).signal
        except msgspec.MsgspecError:
            # As its own server does: other words are for nobody, and the link stays.
            msgspec.json.decode(frame)
            return
        target = peer_of(sent.receiver)
        room = self.rooms.get(self._room)
        if room is not None and target in room.members:
            self.signal(target, sent.data)

    def signalled(self, sender: PeerId, payload: msgspec.Raw) -> None:
        self.say(ENCODE({"Signal": {"sender": uuid_of(sender), "data": payload}}))


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
