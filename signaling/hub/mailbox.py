"""The bounded memory of what a session was told, so that a resume can be whole."""

from __future__ import annotations

from collections import deque

from signaling.protocol.messages import Broadcasted, Signalled, Word

# What an event without a payload is taken to weigh; only snapshots of large rooms weigh more.
EVENT_BYTES = 128


def weight_bytes(event: Word) -> int:
    """About how many bytes keeping this event costs."""
    kind = type(event)
    if kind is Signalled or kind is Broadcasted:
        return EVENT_BYTES + len(event.payload)  # type: ignore[attr-defined] # the two that have one
    return EVENT_BYTES


class Mailbox:
    """Numbered events that the client has not confirmed yet; when full, the oldest go.

    Positions count from 0 over the whole session: ``first`` is the oldest kept, ``end`` the next to
    come. A client that has received ``n`` events can be resumed whole when ``first <= n <= end``.
    """

    __slots__ = ("_events", "bytes", "first")

    def __init__(self) -> None:
        self.first = 0
        self.bytes = 0
        # None while empty: most sessions are idle, and an empty deque weighs 760 bytes.
        self._events: deque[Word] | None = None

    @property
    def end(self) -> int:
        return self.first + (len(self._events) if self._events is not None else 0)

    def put(self, event: Word, limit_messages: int, limit_bytes: int) -> None:
        events = self._events
        if events is None:
            events = self._events = deque()
        events.append(event)
        self.bytes += weight_bytes(event)
        while len(events) > limit_messages or self.bytes > limit_bytes:
            self._forget_oldest(events)

    def confirm(self, received: int) -> None:
        """The client has had this many events; a number that cannot be is ignored."""
        events = self._events
        if events is None or received > self.end:
            return
        while self.first < received:
            self._forget_oldest(events)
        if not events:
            self._events = None

    def clear(self) -> None:
        """Forget all; a client that missed anything can no longer be resumed whole."""
        self.confirm(self.end)

    def holds(self, received: int) -> bool:
        """Whether everything after the first ``received`` events is still here."""
        return self.first <= received <= self.end

    def after(self, received: int) -> list[Word]:
        """The events after the first ``received``, oldest first."""
        return list(self._events)[received - self.first :] if self._events is not None else []

    def _forget_oldest(self, events: deque[Word]) -> None:
        self.bytes -= weight_bytes(events.popleft())
        self.first += 1
