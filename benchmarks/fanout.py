"""One member speaks to a room of 10, 100, 1,000 and 5,000: how long until all have heard, at what cost."""

from __future__ import annotations

import statistics

from benchmarks import processes
from benchmarks.loads import Node, crowd, node, plan_of
from benchmarks.report import Figure, Report
from peerlane.bench.plan import Plan

SIZES = {10: 50.0, 100: 50.0, 1_000: 10.0, 5_000: 2.0}
"""Listeners, and broadcasts a second."""
DURATION = 20.0
ROUNDS = 3
LARGE = 1_000
"""Beyond it there is one round: to fill a room takes minutes, since everybody is told of everybody."""
PAYLOAD_BYTES = 200


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """Each round on a fresh node; medians. ``only``: sizes."""
    import uvloop

    processes.pin(processes.GENERATOR_CORE)
    figures: dict[str, Figure] = {}
    for size, rate in SIZES.items():
        if (only and str(size) not in only) or (quick and size > 100):
            continue
        rounds: list[dict[str, tuple[float, str]]] = []
        for _ in range(1 if quick or size > LARGE else ROUNDS):
            # Who has tried twice to come in has two seats for a while.
            with node(limits_max_members=2 * size) as one:
                plan = plan_of(
                    [one.url],
                    pattern="fanout",
                    rooms=1,
                    peers=size + 1,
                    rate=rate,
                    ramp=0.0,
                    duration=3.0 if quick else DURATION,
                    payload_bytes=PAYLOAD_BYTES,
                )
                rounds.append(uvloop.run(_speak(one, plan)))
        for name, (_, unit) in rounds[0].items():
            figures[f"1 to {size:,}: {name}"] = Figure(statistics.median(r[name][0] for r in rounds), unit)
    return Report("fanout", figures, {})


async def _speak(one: Node, plan: Plan) -> dict[str, tuple[float, str]]:
    async with crowd(plan) as run:
        await run.ready()
        cpu = one.process.cpu_seconds()
        run.go()
        tally = await run.done()
        cpu = one.process.cpu_seconds() - cpu
    faults = tally.faults
    return {
        "broadcasts": (tally.sent, ""),
        "deliveries": (tally.arrived / tally.wall, "1/s"),
        "lost, doubled or reordered": (faults.lost + faults.doubled + faults.reordered, ""),
        "links lost": (tally.closed, ""),
        "p50": (tally.latency.percentile(50) * 1000, "ms"),
        "p99": (tally.latency.percentile(99) * 1000, "ms"),
        "p99.9": (tally.latency.percentile(99.9) * 1000, "ms"),
        "server CPU": (cpu / max(1, tally.arrived) * 1e6, "us/delivery"),
        "generator core": (100 * tally.cpu, "%"),
    }
