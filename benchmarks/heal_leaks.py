"""Whether anything is left of a thousand connections and fifty heals: tasks, sockets, threads, memory."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path

from benchmarks.heal import figures
from benchmarks.report import Report, slope

CYCLES = 1000
HEALS = 50
WARM_UP = 200
SAMPLE_EVERY = 20


def run(quick: bool) -> Report:
    import uvloop

    return uvloop.run(_measure(CYCLES // (5 if quick else 1), HEALS // (5 if quick else 1)))


async def _measure(cycles: int, heals: int) -> Report:
    warm_up = min(WARM_UP, cycles // 4)
    for number in range(warm_up):
        await _cycle(number)
    before = await _state()
    samples = [(0.0, _memory_kib())]
    for number in range(1, cycles + 1):
        await _cycle(number)
        if number % SAMPLE_EVERY == 0:
            samples.append((float(number), _memory_kib()))
    steepness, margin = slope(samples)
    after = await _state()
    healed = await _heal(heals)
    last = await _state()
    found = {
        "connect/close cycles": (float(cycles), ""),
        "tasks left": (float(after["tasks"] - before["tasks"]), ""),
        "open files left": (float(after["files"] - before["files"]), ""),
        "threads left": (float(after["threads"] - before["threads"]), ""),
        "memory slope": (steepness, "KiB/cycle"),
        "memory slope, 95 % margin": (margin, "KiB/cycle"),
        "heals": (float(healed), ""),
        "tasks, files and threads left by heals": (float(sum(last.values()) - sum(after.values())), ""),
    }
    return Report("heal", figures("leaks", found), {})


async def _cycle(number: int) -> None:
    """Connect, say something, close; every fifth with sound."""
    from peer.channels.kinds import RELIABLE
    from peer.testing.pair import pair
    from peer.voice.runner import tone

    async with asyncio.timeout(30), pair() as (ben, ada):
        if number % 5 == 0:
            ben.publish("microphone", tone())
        channel = await ben.open("first", RELIABLE)
        await channel.send(b"hello")
        assert await anext(await anext(ada.channels())) == b"hello"


async def _heal(count: int) -> int:
    """So many restarts of one connection, each under numbered messages; how many were done."""
    from peer.channels.kinds import RELIABLE
    from peer.testing.pair import pair

    async with asyncio.timeout(30 + 3 * count), pair() as (ben, ada):
        mine = await ben.open("numbers", RELIABLE)
        await mine.send(b"0")
        theirs = await anext(ada.channels())
        assert await anext(theirs) == b"0"
        for number in range(1, count + 1):
            # As if this machine's address were gone.
            ben.network_changed(())
            for each in range(10):
                await mine.send(f"{number}/{each}")
                assert await anext(theirs) == f"{number}/{each}"
            await asyncio.sleep(1.05)
        return count


async def _state() -> dict[str, int]:
    await asyncio.sleep(1.5)
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def _memory_kib() -> float:
    gc.collect()
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return float(line.split()[1])
    raise RuntimeError("the kernel does not tell the memory of a process")
