"""What servers that never answer cost, and a network without UDP: the same pairs with and without."""

from __future__ import annotations

import statistics
from typing import Any

from tests.natlab.nat.meetings import meet
from tests.natlab.nat.networks import network
from tests.natlab.nat.places import world

MOST_MILLISECONDS = 500.0
RUNS = 7
PAIRS = (
    ("port-restricted", "port-restricted"),
    ("symmetric", "symmetric"),
    ("udp-blocked", "udp-blocked"),
    ("only-tcp-443", "only-tcp-443"),
)


async def run_all(runs: int = RUNS) -> list[dict[str, Any]]:
    """One for each cost: medians with and without, and their difference in milliseconds."""
    well, badly = await _medians(runs, silent=False), await _medians(runs, silent=True)
    rows = [
        _row(f"silent STUN and TURN servers: {one} × {other}", badly[one, other], well[one, other])
        for one, other in PAIRS
    ]
    blocked, relayed = well["udp-blocked", "udp-blocked"], well["symmetric", "symmetric"]
    return [*rows, _row("blocked UDP on both sides, beside a relay over UDP", blocked, relayed)]


async def _medians(runs: int, *, silent: bool) -> dict[tuple[str, str], float]:
    names = dict.fromkeys(name for pair in PAIRS for name in pair)
    found: dict[tuple[str, str], float] = {}
    async with world([network(name) for name in names], silent=silent) as lab:
        for one, other in PAIRS:
            times = []
            for _ in range(runs):
                meeting = await meet(lab, lab.offering[one], lab.answering[other])
                assert meeting.path, meeting
                times.append(meeting.milliseconds)
            found[one, other] = statistics.median(times)
    return found


def _row(name: str, with_it: float, without: float) -> dict[str, Any]:
    cost = with_it - without
    return {
        "name": name,
        "milliseconds": round(with_it, 1),
        "without": round(without, 1),
        "cost": round(cost, 1),
        "ok": cost <= MOST_MILLISECONDS,
    }
