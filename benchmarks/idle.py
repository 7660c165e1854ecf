"""How much server memory an idle member takes: 5,000 of them in rooms of five, saying nothing.

Memory is what the kernel counts as the server's own (Anonymous) before the first link and with all of them
open, divided by their number. Kernel socket buffers are the same for everyone and not in it.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from contextlib import AbstractContextManager

from picows import ws_connect

from benchmarks import processes
from benchmarks.relay import CONTESTANTS, SERVERS, Contestant
from benchmarks.relay_links import Link, Tally
from benchmarks.report import Figure, Report, median

MEMBERS = 5_000
ROOM_SIZE = 5
CONNECTING_AT_ONCE = 50
SETTLE = 3.0


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """Measure; each round starts its server afresh, so that nothing is left of the round before."""
    import uvloop

    _allow_open_files()
    processes.pin(processes.GENERATOR_CORE)
    rounds = 1 if quick else 3
    # One contestant for each server: how messages are framed makes no difference to silence.
    chosen = {c.server: c for c in reversed(CONTESTANTS) if not only or c.server in only}
    sizes: dict[str, list[float]] = {name: [] for name in ("ours", "peer", "ws") if name in chosen}
    for _ in range(rounds):
        for name in sizes:
            sizes[name].append(_round(SERVERS[name], chosen[name], uvloop.run))
    each = {name: median(values) for name, values in sizes.items()}
    figures = {f"{name}: memory": Figure(size, "KiB/member") for name, size in each.items()}
    figures["members"] = Figure(MEMBERS, "")
    ratios = {name: each["ours"] / each[name] for name in ("peer", "ws") if {"ours", name} <= each.keys()}
    return Report("idle", figures, ratios)


def _round(
    start: Callable[[], AbstractContextManager[processes.Process]],
    contestant: Contestant,
    runner: Callable[..., float],
) -> float:
    with start() as server:
        return runner(_measure(server, contestant))


async def _measure(server: processes.Process, contestant: Contestant) -> float:
    before = server.memory_kib()
    tally = Tally()
    links: list[Link] = []
    for first in range(0, MEMBERS, CONNECTING_AT_ONCE):
        some = [
            contestant.link(f"idle{number // ROOM_SIZE}-{number % ROOM_SIZE}", tally)
            for number in range(first, first + CONNECTING_AT_ONCE)
        ]
        await asyncio.gather(*(_connect(link, contestant, server) for link in some))
        links += some
    await asyncio.sleep(SETTLE)
    after = server.memory_kib()
    if lost := sum(link.lost for link in links):
        raise RuntimeError(f"{contestant.name} closed {lost} of {MEMBERS} idle members")
    tally.is_open = False
    for link in links:
        link.transport.disconnect(graceful=False)
    return (after - before) / MEMBERS


async def _connect(link: Link, contestant: Contestant, server: processes.Process) -> None:
    await ws_connect(lambda: link, contestant.url(server.port, link.name))
    await asyncio.wait_for(link.ready.wait(), 30)
    if link.lost:
        raise RuntimeError(f"{contestant.name} refused {link.name}")


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = processes.OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, processes.OPEN_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
