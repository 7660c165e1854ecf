"""A peer's address changes in a call: how long until channels and voice go on, and what is lost.

Machines, addresses and lines of 20 ms are those of ``tests.natlab``. Ana and Ben move in turns, in four ways:
to a new address at once; after 0.2 s without any; at once, but for 0.2 s nothing comes through; to another
interface. Channels have resumed when messages that were sent after the old address was gone have come both
ways, over RELIABLE and UNRELIABLE.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import sys
import time

from benchmarks.bare_calls import bare_call
from benchmarks.heal import figures
from benchmarks.lab_pairs import Pair, name_of, pairs
from benchmarks.report import Report, median, percentile
from peer.testing.network import Conditions
from tests.natlab.calls import Call, Party, call

LINE = Conditions(latency=0.02)
OUTAGE = 0.2
REST = (1.5, 2.5)
"""Between two changes, so that they fall anywhere between two ticks of whatever ticks."""
WITHIN = 30.0
RELIABLE_RATE, REALTIME_RATE = 100.0, 60.0
LEAST_MESSAGES = 2000


def run(quick: bool) -> Report:
    values: dict[str, tuple[float, str]] = {}
    for engines in pairs():
        values |= asyncio.run(_changes(engines, 8 if quick else 40))
    values |= asyncio.run(_bare(10.0 if quick else 40.0))
    return Report("heal", figures("paths", values), {})


async def _changes(engines: Pair, count: int) -> dict[str, tuple[float, str]]:
    name = name_of(engines)
    channels: dict[str, list[float]] = {engine: [] for engine in engines}
    voices: dict[str, list[float]] = {engine: [] for engine in engines}
    async with call(engines, conditions=LINE) as talk:
        await _begin(talk)
        for number in range(count):
            mover = talk.parties[number % 2]
            moment = await _move(mover, number // 2)
            resumed = [await talk.resumed_at(label, moment, WITHIN) for label in ("numbers", "moves")]
            channels[mover.engine].append(max(resumed) - moment)
            # What was under way when the address changed may still be heard.
            voices[mover.engine].append(await talk.heard_at(moment + OUTAGE, WITHIN) - moment)
            print(
                f"  {mover.engine} {mover.machine.name}, way {number // 2 % 4}:"
                f" {[round(at - moment, 2) for at in resumed]}",
                file=sys.stderr,
            )
            if math.inf in resumed:
                break
            await asyncio.sleep(random.uniform(*REST))
        faults = await _end(talk)
    found: dict[str, tuple[float, str]] = {}
    for engine, times in channels.items():
        who = f"{name}, {engine} moves"
        found |= {
            f"{who}: channels resume p50": (median(times), "s"),
            f"{who}: channels resume p99": (percentile(times, 99), "s"),
            f"{who}: voice resumes p50": (median(voices[engine]), "s"),
            f"{who}: changes": (float(len(times)), ""),
        }
    return found | {f"{name}: {fault}": value for fault, value in faults.items()}


async def _begin(talk: Call) -> None:
    await talk.open("numbers", "reliable")
    await talk.open("moves", "unreliable")
    await talk.talk()
    await talk.send("numbers", rate=RELIABLE_RATE)
    await talk.send("moves", rate=REALTIME_RATE)
    started = time.monotonic()
    for label in ("numbers", "moves"):
        await talk.resumed_at(label, started, WITHIN)
    await talk.heard_at(started, WITHIN)


async def _end(talk: Call) -> dict[str, tuple[float, str]]:
    """What became of the RELIABLE messages."""
    count = await talk.ana.do("count", label="numbers")
    await asyncio.sleep(max(0.0, (LEAST_MESSAGES - count) / RELIABLE_RATE))
    sent = await talk.stop("numbers")
    await talk.stop("moves")
    arrived = await talk.delivered("numbers", sent)
    return {
        "RELIABLE messages": (float(sum(sent)), ""),
        "lost": (float(sum(each.lost(count) for each, count in zip(arrived, sent, strict=True))), ""),
        "doubled": (float(sum(each.doubled for each in arrived)), ""),
        "reordered": (float(sum(each.reordered for each in arrived)), ""),
    }


_fresh = itertools.count(3)


async def _move(party: Party, number: int) -> float:
    """When the old address was gone."""
    address = f"10.{next(_fresh)}.0.2"
    way = number % 4
    if way == 3:
        device = f"lte{number}"
        party.machine.add_interface(device, address)
        # It has been there for a while, as a telephone's second one.
        await asyncio.sleep(1.0)
        party.machine.switch_to(device)
        return time.monotonic()
    if way == 2:
        party.machine.cut(OUTAGE)
    party.machine.lose_address()
    moment = time.monotonic()
    if way == 1:
        await asyncio.sleep(OUTAGE)
    party.machine.gain_address(address)
    return moment


async def _bare(within: float) -> dict[str, tuple[float, str]]:
    """Bare aiortc has no way to tell the other side, and its application has nothing to call."""
    async with bare_call(LINE) as talk:
        for actor in talk.actors:
            await actor.do("send", label="numbers", rate=RELIABLE_RATE, size=64)
        await asyncio.sleep(2.0)
        moment = time.monotonic()
        talk.machines[0].change_address("10.3.0.2")
        await asyncio.sleep(within)
        times = [await actor.do("resumed_at", label="numbers", moment=moment) for actor in talk.actors]
    resumed = [time - moment for time in times if time is not None]
    return {
        "bare aiortc: directions that resume": (float(len(resumed)), f"of 2, within {within:.0f} s"),
    }
