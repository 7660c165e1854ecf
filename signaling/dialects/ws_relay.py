"""Trystero's ws-relay: topics, and whatever is published goes to all who subscribe."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from signaling.dialects.topics import Topics
from signaling.drain import Turn


class Frame(msgspec.Struct):
    type: str
    topic: str
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Publication(msgspec.Struct):
    topic: str
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


READ = msgspec.json.Decoder(Frame).decode
READ_PUBLICATION = msgspec.json.Decoder(Publication).decode
ENCODE = msgspec.json.Encoder().encode


class WsRelay(Topics):
    name: ClassVar[str] = "ws-relay"
    turn: ClassVar[Turn] = Turn.SPREAD

    def frame(self, frame: bytes) -> None:
        message = READ(frame)
        match message.type:
            case "subscribe":
                self.subscribe(message.topic)
            case "unsubscribe":
                self.unsubscribe(message.topic)
            case "publish":
                self.publish(message.topic, msgspec.Raw(ENCODE(Publication(message.topic, message.payload))))
            case _:
                pass

    def published(self, room: str, frame: msgspec.Raw) -> None:
        publication = READ_PUBLICATION(frame)
        if self.room(publication.topic) == room:
            self.say(ENCODE(publication))
