"""How much may be said again: at most half of what the server takes, so that what is new is not held up."""

from __future__ import annotations

from math import inf

BURST = 32
"""Of this much at once the server does not read more slowly, by far."""
SIZE_OF_ONE = 4096
"""A larger signal counts as several: servers count bytes too."""
FEWEST, MOST = 1.0, 1000.0
"""Per second, whatever a server says."""


class Allowance:
    def __init__(self) -> None:
        self._per_second = FEWEST
        self._spent_until = -inf
        """When all that was spent is there again."""

    def follow(self, messages_per_second: float) -> None:
        """What the server takes from us."""
        half = messages_per_second / 2
        self._per_second = min(half, MOST) if half >= FEWEST else FEWEST

    @property
    def ready_at(self) -> float:
        """When something may be said again."""
        return self._spent_until - BURST / self._per_second

    def spend(self, size: int, now: float) -> None:
        count = 1 + size // SIZE_OF_ONE
        self._spent_until = max(self._spent_until, now) + count / self._per_second
