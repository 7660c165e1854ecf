"""What a 20 MiB send does to a 60 Hz stream of the same sender, between machines of the lab, Chromium too.

The lines carry 20 Mbit/s each way, with 100 ms of queue that a careless sender fills. ``heal_channels`` does
the same in one process, without a line, beside bare aiortc.
"""

from __future__ import annotations

import asyncio
import math
import time

from benchmarks.heal import figures
from benchmarks.lab_pairs import Pair, name_of, pairs
from benchmarks.report import Report, percentile
from peer.testing.network import Conditions
from tests.natlab.calls import Call, Party, call

BULK_BYTES = 20 * 1024 * 1024
LINE = Conditions(latency=0.005, bytes_per_second=2_500_000, queue_bytes=250_000)
PIECE_BYTES = 64 * 1024
REALTIME_RATE = 60.0
QUIET, REST = 5.0, 2.0
WITHIN = 150.0
Values = dict[str, tuple[float, str]]


def run(quick: bool) -> Report:
    size = BULK_BYTES // (4 if quick else 1)
    values: Values = {}
    for engines in pairs():
        values |= asyncio.run(_measure(engines, size))
    return Report("heal", figures("bulk", values), {})


async def _measure(engines: Pair, size: int) -> Values:
    found: Values = {}
    async with call(engines, conditions=LINE) as talk:
        await talk.open("moves", "unreliable")
        await talk.open("file", "bulk")
        await talk.send("moves", rate=REALTIME_RATE)
        await talk.resumed_at("moves", time.monotonic(), WITHIN)
        senders = (talk.ana, talk.ben) if engines[0] != engines[1] else (talk.ana,)
        for sender in senders:
            who = f"{name_of(engines)}, {sender.engine} sends"
            found |= {f"{who}: {name}": value for name, value in (await _beside(talk, sender, size)).items()}
    return found


async def _beside(talk: Call, sender: Party, size: int) -> Values:
    receiver = talk.ben if sender is talk.ana else talk.ana
    await asyncio.sleep(REST)
    begins = time.monotonic()
    await asyncio.sleep(QUIET)
    bulk_begins = time.monotonic()
    await sender.do("bulk", label="file", size=size)
    while await receiver.do("count", label="file") < size // PIECE_BYTES:
        if time.monotonic() > bulk_begins + WITHIN:
            return {"bulk": (math.nan, "MiB/s")}
        await asyncio.sleep(0.2)
    arrived = await receiver.arrivals("file")
    bulk_ends = arrived.received[-1]
    await asyncio.sleep(REST)
    moves = await receiver.arrivals("moves")
    quiet = percentile(moves.delays(begins, bulk_begins), 99)
    busy = percentile(moves.delays(bulk_begins, bulk_ends), 99)
    return {
        "60 Hz p99 alone": (1000 * quiet, "ms"),
        "60 Hz p99 beside bulk": (1000 * busy, "ms"),
        "60 Hz p99 moved by bulk": (1000 * (busy - quiet), "ms"),
        "bulk": (size / (bulk_ends - bulk_begins) / 2**20, "MiB/s"),
    }
