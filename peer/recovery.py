"""When a connection that does not work is to be rebuilt. Time comes in, the advice goes out."""

from __future__ import annotations

from collections.abc import Callable

from peer.backoff import delay

CONNECT_TIMEOUT = 20.0
"""A connection that does not stand by then will not stand by itself; aiortc's own limit is 63 s."""


class Recovery:
    """``random`` gives fractions from 0 up to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._attempt = 0
        self.wake_at: float | None = None
        """When to rebuild; None: there is no need."""

    def began(self, now: float) -> None:
        """An attempt begins."""
        self.wake_at = now + CONNECT_TIMEOUT

    def connected(self) -> None:
        self._attempt = 0
        self.wake_at = None

    def failed(self, now: float) -> None:
        """It has failed. The first rebuild follows soon, the others ever later."""
        at = now + delay(self._attempt, self._random())
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)
        self._attempt += 1

    def stop(self) -> None:
        """The connection ends for good, or there is nobody to rebuild it for."""
        self.wake_at = None
