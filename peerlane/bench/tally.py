"""What one process has counted, and what all have together."""

from __future__ import annotations

from collections import Counter

import msgspec

from peerlane.bench.histogram import Histogram
from peerlane.bench.sequences import Faults


class Tally(msgspec.Struct):
    """Times in buckets are those of :mod:`peerlane.bench.waves`, since the beginning of the run."""

    members: int = 0
    joined: int = 0
    """Members that are in their room now."""
    links: int = 0
    """That have been opened, all in all."""
    turned_away: int = 0
    """Attempts that the server has answered with 429 or 503."""
    turned_away_again: int = 0
    """Of these, attempts of somebody who had been told before when to come."""
    failures: dict[str, int] = {}
    """Other attempts that failed, by what was the matter."""
    refusals: dict[str, int] = {}
    """Requests that the server refused, by code."""
    closed: int = 0
    """Links that ended although nobody here wanted it."""
    close_reasons: dict[str, int] = {}
    resumed: int = 0
    afresh: int = 0
    """Of those who came back: sessions that went on, and those that could not."""
    sent: int = 0
    unsent: int = 0
    """Due, but the sender had no link or no room."""
    expected: int = 0
    arrived: int = 0
    undelivered: int = 0
    """Signals that the sender was told of, since the other had gone; they are among the lost."""
    faults: Faults = msgspec.field(default_factory=Faults)
    latency: Histogram = msgspec.field(default_factory=Histogram)
    """From when a message was to be sent until it was there."""
    lateness: Histogram = msgspec.field(default_factory=Histogram)
    """From when a message was to be sent until it was: that is the generator's own."""
    opening: Histogram = msgspec.field(default_factory=Histogram)
    """From when a link was to be opened until its member was in the room for the first time."""
    returning: Histogram = msgspec.field(default_factory=Histogram)
    """From when a link was lost until its member was in the room again."""
    gathering: float = 0.0
    """Until all members of a process were in, or had given up."""
    came: int = 0
    went: int = 0
    """Visitors, of the pattern churn."""
    stayed_out: int = 0
    """Visitors that did not get in."""
    lost_at: dict[int, int] = {}
    attempts_at: dict[int, int] = {}
    back_at: dict[int, int] = {}
    cpu: float = 0.0
    """The largest share of a core that one of the processes used."""
    wall: float = 0.0

    def count(self, kind: str, key: str) -> None:
        """One more of ``failures``, ``refusals`` or ``close_reasons``."""
        counts: dict[str, int] = getattr(self, kind)
        counts[key] = counts.get(key, 0) + 1


_SUMS = (
    "members", "joined", "links", "turned_away", "turned_away_again", "closed", "resumed", "afresh", "sent",
    "unsent", "expected", "arrived", "undelivered", "came", "went", "stayed_out",
)  # fmt: skip
_COUNTERS = ("failures", "refusals", "close_reasons", "lost_at", "attempts_at", "back_at")
_TIMES = ("latency", "lateness", "opening", "returning")


def together(tallies: list[Tally]) -> Tally:
    """The sum of what several processes have counted."""
    total = Tally(faults=Faults())
    for tally in tallies:
        for name in _SUMS:
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        for name in _COUNTERS:
            setattr(total, name, dict(Counter(getattr(total, name)) + Counter(getattr(tally, name))))
        for name in _TIMES:
            getattr(total, name).merge(getattr(tally, name))
        total.faults.add(tally.faults)
        total.cpu = max(total.cpu, tally.cpu)
        total.wall = max(total.wall, tally.wall)
        total.gathering = max(total.gathering, tally.gathering)
    return total
