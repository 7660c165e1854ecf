"""What loss does to a 60 Hz UNRELIABLE stream, and a large send to one on a line of the lab.

Lines of 40 ms one way that lose 2 % and 5 %; a message that comes at all has to come in time. Beside it the
same stream over bare aiortc, unordered and never sent again.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.bare_calls import bare_call
from benchmarks.heal import figures
from benchmarks.lab_pairs import Pair, name_of, pairs
from benchmarks.report import Report, percentile
from peer.testing.network import Conditions
from tests.natlab.calls import call

ONE_WAY = 0.04
LOSSES = (0.02, 0.05)
REALTIME_RATE, RELIABLE_RATE = 60.0, 20.0
WARM_UP = 2.0
Values = dict[str, tuple[float, str]]


def run(quick: bool) -> Report:
    seconds = 10.0 if quick else 40.0
    values: Values = {}
    for number, loss in enumerate(LOSSES):
        for engines in pairs():
            values |= asyncio.run(_ours(engines, loss, seconds, number))
        values |= asyncio.run(_bare(loss, seconds, number))
    return Report("heal", figures("loss", values), {})


async def _ours(engines: Pair, loss: float, seconds: float, seed: int) -> Values:
    """With a slow RELIABLE channel beside it, whose retransmissions must not matter."""
    async with call(engines, conditions=Conditions(latency=ONE_WAY, loss=loss), seed=seed) as talk:
        await talk.open("moves", "unreliable")
        await talk.open("numbers", "reliable")
        await talk.send("moves", rate=REALTIME_RATE)
        await talk.send("numbers", rate=RELIABLE_RATE)
        since, until = await _interval(seconds)
        name = name_of(engines)
        found: Values = {}
        for sender, receiver in ((talk.ana, talk.ben), (talk.ben, talk.ana)):
            delays = (await receiver.arrivals("moves")).delays(since, until)
            who = f"{loss:.0%} lost, {name}, from {sender.engine} {sender.machine.name}"
            found |= _figures(who, delays, seconds)
        return found


async def _bare(loss: float, seconds: float, seed: int) -> Values:
    async with bare_call(Conditions(latency=ONE_WAY, loss=loss), seed=seed) as talk:
        for actor in talk.actors:
            await actor.do("send", label="moves", rate=REALTIME_RATE, size=64)
            await actor.do("send", label="numbers", rate=RELIABLE_RATE, size=64)
        since, until = await _interval(seconds)
        return _figures(
            f"{loss:.0%} lost, bare aiortc", (await talk.arrivals("moves")).delays(since, until), seconds
        )


async def _interval(seconds: float) -> tuple[float, float]:
    await asyncio.sleep(WARM_UP)
    since = time.monotonic()
    await asyncio.sleep(seconds)
    until = time.monotonic()
    await asyncio.sleep(2.0)
    return since, until


def _figures(who: str, delays: list[float], seconds: float) -> Values:
    return {
        f"{who}: UNRELIABLE p99": (1000 * percentile(delays, 99), "ms"),
        f"{who}: came": (100 * len(delays) / (seconds * REALTIME_RATE), "%"),
    }
