"""What idle members cost: 19,000 on one node, and 60,000 on four, in rooms of five.

The four are once each for itself, and once one server over Redis, where each room has members on all of them.

Memory is what the kernel counts as the node's own, before the first link and with all of them open; the
kernel's own is what its caches and buffers have grown by, both ends of every link together. Then nobody says
anything for a while but the pings of the protocol, and the CPU time is counted.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from benchmarks import processes
from benchmarks.bus import broker_of
from benchmarks.loads import Node, crowd, node, plan_of
from benchmarks.report import Figure, Report
from peerlane.bench.plan import Plan

ROOM_SIZE = 5
IDLE = 50.0
"""Two rounds of pings."""
SETTLE = 3.0
LINKS_PER_SECOND = 300.0
"""Of all nodes together; below what one takes."""


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """``only``: ``one``, ``four`` or ``bus``."""
    import uvloop

    processes.pin(processes.GENERATOR_CORE)
    divisor = 20 if quick else 1
    figures: dict[str, Figure] = {}
    parts = {
        "one": ("1 node", 1, 19_000),
        "four": ("4 nodes", 4, 60_000),
        "bus": ("4 nodes over Redis", 4, 60_000),
    }
    for part, (label, nodes, members) in parts.items():
        if only and part not in only:
            continue
        with ExitStack() as stack:
            settings: dict[str, object] = {}
            if part == "bus":
                address, _ = stack.enter_context(broker_of("redis"))
                settings = {"cluster_backplane": address, "server_ticket_key": secrets.token_hex(32)}
            started = [stack.enter_context(node(**settings)) for _ in range(nodes)]
            plans = _plans([each.url for each in started], members // divisor, part == "bus", quick)
            found = uvloop.run(_measure(started, plans))
        figures |= {f"{label}: {what}": figure for what, figure in found.items()}
    return Report("members", figures, {})


def _plans(urls: list[str], members: int, are_one: bool, quick: bool) -> list[Plan]:
    """One for each node, or one for all of them together."""
    groups = [urls] if are_one else [[url] for url in urls]
    return [
        plan_of(
            group,
            rooms=members // len(groups) // ROOM_SIZE,
            peers=ROOM_SIZE,
            rate=0.0,
            ramp=LINKS_PER_SECOND / len(groups),
            duration=5.0 if quick else IDLE,
            processes=len(group),
        )
        for group in groups
    ]


async def _measure(nodes: list[Node], plans: list[Plan]) -> dict[str, Figure]:
    memory_before = sum(each.process.memory_kib() for each in nodes)
    kernel_before = _kernel_kib()
    async with AsyncExitStack() as stack:
        runs = [await stack.enter_async_context(crowd(plan)) for plan in plans]
        await asyncio.gather(*(each.ready() for each in runs))
        await asyncio.sleep(SETTLE)
        memory = sum(each.process.memory_kib() for each in nodes) - memory_before
        kernel = _kernel_kib() - kernel_before
        cpu = sum(each.process.cpu_seconds() for each in nodes)
        for each in runs:
            each.go()
        tallies = await asyncio.gather(*(each.done() for each in runs))
        cpu = sum(each.process.cpu_seconds() for each in nodes) - cpu
    there = sum(tally.joined for tally in tallies)
    wall = max(tally.wall for tally in tallies)
    return {
        "members": Figure(there, ""),
        "links lost": Figure(sum(tally.closed for tally in tallies), ""),
        "memory": Figure(memory / there, "KiB/member"),
        "kernel memory, both ends": Figure(kernel / there, "KiB/member"),
        "CPU": Figure(cpu / wall / there * 1e6, "us/s/member"),
        "CPU of all": Figure(100 * cpu / wall, "% of a core"),
        "until all were in": Figure(max(tally.gathering for tally in tallies), "s"),
        "opening p99": Figure(max(tally.opening.percentile(99) for tally in tallies) * 1000, "ms"),
    }


def _kernel_kib() -> float:
    """Memory of the kernel that cannot be taken back: sockets, and what they are known by."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("SUnreclaim:"))
