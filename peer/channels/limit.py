"""How often the other side may do something."""

from __future__ import annotations


class Limit:
    """``per_second`` on average, ``at_once`` after a rest. ``now`` is monotonic, in seconds."""

    def __init__(self, per_second: float, at_once: int) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._left = float(at_once)
        self._at: float | None = None

    def allows(self, now: float) -> bool:
        """Whether one more is within the limit; it is counted."""
        if self._at is not None:
            self._left = min(self._at_once, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
