"""Spreads BULK over time: what goes out at once waits in the queues of the path, and others behind it."""

from __future__ import annotations

LEAST_BURST_BYTES = 2 * 1160
BURST_SECONDS = 0.003
"""So much may go out at once; a busy event loop does not come round more often."""


class Pace:
    """``rate`` is in bytes a second, ``now`` monotonic, in seconds."""

    def __init__(self) -> None:
        self._left_bytes = float(LEAST_BURST_BYTES)
        self._at: float | None = None

    def wait(self, rate: float, now: float) -> float:
        """Seconds until something more may go out; 0: now."""
        if self._at is not None:
            burst_bytes = max(LEAST_BURST_BYTES, rate * BURST_SECONDS)
            self._left_bytes = min(burst_bytes, self._left_bytes + (now - self._at) * rate)
        self._at = now
        return max(0.0, -self._left_bytes / rate)

    def spend(self, size: int) -> None:
        """So much goes out now; the last of a burst may be longer than what is left."""
        self._left_bytes -= size
