"""How much BULK may be under way: as much as keeps the queues of the path short, judged by delay."""

from __future__ import annotations

FLOOR_BYTES = 16 * 1024
CEILING_BYTES = 4 * 1024 * 1024
SHORT_QUEUE = 0.002
"""Seconds. Up to it there is room for more, and so much more is tried."""
LONG_QUEUE = 0.003
"""Above it others would notice."""
GROWTH = 0.25
"""Of itself, a round, at most. After a queue it begins anew with what would make a short one."""
LIKELY_DELAY = 0.05
"""As long as nothing is known of the path."""
HASTE = 1.1
"""It goes out so much faster than the window alone would let it, so that the window decides."""
NO_LIMIT = 1e12
SHORTEST_ROUND = 0.005
KNOWN_FOR = 10.0
"""A smallest delay that is older may be that of a path which is no longer there."""


class Window:
    """All BULK lanes of one connection share it. ``bytes`` may be unacknowledged, and one fragment more."""

    def __init__(self) -> None:
        self.bytes = FLOOR_BYTES
        self._is_lifted = False
        self._was_full = False
        self._growth = GROWTH
        self._smallest: float | None = None
        self._smallest_at = 0.0
        self._quickest: float | None = None
        self._round_began = 0.0
        self._saved_bytes: int | None = None
        """While the smallest delay is looked for: where to go on."""
        self._changed_at = 0.0

    @property
    def rate(self) -> float:
        """How fast it may go out, in bytes a second."""
        if self._is_lifted:
            return NO_LIMIT
        return HASTE * max(self.bytes / (self._smallest or LIKELY_DELAY), FLOOR_BYTES / LIKELY_DELAY)

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
        # What went out before the window changed does not tell what the change has done.
        if handed_at < self._changed_at:
            return
        delay = max(0.0, now - handed_at)
        if self._smallest is None or delay <= self._smallest:
            self._smallest, self._smallest_at = delay, now
        if self._quickest is None:
            self._quickest = delay
            self._round_began = now
        self._quickest = min(self._quickest, delay)
        if now - self._round_began >= max(self._smallest / 4, SHORTEST_ROUND):
            self._end_round(self._smallest, self._quickest, now)

    def _end_round(self, smallest: float, quickest: float, now: float) -> None:
        if self._saved_bytes is not None:
            self._smallest, self._smallest_at = quickest, now
            self._change(self._saved_bytes, now)
            self._saved_bytes = None
        elif now - self._smallest_at > KNOWN_FOR:
            self._saved_bytes = self.bytes
            self._change(FLOOR_BYTES, now)
        else:
            self._steer(smallest, quickest, now)
        self._was_full = False
        self._quickest = None

    def _steer(self, smallest: float, quickest: float, now: float) -> None:
        queue = quickest - smallest
        if queue > SHORT_QUEUE:
            self._growth = min(GROWTH, SHORT_QUEUE / quickest)
            if queue > LONG_QUEUE:
                share = max(0.5, (smallest + SHORT_QUEUE) / quickest)
                self._change(max(FLOOR_BYTES, int(self.bytes * share)), now)
        elif self._was_full:
            self._change(min(CEILING_BYTES, int(self.bytes * (1 + self._growth))), now)
            self._growth = min(GROWTH, 2 * self._growth)

    def _change(self, window_bytes: int, now: float) -> None:
        self.bytes = window_bytes
        self._changed_at = now
