"""What dialects share whose clients publish to topics: each topic is a room.

Whoever subscribes is in it; whoever only publishes visits, and does not count as a subscriber.
"""

from __future__ import annotations

import msgspec

from signaling.dialects.base import Arrival, Dialect, Room
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import PeerId

MAX_WAITING = 64
"""Publications for a topic that is being entered; more are dropped."""
MAX_VISITS = 40
"""Topics that are published to without a subscription; then the oldest is left."""
SUBSCRIBED = "subscribed"


class Topics(Dialect):
    """A subclass reads frames, and says what :meth:`published` tells it."""

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival)
        self.subscribed: set[str] = set()
        """The rooms of the topics."""
        self._waiting: dict[str, list[msgspec.Raw]] = {}
        self._visits: dict[str, None] = {}

    def published(self, room: str, frame: msgspec.Raw) -> None:
        """Something was published to a topic that is subscribed."""
        raise NotImplementedError

    def relay(self, room: Room, frame: msgspec.Raw) -> None:
        """Publish, now that the room is entered: to all, and to the publisher as well."""
        if room.name in self.subscribed:
            self.published(room.name, frame)
        self.broadcast(room.name, frame)

    def subscribe(self, topic: str) -> None:
        room = self.room(topic)
        if room in self.subscribed:
            return
        self.subscribed.add(room)
        self._visits.pop(room, None)
        if room in self.rooms:
            # It has published there before, and is to be counted from now on.
            self.leave(room)
        self.join(room)

    def unsubscribe(self, topic: str) -> None:
        room = self.room(topic)
        self.subscribed.discard(room)
        self._visits.pop(room, None)
        self.leave(room)

    def publish(self, topic: str, frame: msgspec.Raw) -> None:
        name = self.room(topic)
        room = self.rooms.get(name)
        if room is not None and room.is_joined:
            self.relay(room, frame)
            return
        if room is None:
            self._visit(name)
        waiting = self._waiting.setdefault(name, [])
        if len(waiting) < MAX_WAITING:
            waiting.append(frame)

    def joined(self, room: Room) -> None:
        for frame in self._waiting.pop(room.name, ()):
            self.relay(room, frame)

    def not_joined(self, room: str, code: ErrorCode) -> None:
        self.subscribed.discard(room)
        self._visits.pop(room, None)
        self._waiting.pop(room, None)

    def broadcasted(self, room: str, sender: PeerId, payload: msgspec.Raw) -> None:
        if room in self.subscribed:
            self.published(room, payload)

    def _visit(self, room: str) -> None:
        if len(self._visits) >= MAX_VISITS:
            oldest = next(iter(self._visits))
            del self._visits[oldest]
            self._waiting.pop(oldest, None)
            self.leave(oldest)
        self._visits[room] = None
        self.join(room, {SUBSCRIBED: False})
