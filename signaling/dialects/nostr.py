"""Nostr (NIP-01), as much of it as finding peers takes: ephemeral events, and filters by the tag ``x``.

Nothing is stored. That an event has the id of its content is checked; its signature is not: whoever reads it
here believes its content, which is encrypted, and not its author.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar, NamedTuple

import msgspec

from signaling.dialects.base import Arrival
from signaling.dialects.topics import Topics
from signaling.drain import Turn

EPHEMERAL = range(20_000, 30_000)
TAG = "x"
MAX_SUBSCRIPTIONS = 20
MAX_TOPICS = 50
"""Of all subscriptions together."""
MAX_TAGS = 4
MAX_SUBSCRIPTION_CHARACTERS = 64
"""As NIP-01 has it."""


class Event(msgspec.Struct):
    id: str
    pubkey: str
    created_at: int
    kind: int
    tags: list[list[str]]
    content: str
    sig: str


class Filter(msgspec.Struct):
    kinds: list[int] | None = None
    topics: list[str] = msgspec.field(name=f"#{TAG}", default_factory=list)


class Subscription(NamedTuple):
    topics: frozenset[str]
    filters: tuple[Filter, ...]


READ = msgspec.json.Decoder(list[msgspec.Raw]).decode
READ_TEXT = msgspec.json.Decoder(str).decode
READ_EVENT = msgspec.json.Decoder(Event).decode
READ_FILTER = msgspec.json.Decoder(Filter).decode
ENCODE = msgspec.json.Encoder().encode


class Nostr(Topics):
    name: ClassVar[str] = "nostr"
    turn: ClassVar[Turn] = Turn.SPREAD

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival)
        self._subscriptions: dict[str, Subscription] = {}

    def frame(self, frame: bytes) -> None:
        parts = READ(frame)
        kind = READ_TEXT(parts[0]) if parts else ""
        if kind == "EVENT" and len(parts) == 2:
            self._event(parts[1])
        elif kind == "REQ" and len(parts) > 2:
            self._request(READ_TEXT(parts[1]), tuple(READ_FILTER(part) for part in parts[2:]))
        elif kind == "CLOSE" and len(parts) == 2:
            self._subscriptions.pop(READ_TEXT(parts[1]), None)
            self._follow()
        else:
            self._tell("NOTICE", "say EVENT, REQ or CLOSE")

    def published(self, room: str, frame: msgspec.Raw) -> None:
        event = READ_EVENT(frame)
        for name, subscription in self._subscriptions.items():
            if any(self._fits(event, each, room) for each in subscription.filters):
                self._tell("EVENT", name, frame)

    # Inside

    def _event(self, raw: msgspec.Raw) -> None:
        event = READ_EVENT(raw)
        fault = _fault(event)
        self._tell("OK", event.id, not fault, fault)
        if not fault:
            for topic in _topics(event):
                self.publish(topic, raw)

    def _request(self, name: str, filters: tuple[Filter, ...]) -> None:
        topics = frozenset(topic for each in filters for topic in each.topics)
        others = {
            topic for known, each in self._subscriptions.items() if known != name for topic in each.topics
        }
        if not 0 < len(name) <= MAX_SUBSCRIPTION_CHARACTERS:
            self._tell(
                "NOTICE", f"the name of a subscription has 1 to {MAX_SUBSCRIPTION_CHARACTERS} characters"
            )
        elif not all(each.topics for each in filters):
            self._tell("CLOSED", name, f"unsupported: a filter here has #{TAG}")
        elif len(topics | others) > MAX_TOPICS or len({*self._subscriptions, name}) > MAX_SUBSCRIPTIONS:
            self._tell("CLOSED", name, "error: too many subscriptions")
        else:
            self._subscriptions[name] = Subscription(topics, filters)
            self._follow()
            self._tell("EOSE", name)

    def _follow(self) -> None:
        """Be in the rooms of all topics, and in no others."""
        wanted = {topic for each in self._subscriptions.values() for topic in each.topics}
        for topic in wanted:
            self.subscribe(topic)
        rooms = {self.room(topic) for topic in wanted}
        for room in self.subscribed - rooms:
            self.subscribed.discard(room)
            self.leave(room)

    def _fits(self, event: Event, wanted: Filter, room: str) -> bool:
        if wanted.kinds is not None and event.kind not in wanted.kinds:
            return False
        return any(topic in wanted.topics and self.room(topic) == room for topic in _topics(event))

    def _tell(self, *parts: Any) -> None:
        self.say(ENCODE(parts))


def _topics(event: Event) -> list[str]:
    return [tag[1] for tag in event.tags if len(tag) > 1 and tag[0] == TAG][:MAX_TAGS]


def _fault(event: Event) -> str:
    """Why an event is not taken; empty when it is."""
    if event.kind not in EPHEMERAL:
        return "blocked: nothing is stored here, so only ephemeral events are taken"
    content = ENCODE([0, event.pubkey, event.created_at, event.kind, event.tags, event.content])
    if hashlib.sha256(content).hexdigest() != event.id:
        return "invalid: the id is not that of the content"
    return "" if _topics(event) else f"invalid: there is no tag {TAG}"
