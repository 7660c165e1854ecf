"""Whether a node keeps what it should let go: hours of coming and going, shortened.

Five hundred members signal each other while fifty visitors come and fifty go each second. Every fourth
loses its link on the way and resumes. The node's memory is looked at every two seconds; through what is seen
after the first four minutes goes a line, and its slope has to be zero within its 95 % interval.

What a node remembers for a time (the ids of sessions that have ended, for as long as their tickets are good:
an hour) it remembers for a minute here, so that it forgets as much as it learns by then.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time

from benchmarks import processes
from benchmarks.loads import Node, crowd, node, plan_of
from benchmarks.report import Figure, Report, median, slope
from peerlane.bench.plan import Plan

MEMBERS, ROOM_SIZE = 500, 5
RATE = 200.0
VISITORS_PER_SECOND = 50.0
LOOK_EVERY = 2.0
DURATION = 600.0
WARM_UP = 240.0
RESUME_WINDOW, TICKET_LIFETIME = 30.0, 60.0
BATCH = 10
"""Looks that are taken together: those beside each other know too much of each other to be counted alone."""


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    import uvloop

    processes.pin(processes.GENERATOR_CORE)
    with node(session_resume_window=RESUME_WINDOW, session_ticket_lifetime=TICKET_LIFETIME) as one:
        plan = plan_of(
            [one.url],
            pattern="churn",
            rooms=MEMBERS // ROOM_SIZE,
            peers=ROOM_SIZE,
            rate=RATE,
            churn=VISITORS_PER_SECOND,
            duration=10.0 if quick else DURATION,
        )
        return uvloop.run(_soak(one, plan, 1.0 if quick else WARM_UP, 1 if quick else BATCH))


async def _soak(one: Node, plan: Plan, warm_up: float, batch: int) -> Report:
    memory: list[tuple[float, float]] = []
    files: list[int] = []

    async def look(began: float) -> None:
        for count in itertools.count(1):
            at = count * LOOK_EVERY
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            if warm_up <= at <= plan.duration:
                memory.append((at / 60, one.process.memory_kib()))
                files.append(_files(one))

    async with crowd(plan) as run:
        await run.ready()
        run.go()
        looking = asyncio.create_task(look(time.monotonic()))
        tally = await run.done()
        looking.cancel()
        await asyncio.wait([looking])
    batches = [_mean(memory[first : first + batch]) for first in range(0, len(memory), batch)]
    steepness, margin = slope(batches)
    faults = tally.faults
    figures = {
        "lasted": Figure(tally.wall, "s"),
        "visitors": Figure(tally.came, ""),
        "visitors that did not get in": Figure(tally.stayed_out, ""),
        "resumed": Figure(tally.resumed, ""),
        "signals": Figure(tally.sent, ""),
        "lost, doubled or reordered": Figure(faults.lost + faults.doubled + faults.reordered, ""),
        "memory at first": Figure(batches[0][1] / 1024, "MiB"),
        "memory at last": Figure(batches[-1][1] / 1024, "MiB"),
        "memory slope": Figure(steepness, "KiB/min"),
        "memory slope, 95 % margin": Figure(margin, "KiB/min"),
        "files at first": Figure(median(files[:batch]), ""),
        "files at last": Figure(median(files[-batch:]), ""),
        "latency p99": Figure(tally.latency.percentile(99) * 1000, "ms"),
    }
    return Report("soak", figures, {})


def _mean(points: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _files(one: Node) -> int:
    return len(os.listdir(f"/proc/{one.process.pid}/fd"))
