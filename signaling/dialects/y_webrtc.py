"""y-webrtc: topics to which text is published; documents of Yjs find their peers by it.

Its own server publishes every signal to everybody in a topic, and clients pass over what is not for them: in
a mesh of N that is N³. Here whoever is named in ``to`` alone is told, once they have been heard of under that
name (``from``). Signals that are encrypted go to all, as there.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from signaling.dialects.base import Arrival, Room
from signaling.dialects.topics import SUBSCRIBED, Topics
from signaling.drain import Turn
from signaling.protocol.ids import PeerId
from signaling.protocol.parts import Peer

HEARTBEAT = b'{"type":"ping"}'
PONG = b'{"type":"pong"}'
MAX_TOPICS = 100
"""In one ``subscribe``."""
MAX_NAMES = 1_024
"""Names of others that are known; beyond that signals go to all in the topic again."""


class Frame(msgspec.Struct):
    type: str
    topics: list[Any] = []
    topic: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Data(msgspec.Struct):
    """What of a publication tells who it is from, and for whom."""

    sender: str = msgspec.field(name="from", default="")
    to: str = ""


READ = msgspec.json.Decoder(Frame).decode
READ_DATA = msgspec.json.Decoder(Data).decode
ENCODE = msgspec.json.Encoder().encode


class YWebrtc(Topics):
    name: ClassVar[str] = "y-webrtc"
    turn: ClassVar[Turn] = Turn.SPREAD

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival)
        self._peers: dict[str, PeerId] = {}
        """Who has been heard of under which name."""

    def frame(self, frame: bytes) -> None:
        if frame == HEARTBEAT:
            self._pong()
            return
        message = READ(frame)
        match message.type:
            case "publish" if message.topic:
                self.publish(message.topic, msgspec.Raw(frame))
            case "subscribe":
                for topic in self._topics(message):
                    self.subscribe(topic)
            case "unsubscribe":
                for topic in self._topics(message):
                    self.unsubscribe(topic)
            case "ping":
                self._pong()
            case _:
                pass

    def disappeared(self, room: Room, peer: Peer) -> None:
        for name in [name for name, known in self._peers.items() if known == peer.id]:
            del self._peers[name]

    def signalled(self, sender: PeerId, payload: msgspec.Raw) -> None:
        self._deliver(sender, payload)

    def broadcasted(self, room: str, sender: PeerId, payload: msgspec.Raw) -> None:
        self._deliver(sender, payload)

    def relay(self, room: Room, frame: msgspec.Raw) -> None:
        named = _named(READ(frame).data)
        target = self._peers.get(named.to) if named.to else None
        if target is not None and target in room.members:
            self.signal(target, frame)
        else:
            super().relay(room, frame)

    def published(self, room: str, frame: msgspec.Raw) -> None:
        members = self.rooms[room].members.values() if room in self.rooms else ()
        clients = 1 + sum(peer.metadata.get(SUBSCRIBED, True) is not False for peer in members)
        # As it came, and the number behind the rest: of two fields of one name readers take the last.
        self.say(bytes(frame).rstrip()[:-1] + b',"clients":%d}' % clients)

    def _pong(self) -> None:
        self.beat()
        self.say(PONG)

    @staticmethod
    def _topics(message: Frame) -> list[str]:
        return [topic for topic in message.topics[:MAX_TOPICS] if isinstance(topic, str) and topic]

    def _deliver(self, sender: PeerId, frame: msgspec.Raw) -> None:
        message = READ(frame)
        room = self.room(message.topic)
        named = _named(message.data)
        if named.sender and len(self._peers) < MAX_NAMES:
            self._peers[named.sender] = sender
        if room in self.subscribed:
            self.published(room, frame)


def _named(data: msgspec.Raw) -> Data:
    """Nobody is named in what is encrypted."""
    try:
        return READ_DATA(data)
    except msgspec.MsgspecError:
        return Data()
