"""Whether a link still lives: silence is asked about with a ping, and only silence after that is death."""

from __future__ import annotations

import math
from typing import Literal

CHECK_TIMEOUT = 3.0
"""How long a link may stay silent after a wake-up before it is taken for dead."""
SLEPT = 2.0
"""A timer later than this means that we slept: what the server said meanwhile may still be on its way."""
SHORTEST = 0.05
"""Whatever a server says: asking more often than this would be a loop without rest."""


class Liveness:
    def __init__(self) -> None:
        self._interval = math.inf
        self._timeout = math.inf
        self._heard_at = 0.0
        # When the link is dead unless something is heard; infinite while nothing has been asked.
        self._deadline = math.inf
        self._has_slept = False

    def begin(self, now: float, interval: float, timeout: float) -> None:
        # The order of the arguments turns NaN into SHORTEST.
        self._interval = max(SHORTEST, interval)
        self._timeout = max(SHORTEST, timeout)
        self.heard(now)

    def heard(self, now: float) -> None:
        self._heard_at = now
        self._deadline = math.inf
        self._has_slept = False

    def check(self, now: float) -> None:
        """A ping is being sent now, out of turn: answer soon."""
        self._deadline = min(self._deadline, now + CHECK_TIMEOUT)

    @property
    def wake_at(self) -> float:
        return self._heard_at + self._interval if self._deadline == math.inf else self._deadline

    def wake(self, now: float) -> Literal["ping", "dead", "fine"]:
        if now < self.wake_at:
            return "fine"
        if self._deadline == math.inf:
            self._deadline = now + self._timeout
            return "ping"
        # Once only: the timers of a busy process may all be late.
        if now < self._deadline + SLEPT or self._has_slept:
            return "dead"
        self._has_slept = True
        self._deadline = now + CHECK_TIMEOUT
        return "ping"
