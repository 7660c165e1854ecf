"""A bad network without a network: delay, jitter, loss, doubling, disorder, narrow lines, outages. Seeded.

Pure: what is sent goes in with its time, what arrives comes out when its time has come. The same seed
gives the same network on every machine.
"""

from __future__ import annotations

import heapq
import math
import random
from typing import Any, Literal

import msgspec


class GilbertElliott(msgspec.Struct, frozen=True):
    """Loss in bursts: a good and a bad state, with the chance to change at each packet (Elliott, 1963)."""

    to_bad: float
    to_good: float
    loss_when_good: float = 0.0
    loss_when_bad: float = 1.0


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """One direction of a line. Fractions go from 0 to 1; times are seconds, one way."""

    latency: float = 0.0
    jitter: float = 0.0
    """Each packet takes up to this much longer or shorter; order is kept, as real queues keep it."""
    loss: float = 0.0
    bursts: GilbertElliott | None = None
    duplication: float = 0.0
    reordering: float = 0.0
    """This fraction is overtaken by what is sent within ``reordering_delay`` after it."""
    reordering_delay: float = 0.02
    bytes_per_second: float = math.inf
    queue_bytes: int = 64 * 1024
    """Waiting for a narrow line; what finds the queue full is lost."""


PERFECT = Conditions()
HOME_WIFI = Conditions(latency=0.015, jitter=0.005, loss=0.002, bytes_per_second=2_500_000)
LTE = Conditions(latency=0.04, jitter=0.015, loss=0.01, reordering=0.005, bytes_per_second=1_000_000)
TRAIN = Conditions(
    latency=0.08, jitter=0.06, bursts=GilbertElliott(0.01, 0.15), duplication=0.005, bytes_per_second=150_000
)
OTHER_CONTINENT = Conditions(latency=0.14, jitter=0.01, loss=0.005)

Fate = Literal["lost", "queue-full", "blackhole", "delivered", "doubled"]


class Arrival(msgspec.Struct, frozen=True):
    at: float
    sender: str
    receiver: str
    data: Any


class _Line:
    """One direction between two, with the state that its conditions need."""

    def __init__(self, conditions: Conditions, chance: random.Random) -> None:
        self.conditions = conditions
        self._chance = chance
        self._is_bad = False
        self._free_at = 0.0
        self._last_arrival = 0.0

    def plan(self, now: float, size: int) -> tuple[Fate, list[float]]:
        """When a packet of this size arrives: not at all, once or twice."""
        conditions = self.conditions
        if self._is_lost():
            return "lost", []
        begins = max(now, self._free_at)
        if (begins - now) * conditions.bytes_per_second > conditions.queue_bytes:
            return "queue-full", []
        if conditions.bytes_per_second != math.inf:
            self._free_at = begins + size / conditions.bytes_per_second
            begins = self._free_at
        at = begins + max(0.0, conditions.latency + conditions.jitter * (2 * self._chance.random() - 1))
        if self._chance.random() < conditions.reordering:
            return "delivered", [at + conditions.reordering_delay]
        at = self._last_arrival = max(at, self._last_arrival)
        if self._chance.random() < conditions.duplication:
            return "doubled", [at, at + conditions.jitter * self._chance.random()]
        return "delivered", [at]

    def _is_lost(self) -> bool:
        bursts = self.conditions.bursts
        loss = self.conditions.loss
        if bursts is not None:
            change = bursts.to_good if self._is_bad else bursts.to_bad
            self._is_bad ^= self._chance.random() < change
            loss = max(loss, bursts.loss_when_bad if self._is_bad else bursts.loss_when_good)
        return self._chance.random() < loss


class BadNetwork:
    """Lines between any number of peers, named by strings; each direction has its own conditions."""

    def __init__(self, conditions: Conditions = PERFECT, *, seed: int = 0) -> None:
        self._default = conditions
        self._seed = seed
        self._lines: dict[tuple[str, str], _Line] = {}
        self._down_until: dict[str, float] = {}
        self._under_way: list[tuple[float, int, Arrival]] = []
        self._count = 0
        self.fates: dict[Fate, int] = dict.fromkeys(
            ("lost", "queue-full", "blackhole", "delivered", "doubled"), 0
        )
        """What has become of each packet so far."""

    def set(self, conditions: Conditions, sender: str | None = None, receiver: str | None = None) -> None:
        """New conditions from now on: for one direction, or for all when neither end is given.

        Raises ValueError when only one end is given.
        """
        if (sender is None) != (receiver is None):
            raise ValueError("give both ends of a direction, or none")
        if sender is not None and receiver is not None:
            self._line(sender, receiver).conditions = conditions
            return
        self._default = conditions
        for line in self._lines.values():
            line.conditions = conditions

    def conditions(self, sender: str, receiver: str) -> Conditions:
        """Of one direction, now."""
        return self._line(sender, receiver).conditions

    def blackhole(self, peer: str, now: float, duration: float = math.inf) -> None:
        """Nothing from or to this peer arrives for so long; what is under way is lost too."""
        self._down_until[peer] = now + duration
        self._lose(peer)

    def heal(self, peer: str) -> None:
        self._down_until.pop(peer, None)

    def change_address(self, peer: str, now: float, outage: float = 0.2) -> None:
        """The peer moves to another network: what is under way to its old address is lost."""
        self.blackhole(peer, now, outage)

    def is_down(self, peer: str, now: float) -> bool:
        return now < self._down_until.get(peer, -math.inf)

    def send(self, now: float, sender: str, receiver: str, data: Any, size: int | None = None) -> Fate:
        """Give a packet to the line. ``size`` in bytes; by default the length of ``data``."""
        if self.is_down(sender, now) or self.is_down(receiver, now):
            fate: Fate = "blackhole"
        else:
            fate, arrivals = self._line(sender, receiver).plan(now, len(data) if size is None else size)
            for at in arrivals:
                self._count += 1
                heapq.heappush(self._under_way, (at, self._count, Arrival(at, sender, receiver, data)))
        self.fates[fate] += 1
        return fate

    @property
    def next_at(self) -> float | None:
        """When the next packet arrives; None: nothing is under way."""
        return self._under_way[0][0] if self._under_way else None

    def arrivals(self, now: float) -> list[Arrival]:
        """What has arrived by now, in the order of arrival; each is told once."""
        arrived = []
        while self._under_way and self._under_way[0][0] <= now:
            arrived.append(heapq.heappop(self._under_way)[2])
        return arrived

    def _line(self, sender: str, receiver: str) -> _Line:
        line = self._lines.get((sender, receiver))
        if line is None:
            # Each direction has its own dice, so that traffic one way does not change the other.
            chance = random.Random(f"{self._seed}/{sender}/{receiver}")
            line = self._lines[sender, receiver] = _Line(self._default, chance)
        return line

    def _lose(self, peer: str) -> None:
        kept = [each for each in self._under_way if peer not in (each[2].sender, each[2].receiver)]
        self.fates["blackhole"] += len(self._under_way) - len(kept)
        self._under_way = kept
        heapq.heapify(kept)
