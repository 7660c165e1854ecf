"""How much BULK may be under way: as much as keeps the queues of the path short, judged by delay."""

from __future__ import annotations

FIRST_BYTES = 64 * 1024
FLOOR_BYTES = 16 * 1024
CEILING_BYTES = 4 * 1024 * 1024
SHORT_QUEUE = 0.002
"""Seconds. Below it there is room for more."""
LONG_QUEUE = 0.004
"""Above it others would notice."""
SHORTEST_ROUND = 0.005
KNOWN_FOR = 10.0
"""A smallest delay that is older may be that of a path which is no longer there."""


class Window:
    """All BULK lanes of one connection share it. ``bytes`` may be unacknowledged, and one fragment more."""

    def __init__(self) -> None:
        self.bytes = FIRST_BYTES
        self._is_lifted = False
        self._was_full = False
        self._smallest: float | None = None
        self._smallest_at = 0.0
        self._quickest: float | None = None
        self._round_began = 0.0
        self._saved_bytes: int | None = None
        """While the smallest delay is looked for: where to go on."""
        self._looks_since = 0.0

    def lift(self) -> None:
        """From now on there is room for everything."""
        self._is_lifted = True

    def has_room(self, in_flight_bytes: int) -> bool:
        if in_flight_bytes < self.bytes or self._is_lifted:
            return True
        self._was_full = True
        return False

    def sample(self, handed_at: float, now: float) -> None:
        """A byte that was handed over at ``handed_at`` is acknowledged."""
        if self._saved_bytes is not None and handed_at < self._looks_since:
            return
        delay = max(0.0, now - handed_at)
        if self._smallest is None or delay <= self._smallest:
            self._smallest, self._smallest_at = delay, now
        if self._quickest is None:
            self._quickest = delay
            self._round_began = now
        self._quickest = min(self._quickest, delay)
        if now - self._round_began >= max(self._smallest, SHORTEST_ROUND):
            self._end_round(self._smallest, self._quickest, now)

    def _end_round(self, smallest: float, quickest: float, now: float) -> None:
        if self._saved_bytes is not None:
            self._smallest, self._smallest_at = quickest, now
            self.bytes, self._saved_bytes = self._saved_bytes, None
        else:
            self._steer(smallest, quickest)
            if now - self._smallest_at > KNOWN_FOR:
                self._saved_bytes, self.bytes = self.bytes, FLOOR_BYTES
                self._looks_since = now
        self._was_full = False
        self._quickest = None

    def _steer(self, smallest: float, quickest: float) -> None:
        queue = quickest - smallest
        if queue <= SHORT_QUEUE:
            if self._was_full:
                self.bytes = min(CEILING_BYTES, self.bytes + self.bytes // 4)
        elif queue > LONG_QUEUE:
            share = max(0.5, (smallest + LONG_QUEUE) / quickest)
            self.bytes = max(FLOOR_BYTES, int(self.bytes * share))
