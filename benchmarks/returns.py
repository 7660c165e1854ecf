"""A node with 10,000 members is killed (kill -9) and started again: how the crowd comes back.

Every client waits by chance before each attempt (full jitter), and whom the node turns away, since it lets in
500 a second, gets a moment of its own. Beside it the same back-off without chance, where all come together
again and again. Members say 100 signals a second all the time, and none may be lost.
"""

from __future__ import annotations

import asyncio

from benchmarks import processes
from benchmarks.loads import Node, crowd, node, plan_of
from benchmarks.report import Figure, Report
from peerlane.bench.plan import Plan
from peerlane.bench.waves import by_second, waves

MEMBERS = 10_000
ROOM_SIZE = 8
RATE = 100.0
KILLED_AT = 5.0
WAIT = 60.0


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """``only``: ``jitter`` or ``none``."""
    import uvloop

    processes.pin(processes.GENERATOR_CORE)
    members = MEMBERS // (50 if quick else 1)
    figures: dict[str, Figure] = {}
    heights: dict[str, float] = {}
    for part, name in (("jitter", "full jitter"), ("none", "no jitter")):
        if only and part not in only:
            continue
        with node() as one:
            plan = plan_of(
                [one.url],
                pattern="storm",
                cuts=False,
                jitter=part == "jitter",
                rooms=members // ROOM_SIZE,
                peers=ROOM_SIZE,
                rate=RATE,
                ramp=300.0,
                duration=15.0 if quick else 60.0,
                wait=WAIT,
            )
            found = uvloop.run(_kill(one, plan))
        heights[part] = found["second wave"].value
        figures |= {f"{name}: {what}": figure for what, figure in found.items()}
    ratios = {}
    if heights.get("none"):
        ratios["second wave without jitter"] = heights["jitter"] / heights["none"]
    return Report("returns", figures, ratios)


async def _kill(one: Node, plan: Plan) -> dict[str, Figure]:
    async with crowd(plan) as run:
        await run.ready()
        run.go()
        await asyncio.sleep(KILLED_AT)
        await asyncio.to_thread(one.kill_and_restart)
        tally = await run.done()
    found = waves(tally.lost_at, tally.attempts_at, tally.back_at)
    seconds = found.seconds_to_99_percent
    figures = {
        "members": Figure(tally.members, ""),
        "lost their link": Figure(found.lost, ""),
        "back": Figure(found.back, ""),
        "p50": Figure(tally.returning.percentile(50), "s"),
        "p99": Figure(tally.returning.percentile(99), "s"),
        "99 % back": Figure(float("nan") if seconds is None else seconds, "s"),
        "attempts": Figure(sum(tally.attempts_at.values()), ""),
        "attempts in the busiest 0.1 s": Figure(found.peak_attempts / 10, ""),
        "returns, most in a second": Figure(max(by_second(tally.back_at), default=0), "1/s"),
        "second wave": Figure(100 * found.second_wave, "% of the first"),
        "turned away": Figure(tally.turned_away, ""),
        "turned away again": Figure(tally.turned_away_again, ""),
        "signals": Figure(tally.sent, ""),
        "signals not taken": Figure(tally.unsent, ""),
        "lost": Figure(tally.faults.lost, ""),
        "doubled": Figure(tally.faults.doubled, ""),
        "reordered": Figure(tally.faults.reordered, ""),
    }
    for name, counts in (("attempts", tally.attempts_at), ("returns", tally.back_at)):
        for second, count in enumerate(by_second(counts)):
            figures[f"{name}, second {second:>2}"] = Figure(count, "1/s")
    return figures
