"""What an ordered channel sends: kept until the other side has it, and sent again on the next lane."""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from peer.channels.kinds import Kind
from peer.wire import IS_TEXT, MORE_FOLLOW, PACKET_FRAGMENT_BYTES, START, START_BYTES

MESSAGE_BYTES = 64
"""What keeping a message costs beside its content; empty ones are not free."""


class Told(Enum):
    """What an acknowledgement is to the sender."""

    NEW = auto()
    OLD = auto()
    NONSENSE = auto()


class Outgoing:
    """Messages are numbered from 0, over all lanes; ``sent`` counts those that went out whole."""

    replaced = stale = 0
    """Nothing is, of what is ordered."""

    def __init__(self, kind: Kind, fragment_bytes: int = PACKET_FRAGMENT_BYTES) -> None:
        self._max_kept_bytes = kind.max_kept_bytes
        self._fragment_bytes = fragment_bytes
        self._kept: deque[tuple[bool, bytes]] = deque()
        self._kept_bytes = 0
        self._oldest = 0
        """Number of the first that is kept."""
        self._acknowledged = 0
        self._next = 0
        """Number of the message that is under way on this lane, or goes next."""
        self._offset = 0
        """What has gone out of it."""
        self._has_lane = self._has_started = False
        self._lane_bytes = self._lane_acknowledged = 0
        self.sent = 0
        self.sent_bytes = 0
        self.resent = 0
        self.waiting_bytes = 0

    @property
    def waiting_messages(self) -> int:
        """Those that have never gone out whole."""
        return self._end - self.sent

    @property
    def unacknowledged_messages(self) -> int:
        return self.sent - self._acknowledged

    @property
    def in_flight_bytes(self) -> int:
        """What has gone out on this lane and is not acknowledged."""
        return self._lane_bytes - self._lane_acknowledged

    @property
    def next_bytes(self) -> int:
        """Length of what :meth:`take` gives; 0 for nothing."""
        if not self._has_lane or self._next == self._end:
            return 0
        if not self._has_started:
            return START_BYTES
        return min(len(self._current[1]) - self._offset, self._fragment_bytes) + 1

    def has_room(self, content_bytes: int) -> bool:
        cost = content_bytes + MESSAGE_BYTES
        return not self._kept or self._kept_bytes + cost <= self._max_kept_bytes

    def put(self, is_text: bool, content: bytes) -> None:
        self._kept.append((is_text, content))
        self._kept_bytes += len(content) + MESSAGE_BYTES
        self.waiting_bytes += len(content)

    def begin_lane(self) -> None:
        """All that is kept goes out again, each message from its first fragment."""
        self.end_lane()
        self._has_lane = True

    def end_lane(self) -> None:
        self._has_lane = self._has_started = False
        self._lane_bytes = self._lane_acknowledged = 0
        self._offset = 0
        self._next = self._acknowledged
        self._release()

    def clear(self) -> None:
        """The channel has ended: nothing is kept any more."""
        self._oldest = self._next = self._acknowledged = self.sent
        self._kept.clear()
        self._kept_bytes = self.waiting_bytes = 0

    def take(self) -> bytes:
        """The next data-channel message; only when there is one."""
        framed = self._fragment() if self._has_started else self._start()
        self._lane_bytes += len(framed)
        return framed

    def acknowledge(self, messages: object, lane_bytes: object) -> Told:
        """What the other side says that it has had; any nonsense is allowed."""
        # A bool is an int to Python, and not to the other language.
        if type(messages) is not int or type(lane_bytes) is not int:
            return Told.NONSENSE
        if not self._acknowledged <= messages <= self.sent:
            return Told.NONSENSE
        if not self._lane_acknowledged <= lane_bytes <= self._lane_bytes:
            return Told.NONSENSE
        if (messages, lane_bytes) == (self._acknowledged, self._lane_acknowledged):
            return Told.OLD
        self._acknowledged = messages
        self._lane_acknowledged = lane_bytes
        if not self._has_started:
            self._next = messages
        self._release()
        return Told.NEW

    @property
    def _end(self) -> int:
        return self._oldest + len(self._kept)

    @property
    def _current(self) -> tuple[bool, bytes]:
        return self._kept[self._next - self._oldest]

    def _start(self) -> bytes:
        self._has_started = True
        return bytes((START,)) + self._next.to_bytes(START_BYTES - 1)

    def _fragment(self) -> bytes:
        is_text, content = self._current
        end = self._offset + self._fragment_bytes
        has_more = end < len(content)
        part = content[self._offset : end]
        self._offset = end
        if not has_more:
            self._finish(len(content))
        return bytes(((IS_TEXT if is_text else 0) | (MORE_FOLLOW if has_more else 0),)) + part

    def _finish(self, content_bytes: int) -> None:
        if self._next < self.sent:
            self.resent += 1
        else:
            self.sent += 1
            self.sent_bytes += content_bytes
            self.waiting_bytes -= content_bytes
        self._next += 1
        self._offset = 0
        self._release()

    def _release(self) -> None:
        # What has not gone out on this lane yet is needed for its number, acknowledged or not.
        while self._oldest < min(self._acknowledged, self._next):
            _, content = self._kept.popleft()
            self._kept_bytes -= len(content) + MESSAGE_BYTES
            self._oldest += 1
