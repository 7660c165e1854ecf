"""When something is to be sent, and by whom to whom. An open loop: the times do not wait for the server."""

from __future__ import annotations

from peerlane.bench.plan import Pattern

EVERYBODY = -1
"""In place of a target: a broadcast."""


class Pace:
    """Even times from ``start`` on. Who looks late finds all that has become due, each with its own time."""

    def __init__(self, rate: float, start: float, end: float) -> None:
        self._rate = rate
        self._start = start
        self._total = 0 if rate <= 0 else max(0, round((end - start) * rate))
        self._done = 0

    @property
    def is_over(self) -> bool:
        return self._done >= self._total

    @property
    def next_at(self) -> float:
        """When the next one is due."""
        return self.time_of(self._done)

    def time_of(self, count: int) -> float:
        return self._start + count / self._rate

    def due(self, now: float) -> range:
        """The numbers, from 0 on, of what has become due since the last time."""
        if self._total == 0 or now < self._start:
            return range(0)
        # The one at this very moment is due too, in spite of what a division does to it.
        reached = min(self._total, int((now - self._start) * self._rate + 1e-9) + 1)
        due = range(self._done, reached)
        self._done = max(self._done, reached)
        return due


def route(pattern: Pattern, count: int, rooms: int, peers: int) -> tuple[int, int, int]:
    """Room, sender and target of message number ``count``: room after room, and in each pair after pair."""
    turn, room = divmod(count, rooms)
    if pattern == "fanout":
        return room, 0, EVERYBODY
    if pattern == "star":
        there, answers = divmod(turn, 2)
        other = 1 + there % (peers - 1)
        return (room, other, 0) if answers else (room, 0, other)
    distance, sender = divmod(turn, peers)
    return room, sender, (sender + 1 + distance % (peers - 1)) % peers
