"""libdatachannel's examples: whoever connects brings an id, and says ``{"id": whom, …}``."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from signaling.dialects.base import Arrival, Dialect
from signaling.drain import Turn
from signaling.protocol.ids import PeerId

READ = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
ENCODE = msgspec.json.Encoder().encode


class LibDataChannel(Dialect):
    name: ClassVar[str] = "libdatachannel"
    turn: ClassVar[Turn] = Turn.QUIET

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival)
        self._room = self.room("all")

    def came(self) -> None:
        self.join(self._room, {"id": self.arrival.path.get("id", "")})

    def frame(self, frame: bytes) -> None:
        to = msgspec.json.decode(READ(frame).get("id", b"null"))
        for peer in self.rooms[self._room].members.values() if self._room in self.rooms else ():
            if peer.metadata.get("id") == to:
                self.signal(peer.id, msgspec.Raw(frame))

    def signalled(self, sender: PeerId, payload: msgspec.Raw) -> None:
        room = self.rooms.get(self._room)
        if room is not None and sender in room.members:
            self.say(ENCODE(READ(payload) | {"id": room.members[sender].metadata.get("id")}))
