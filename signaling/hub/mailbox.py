"""The bounded memory of what a session was told, so that a resume can be whole."""

from __future__ import annotations

from signaling.hub.metadata import size_bytes
from signaling.protocol.messages import Broadcasted, Joined, PeerJoined, PeerUpdated, Signalled, Word

# What an event is taken to weigh besides its payload or metadata, and each peer in a snapshot.
EVENT_BYTES = 128


def weight_bytes(event: Word) -> int:
    """About how many bytes keeping this event costs."""
    kind = type(event)
    if kind is Signalled or kind is Broadcasted:
        return EVENT_BYTES + len(event.payload)  # type: ignore[attr-defined] # the two that have one
    if isinstance(event, PeerUpdated):
        return EVENT_BYTES + size_bytes(event.metadata)
    if isinstance(event, PeerJoined):
        return EVENT_BYTES + size_bytes(event.peer.metadata)
    if isinstance(event, Joined):
        # Its metadata is what the room holds anyway.
        return EVENT_BYTES * (1 + len(event.peers))
    return EVENT_BYTES


class Mailbox:
    """Numbered events that the client has not confirmed yet; when full, the oldest go.

    Positions count from 0 over the whole session: ``first`` is the oldest kept, ``end`` the next to
    come. A client that has received ``n`` events can be resumed whole when ``first <= n <= end``.
    """

    # A list, not a deque: most sessions are idle, and an empty deque weighs 760 bytes. Taking a few
    # hundred pointers from its front is a short copy.
    __slots__ = ("_events", "bytes", "first")

    def __init__(self) -> None:
        self.first = 0
        self.bytes = 0
        self._events: list[Word] = []

    @property
    def end(self) -> int:
        return self.first + len(self._events)

    def put(self, event: Word, limit_messages: int, limit_bytes: int) -> None:
        events = self._events
        events.append(event)
        self.bytes += weight_bytes(event)
        if len(events) > limit_messages or self.bytes > limit_bytes:
            excess = max(1, len(events) - limit_messages)
            weight = sum(map(weight_bytes, events[:excess]))
            while self.bytes - weight > limit_bytes:
                weight += weight_bytes(events[excess])
                excess += 1
            self._forget(excess, weight)

    def confirm(self, received: int) -> None:
        """The client has had this many events; a number that cannot be is ignored."""
        count = received - self.first
        if 0 < count <= len(self._events):
            self._forget(count, sum(map(weight_bytes, self._events[:count])))

    def clear(self) -> None:
        """Forget all; a client that missed anything can no longer be resumed whole."""
        self.confirm(self.end)

    def restore(self, first: int, events: list[Word]) -> None:
        """What a session from another node has not confirmed."""
        self.first = first
        self._events = events
        self.bytes = sum(map(weight_bytes, events))

    def holds(self, received: int) -> bool:
        """Whether everything after the first ``received`` events is still here."""
        return self.first <= received <= self.end

    def after(self, received: int) -> list[Word]:
        """The events after the first ``received``, oldest first."""
        return self._events[received - self.first :]

    def _forget(self, count: int, weight: int) -> None:
        # A new list, not a shortened one: del would keep the memory of the longest it has been.
        self._events = self._events[count:]
        self.first += count
        self.bytes -= weight
