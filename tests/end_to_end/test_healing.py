"""Calls heal when networks change, without a word from the application; on machines of the lab."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from peer.testing.network import Conditions
from tests.end_to_end.conftest import eventually
from tests.natlab.actors import Process
from tests.natlab.calls import Call, Engine, Party, call

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.needs("lab"),
]

LINE = Conditions(latency=0.02)
OUTAGE = 0.2
RESUME_TIMEOUT = 20.0
"""On a machine that does other things as well; how fast it really is, the benchmark says."""

PAIRS = pytest.mark.parametrize(
    "engines",
    [("python", "python"), pytest.param(("chromium", "python"), marks=pytest.mark.needs("chromium"))],
    ids=" and ".join,
)
Pair = tuple[Engine, Engine]


async def begin(talk: Call) -> None:
    """Numbered messages both ways, over a reliable and an unreliable channel."""
    await talk.open("numbers", "reliable")
    await talk.open("moves", "unreliable")
    await talk.send("numbers", rate=100)
    await talk.send("moves", rate=60)
    await goes_on(talk, time.monotonic())


async def goes_on(talk: Call, moment: float) -> None:
    """Messages that were sent after this moment come both ways, over both channels."""
    for label in ("numbers", "moves"):
        at = await talk.resumed_at(label, moment, RESUME_TIMEOUT)
        looks = [await party.do("look") for party in talk.parties]
        assert at - moment < RESUME_TIMEOUT, f"{label} have not come back; the peers: {looks}"


async def both_are_told(talk: Call, what: str, since: float) -> None:
    """Each application once."""

    async def told() -> bool:
        return await talk.told(what, since) >= 2

    await eventually(told, f"both are told {what}", RESUME_TIMEOUT)
    assert await talk.told(what, since) == 2


async def all_came_once_and_in_order(talk: Call) -> None:
    sent = await talk.stop("numbers")
    await talk.stop("moves")
    for arrived, count in zip(await talk.delivered("numbers", sent), sent, strict=True):
        assert (arrived.lost(count), arrived.doubled, arrived.reordered) == (0, 0, 0), f"of {count}"


async def has_no_more(party: Party, before: dict[str, int]) -> bool:
    after = await party.do("resources")
    return all(after[name] <= count for name, count in before.items())


@PAIRS
async def test_channels_and_voice_go_on_when_either_peer_gets_another_address(engines: Pair) -> None:
    async with call(engines, conditions=LINE) as talk:
        await talk.talk()
        await begin(talk)
        for number, party in enumerate((*talk.parties, talk.ana)):
            moment = time.monotonic()
            party.machine.lose_address()
            await asyncio.sleep(OUTAGE)
            party.machine.gain_address(f"10.{3 + number}.0.2")
            await goes_on(talk, moment)
            # What was under way when the address changed may still be heard.
            assert await talk.heard_at(moment + OUTAGE, RESUME_TIMEOUT) < moment + RESUME_TIMEOUT
        await all_came_once_and_in_order(talk)


@PAIRS
async def test_a_peer_moves_to_its_other_interface(engines: Pair) -> None:
    async with call(engines, conditions=LINE) as talk:
        await begin(talk)
        talk.ana.machine.add_interface("lte0", "10.8.0.2")
        moment = time.monotonic()
        talk.ana.machine.switch_to("lte0", outage=OUTAGE)
        await goes_on(talk, moment)
        await all_came_once_and_in_order(talk)


@PAIRS
async def test_a_partition_is_told_to_the_application_and_ends_without_it(engines: Pair) -> None:
    async with call(engines, conditions=LINE) as talk:
        await begin(talk)
        cut_at = time.monotonic()
        talk.lab.part(talk.ana.machine, talk.ben.machine)
        await both_are_told(talk, "PeerInterrupted", cut_at)
        talk.lab.join(talk.ana.machine, talk.ben.machine)
        await goes_on(talk, time.monotonic())
        assert await talk.connected(RESUME_TIMEOUT)
        assert await talk.told("PeerRestored", cut_at) == 2
        await all_came_once_and_in_order(talk)


async def test_a_loss_is_told_after_three_to_five_seconds() -> None:
    async with call(conditions=LINE) as talk:
        await begin(talk)
        cut_at = time.monotonic()
        talk.lab.part(talk.ana.machine, talk.ben.machine)
        await both_are_told(talk, "PeerInterrupted", cut_at)
        for party in talk.parties:
            (told_at,) = [at for at, name in await party.do("happened") if name == "PeerInterrupted"]
            assert 3.0 <= told_at - cut_at <= 5.0


async def test_a_round_trip_of_two_seconds_is_no_loss() -> None:
    async with call(conditions=Conditions(latency=1.0)) as talk:
        connected_at = time.monotonic()
        # Twice as long as a loss would take to be told.
        await asyncio.sleep(10.0)
        assert await talk.told("PeerInterrupted", connected_at) == 0
        assert await talk.connected(RESUME_TIMEOUT)


async def test_a_program_that_stands_still_for_three_seconds_is_no_loss() -> None:
    async with call(conditions=LINE) as talk:
        await begin(talk)
        stopped_at = time.monotonic()
        actor = talk.ben.actor
        assert isinstance(actor, Process)
        os.kill(actor.pid, signal.SIGSTOP)
        await asyncio.sleep(3.0)
        os.kill(actor.pid, signal.SIGCONT)
        await goes_on(talk, time.monotonic())
        assert await talk.told("PeerInterrupted", stopped_at) == 0
        await all_came_once_and_in_order(talk)


@PAIRS
@pytest.mark.parametrize("first", ["media", "signaling"])
async def test_signaling_and_media_are_cut_at_once_and_one_comes_back_before_the_other(
    engines: Pair, first: str
) -> None:
    async with call(engines, conditions=LINE) as talk:
        await begin(talk)
        ana, ben = talk.ana.machine, talk.ben.machine
        cut_at = time.monotonic()
        talk.lab.part(ana, ben)
        talk.lab.part(ana, talk.server)
        await both_are_told(talk, "PeerInterrupted", cut_at)
        if first == "media":
            talk.lab.join(ana, ben)
            await goes_on(talk, time.monotonic())
            talk.lab.join(ana, talk.server)
        else:
            talk.lab.join(ana, talk.server)
            await asyncio.sleep(3.0)
            talk.lab.join(ana, ben)
        await goes_on(talk, time.monotonic())
        await all_came_once_and_in_order(talk)


@PAIRS
@pytest.mark.needs("turnserver")
async def test_a_call_moves_to_the_other_turn_server_when_the_one_in_use_dies(engines: Pair) -> None:
    async with call(
        engines, conditions=LINE, turn_servers=2, before=lambda lab, ana, ben: lab.part(ana, ben)
    ) as talk:
        await begin(talk)
        before = [machine.bytes_received() for machine, _ in talk.turn]
        await asyncio.sleep(1.0)
        carried = [
            machine.bytes_received() - here for (machine, _), here in zip(talk.turn, before, strict=True)
        ]
        moment = time.monotonic()
        talk.turn[carried.index(max(carried))][1].kill()
        await goes_on(talk, moment)
        await all_came_once_and_in_order(talk)


async def test_a_line_that_comes_and_goes_leaves_nothing_behind() -> None:
    async with call(conditions=LINE) as talk:
        await begin(talk)
        before = [await party.do("resources") for party in talk.parties]
        for _ in range(4):
            talk.lab.cut(talk.ana.machine, 2.0)
            await asyncio.sleep(4.0)
        await goes_on(talk, time.monotonic())
        await all_came_once_and_in_order(talk)
        # The paths of before are closed within seconds.
        for party, resources in zip(talk.parties, before, strict=True):
            await eventually(
                lambda party=party, resources=resources: has_no_more(party, resources),
                "no more is held than before",
            )
