"""Many times in little memory: counted in steps of two percent, so that they can be told and added up."""

from __future__ import annotations

import math

import msgspec

STEP = 1.02
LEAST = 1e-6
_LOG_STEP = math.log(STEP)


class Histogram(msgspec.Struct):
    """Seconds. A percentile is at most two percent too high; the largest is exact."""

    counts: dict[int, int] = {}
    count: int = 0
    largest: float = 0.0

    def add(self, seconds: float) -> None:
        step = 0 if seconds <= LEAST else math.ceil(math.log(seconds / LEAST) / _LOG_STEP)
        self.counts[step] = self.counts.get(step, 0) + 1
        self.count += 1
        if seconds > self.largest:
            self.largest = seconds

    def merge(self, other: Histogram) -> None:
        for step, count in other.counts.items():
            self.counts[step] = self.counts.get(step, 0) + count
        self.count += other.count
        self.largest = max(self.largest, other.largest)

    def percentile(self, percent: float) -> float:
        """By nearest rank; not a number when nothing was added."""
        rank = max(1, math.ceil(percent / 100 * self.count))
        for step in sorted(self.counts):
            rank -= self.counts[step]
            if rank <= 0:
                return min(self.largest, LEAST * STEP**step)
        return math.nan
