"""Ayame: rooms of two; the second makes the offer, and what one says the other hears as it came."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from signaling.dialects.base import Arrival, Dialect, Room
from signaling.drain import Turn
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Bye
from signaling.protocol.parts import IceServer, Peer

PLACES = 2
PING = b'{"type":"ping"}'
PING_EVERY = 5.0
FORWARDED = frozenset({"offer", "answer", "candidate"})
MAX_ROOM_CHARACTERS = 1_024


class Frame(msgspec.Struct):
    type: str
    room: str = msgspec.field(name="roomId", default="")


READ = msgspec.json.Decoder(Frame).decode
ENCODE = msgspec.json.Encoder().encode


class Ayame(Dialect):
    name: ClassVar[str] = "ayame"
    turn: ClassVar[Turn] = Turn.QUIET
    heartbeat: ClassVar[bytes] = b'{"type":"pong"}'

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival)
        self._room = ""

    def frame(self, frame: bytes) -> None:
        message = READ(frame)
        if message.type == "pong":
            self.beat()
        elif message.type == "register" and not self._room:
            if 0 < len(message.room) <= MAX_ROOM_CHARACTERS:
                self._room = self.room(message.room)
                self.join(self._room, capacity=PLACES)
            else:
                self._reject("INVALID-ROOM-ID")
        elif message.type == "bye":
            self.leave_for_good()
        elif message.type in FORWARDED and self._room in self.rooms:
            for peer in self.rooms[self._room].members:
                self.signal(peer, msgspec.Raw(frame))

    def joined(self, room: Room) -> None:
        is_second = bool(room.members)
        told: dict[str, Any] = {"type": "accept", "connectionId": self.me}
        if self.ice_servers:
            told["iceServers"] = [_shown(server) for server in self.ice_servers]
        self.say(ENCODE({**told, "isExistClient": is_second, "isExistUser": is_second}))
        self.wake_at = self.now + PING_EVERY

    def not_joined(self, room: str, code: ErrorCode) -> None:
        self._reject("full" if code is ErrorCode.ROOM_FULL else str(code))

    def disappeared(self, room: Room, peer: Peer) -> None:
        self.say(ENCODE({"type": "bye"}))
        self.leave_for_good()

    def signalled(self, sender: PeerId, payload: msgspec.Raw) -> None:
        if READ(payload).type in FORWARDED:
            self.say(bytes(payload))

    def due(self) -> None:
        self.say(PING)
        self.wake_at = self.now + PING_EVERY

    def farewell(self, bye: Bye) -> None:
        if self._room not in self.rooms:
            self._reject(bye.reason)

    def _reject(self, reason: str) -> None:
        self.say(ENCODE({"type": "reject", "reason": reason}))
        self.leave_for_good()


def _shown(server: IceServer) -> dict[str, Any]:
    known = {"username": server.username, "credential": server.credential} if server.username else {}
    return {"urls": server.urls, **known}
