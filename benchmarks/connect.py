"""How long from ``join`` to the first channel message, between two Python peers on one machine.

One peer waits in the room; the clock runs from the other's ``join`` until its first message has arrived.
Beside it two bare aiortc connections in one process, which hand each other their descriptions without
any server: what is left of our time after that is the price of the room.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks import processes
from benchmarks.bare_pair import bare_first_message
from benchmarks.report import Figure, Report, median, percentile

TIMEOUT = 20.0


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """Measure both in turns, after one of each that is not counted."""
    import uvloop

    processes.pin(processes.GENERATOR_CORE)
    with processes.our_server(limits_links_per_second_per_address=1e6) as server:
        times = uvloop.run(_alternate(f"ws://127.0.0.1:{server.port}", 8 if quick else 40))
    figures = {}
    for name, values in times.items():
        figures[f"{name}: p50"] = Figure(1000 * median(values), "ms")
        figures[f"{name}: p99"] = Figure(1000 * percentile(values, 99), "ms")
    ratio = median(times["ours"]) / median(times["bare aiortc"])
    return Report("connect", figures, {"bare aiortc": ratio})


async def _alternate(url: str, count: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"ours": [], "bare aiortc": []}
    for number in range(count + 1):
        async with asyncio.timeout(TIMEOUT):
            pair = (await _ours(url, f"connect{number}"), await bare_first_message())
        if number:
            times["ours"].append(pair[0])
            times["bare aiortc"].append(pair[1])
    return times


async def _ours(url: str, room_name: str) -> float:
    from peer.channels.kinds import RELIABLE
    from peer.room import Room, join

    async def first_message(room: Room) -> None:
        async for peer in room.peers():
            channel = await peer.open("first", RELIABLE)
            async for message in channel:
                assert message == b"hello"
                return

    async with join(url, room_name, name="waiting") as waiting, asyncio.TaskGroup() as tasks:
        arrival = tasks.create_task(first_message(waiting))
        started = time.perf_counter()
        async with join(url, room_name, name="coming") as coming:
            async for peer in coming.peers():
                channel = await peer.open("first", RELIABLE)
                await channel.send(b"hello")
                break
            await arrival
            return time.perf_counter() - started
