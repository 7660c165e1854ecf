"""What a load run is to do, what is wrong with that, and which part of it each process does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import msgspec

Pattern = Literal["mesh", "star", "fanout", "churn", "storm"]

MAX_PROCESSES = 64
MAX_SOURCES = 250
SPARE_FILES = 100
"""Of a process, for all that is not a link."""
VISITOR_STAY = 2.0
"""Seconds that somebody stays who comes in the pattern churn."""
VISITORS_PER_CUT = 4
"""One of so many visitors loses its link on the way, and resumes."""
STORM_AT = 0.25
"""When all links are cut, as a part of the duration: there is a time before and a longer one after."""
MIN_PAYLOAD_BYTES = 64
MAX_PAYLOAD_BYTES = 65_000


class Plan(msgspec.Struct, frozen=True):
    """A whole run; times are seconds."""

    urls: list[str]
    """WebSocket addresses; members are spread over them."""
    run: str
    """The beginning of the names of all rooms, so that two runs never meet."""
    pattern: Pattern = "mesh"
    rooms: int = 10
    peers: int = 8
    """Members of each room."""
    rate: float = 100.0
    """Signals, or broadcasts, a second, of all members together; 0: they say nothing."""
    duration: float = 10.0
    ramp: float = 200.0
    """Links a second at the start; 0: as fast as the server takes them."""
    churn: float = 10.0
    """How many come, and how many go, each second; of the pattern churn."""
    cuts: bool = True
    """Of the pattern storm: False when somebody else is going to cut the links."""
    jitter: bool = True
    """False, to see what it is good for: who comes back waits as long as everybody else."""
    processes: int = 1
    sources: int = 1
    """Loopback addresses to come from: 127.0.0.2 and up, or 1 for whatever the system takes."""
    payload_bytes: int = 200
    wait: float = 10.0
    """For how long, after the end, what is still on the way is waited for."""
    token: str = ""
    insecure: bool = False
    """A certificate that nobody vouches for is accepted."""

    @property
    def members(self) -> int:
        return self.rooms * self.peers


class Share(msgspec.Struct, frozen=True):
    """What one of the processes does: every ``processes``-th room, from ``index`` on."""

    plan: Plan
    index: int

    @property
    def rooms(self) -> list[int]:
        return list(range(self.index, self.plan.rooms, self.plan.processes))

    def sources(self) -> Iterator[str]:
        """One address for each member, or visitor, that is to come; empty: any."""
        number = self.index
        while True:
            yield f"127.0.0.{2 + number % self.plan.sources}" if self.plan.sources > 1 else ""
            number += self.plan.processes

    def part(self, whole: float) -> float:
        """What comes to this process of a rate, by its rooms."""
        return whole * len(self.rooms) / self.plan.rooms


def problems(plan: Plan, open_files: int) -> list[str]:
    """What cannot be done as it is asked for; ``open_files`` is how many one process may have."""
    found = []
    for flag, value in (("--rooms", plan.rooms), ("--peers", plan.peers), ("--processes", plan.processes)):
        if value < 1:
            found.append(f"{flag} must be at least 1")
    for flag, number, least in (
        ("--rate", plan.rate, 0.0),
        ("--ramp", plan.ramp, 0.0),
        ("--churn", plan.churn, 0.0),
        ("--wait", plan.wait, 0.0),
        ("--duration", plan.duration, 0.1),
    ):
        if not (math.isfinite(number) and number >= least):
            found.append(f"{flag} must be a number from {least:g} up")
    if not MIN_PAYLOAD_BYTES <= plan.payload_bytes <= MAX_PAYLOAD_BYTES:
        found.append(f"--bytes must be from {MIN_PAYLOAD_BYTES} to {MAX_PAYLOAD_BYTES:,}")
    if not 1 <= plan.sources <= MAX_SOURCES:
        found.append(f"--sources must be from 1 to {MAX_SOURCES}")
    return found or _problems_between(plan, open_files)


def _problems_between(plan: Plan, open_files: int) -> list[str]:
    found = []
    if plan.rate > 0 and plan.peers < 2:
        found.append("--peers must be at least 2: one member alone has nobody to signal; or use --rate 0")
    if plan.processes > min(plan.rooms, MAX_PROCESSES):
        most = min(plan.rooms, MAX_PROCESSES)
        found.append(f"--processes can be at most {most}: the members of a room are in one process")
    else:
        # At a start that is as fast as it can be, a visitor stays no longer than anybody else.
        visitors = math.ceil(plan.churn * VISITOR_STAY * 2) if plan.pattern == "churn" else 0
        each = math.ceil(plan.rooms / plan.processes) * plan.peers + math.ceil(visitors / plan.processes)
        if each > (most := open_files - SPARE_FILES):
            found.append(
                f"{each:,} links in a process, but it may open {most:,} files: use more --processes"
                f" (at least {math.ceil(plan.members / most)}), or raise the limit (ulimit -n)"
            )
    return found
