"""Lines that are cut: partitions, flapping, signaling and media at once, a TURN server that dies."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.heal import figures
from benchmarks.lab_pairs import Pair, name_of, pairs
from benchmarks.report import Report
from peer.testing.network import Conditions
from tests.natlab.actors import ActorError
from tests.natlab.calls import Call, call

LINE = Conditions(latency=0.02)
WITHIN = 40.0
RELIABLE_RATE, REALTIME_RATE = 50.0, 60.0
FLAP = 3.0
BETWEEN_RETURNS = 8.0
Values = dict[str, tuple[float, str]]


def run(quick: bool) -> Report:
    values: Values = {}
    for engines in pairs():
        both = 5.0 if quick else 12.0
        values |= _measured(f"{name_of(engines)}, partition", _partition(engines, 12.0 if quick else 30.0))
        values |= _measured(f"{name_of(engines)}, all cut, media first", _both_cut(engines, "media", both))
        values |= _measured(
            f"{name_of(engines)}, all cut, signaling first", _both_cut(engines, "signaling", both)
        )
        values |= _measured(f"{name_of(engines)}, TURN server killed", _turn_dies(engines))
        values |= _measured(f"{name_of(engines)}, flapping", _flapping(engines, 24.0 if quick else 120.0))
    return Report("heal", figures("outages", values), {})


def _measured(what: str, work: Coroutine[Any, Any, Values]) -> Values:
    """A connection that ended for good is a result too, and no reason not to measure the others."""
    try:
        return asyncio.run(work)
    except ActorError as error:
        print(f"  {what} failed: {error}", file=sys.stderr)
        return {f"{what}: failed": (1.0, "")}


async def _partition(engines: Pair, seconds: float) -> Values:
    """The two do not reach each other; the server reaches both."""
    async with call(engines, conditions=LINE) as talk:
        await begin(talk)
        talk.lab.part(talk.ana.machine, talk.ben.machine)
        await asyncio.sleep(seconds)
        talk.lab.join(talk.ana.machine, talk.ben.machine)
        return await _resumed(talk, f"{name_of(engines)}, partition of {seconds:.0f} s", time.monotonic())


async def _both_cut(engines: Pair, first_back: str, seconds: float) -> Values:
    """Ana is cut off from everybody; then one of the two comes back, and 8 s later the other."""
    async with call(engines, conditions=LINE) as talk:
        await begin(talk)
        ana, ben = talk.ana.machine, talk.ben.machine
        talk.lab.part(ana, ben)
        talk.lab.part(ana, talk.server)
        await asyncio.sleep(seconds)
        steps: dict[str, Callable[[], None]] = {
            "media": lambda: talk.lab.join(ana, ben),
            "signaling": lambda: talk.lab.join(ana, talk.server),
        }
        steps.pop(first_back)()
        what = f"{name_of(engines)}, all cut, {first_back} back first"
        if first_back == "media":
            found = {f"{what}: resumes after": (await _resumes_after(talk, time.monotonic()), "s")}
            steps["signaling"]()
            await asyncio.sleep(BETWEEN_RETURNS)
            # What the return of signaling sets off must not disturb what works.
            quiet = await _resumes_after(talk, time.monotonic())
            found[f"{what}: next message after the return of the other"] = (quiet, "s")
            return found | await _faults(talk, what)
        await asyncio.sleep(BETWEEN_RETURNS)
        steps["media"]()
        return await _resumed(talk, what, time.monotonic())


async def _turn_dies(engines: Pair) -> Values:
    """The two reach each other through one of two TURN servers only, and that one is killed."""
    what = f"{name_of(engines)}, TURN server killed"
    async with call(
        engines, conditions=LINE, turn_servers=2, before=lambda lab, ana, ben: lab.part(ana, ben)
    ) as talk:
        await begin(talk)
        for number in range(2):
            before = [machine.bytes_received() for machine, _ in talk.turn]
            await asyncio.sleep(1.0)
            after = [machine.bytes_received() for machine, _ in talk.turn]
            carried = [there - here for here, there in zip(before, after, strict=True)]
            if number == 0:
                used = carried.index(max(carried))
                talk.turn[used][1].kill()
                killed_at = time.monotonic()
                for label in ("numbers", "moves"):
                    await talk.resumed_at(label, killed_at, WITHIN)
        found = await _resumed(talk, what, killed_at)
        return found | {f"{what}: carried by the other one": (carried[1 - used] / 1024, "KiB/s")}


async def _flapping(engines: Pair, seconds: float) -> Values:
    """Ana's line comes and goes every 3 s."""
    what = f"{name_of(engines)}, flapping for {seconds:.0f} s"
    async with call(engines, conditions=LINE) as talk:
        await begin(talk)
        pythons = [party for party in talk.parties if party.engine == "python"]
        before = [await party.do("resources") for party in pythons]
        until = time.monotonic() + seconds
        down = 0
        while time.monotonic() < until:
            talk.lab.cut(talk.ana.machine, FLAP)
            back_at = time.monotonic() + FLAP
            await asyncio.sleep(2 * FLAP)
            down += await talk.told("PeerInterrupted", back_at - FLAP)
        found = await _resumed(talk, what, back_at)
        found[f"{what}: applications told of interruptions"] = (float(down), "times")
        # What belonged to the paths of before is given back within seconds.
        await asyncio.sleep(5.0)
        after = [await party.do("resources") for party in pythons]
        for left in ("tasks", "files", "threads"):
            more = sum(there[left] - here[left] for here, there in zip(before, after, strict=True))
            found[f"{what}: {left} left"] = (float(more), "")
        return found


async def begin(talk: Call) -> None:
    await talk.open("numbers", "reliable")
    await talk.open("moves", "unreliable")
    await talk.send("numbers", rate=RELIABLE_RATE)
    await talk.send("moves", rate=REALTIME_RATE)
    started = time.monotonic()
    for label in ("numbers", "moves"):
        await talk.resumed_at(label, started, WITHIN)


async def _resumed(talk: Call, what: str, moment: float) -> Values:
    """How long after this moment messages came both ways, and what became of all of them."""
    after = await _resumes_after(talk, moment)
    return {f"{what}: resumes after": (after, "s")} | await _faults(talk, what)


async def _resumes_after(talk: Call, moment: float) -> float:
    times = {label: await talk.resumed_at(label, moment, WITHIN) for label in ("numbers", "moves")}
    print(
        f"  resumed after { ({label: round(at - moment, 2) for label, at in times.items()}) }",
        file=sys.stderr,
    )
    return max(times.values()) - moment


async def _faults(talk: Call, what: str) -> Values:
    """The end of the sending: what was lost, doubled or reordered of the RELIABLE messages."""
    sent = await talk.stop("numbers")
    await talk.stop("moves")
    arrived = await talk.delivered("numbers", sent)
    wrong = sum(
        each.lost(count) + each.doubled + each.reordered for each, count in zip(arrived, sent, strict=True)
    )
    return {f"{what}: lost, doubled or reordered": (float(wrong), f"of {sum(sent)}")}


def _name(engines: Pair) -> str:
    return name_of(engines)
