from __future__ import annotations

import asyncio

import pytest

from peer.channels.channel import Channel
from peer.channels.kinds import LATEST, RELIABLE, UNRELIABLE
from peer.testing.network import HOME_WIFI, LTE, TRAIN, BadNetwork, Conditions
from peer.testing.simulated import SimulatedPeer, simulated_pair
from peer.testing.time import run


async def other_end(peer: SimulatedPeer) -> Channel:
    return await anext(peer.channels())


def test_channels_of_each_kind_work_over_a_perfect_network() -> None:
    async def main() -> None:
        async with simulated_pair() as (ben, ada):
            for kind in (RELIABLE, UNRELIABLE, LATEST):
                mine = await ben.open(kind.name, kind)
                await mine.send(b"hello")
                theirs = await other_end(ada)
                assert await anext(theirs) == b"hello"
                await theirs.send("and back")
                assert await anext(mine) == "and back"

    run(main())


@pytest.mark.parametrize("conditions", [HOME_WIFI, LTE, TRAIN])
def test_reliable_messages_all_arrive_in_order_over_bad_networks(conditions: Conditions) -> None:
    async def main() -> list[str | bytes]:
        async with simulated_pair(BadNetwork(conditions, seed=5)) as (ben, ada):
            mine = await ben.open("numbers", RELIABLE)
            sending = asyncio.create_task(send_all(mine))
            theirs = await other_end(ada)
            received = [await anext(theirs) for _ in range(500)]
            await sending
            return received

    async def send_all(channel: Channel) -> None:
        for number in range(500):
            await channel.send(str(number))
            await asyncio.sleep(0.01)

    assert run(main()) == [str(number) for number in range(500)]


def test_unreliable_messages_get_lost_and_the_same_ones_each_time() -> None:
    async def main() -> list[str | bytes]:
        async with simulated_pair(BadNetwork(Conditions(latency=0.04, loss=0.1), seed=1)) as (ben, ada):
            mine = await ben.open("moves", UNRELIABLE)
            received: list[str | bytes] = []
            await mine.wait_open()
            (await other_end(ada)).on_message(received.append)
            for number in range(200):
                mine.send_now(str(number))
                await asyncio.sleep(1 / 60)
            await asyncio.sleep(1)
            return received

    first = run(main())
    assert 150 < len(first) < 200
    assert first == run(main())


def test_an_outage_delays_what_is_reliable_and_loses_none_of_it() -> None:
    async def main() -> float:
        network = BadNetwork(Conditions(latency=0.02))
        async with simulated_pair(network) as (ben, ada):
            mine = await ben.open("chat", RELIABLE)
            await mine.send("before")
            theirs = await other_end(ada)
            assert await anext(theirs) == "before"
            loop = asyncio.get_running_loop()
            started = loop.time()
            await mine.send("under way")
            await asyncio.sleep(0.01)
            network.blackhole("ben", started, duration=5.0)
            await mine.send("after")
            assert await anext(theirs) == "under way"
            assert await anext(theirs) == "after"
            return loop.time() - started

    assert 5.0 <= run(main()) < 6.0


def test_an_hour_of_play_takes_seconds() -> None:
    async def main() -> int:
        async with simulated_pair(BadNetwork(HOME_WIFI)) as (ben, ada):
            mine = await ben.open("positions", LATEST)
            await mine.wait_open()
            received: list[str | bytes] = []
            (await other_end(ada)).on_message(received.append)
            for number in range(3600):
                await mine.send(str(number))
                await asyncio.sleep(1.0)
            return len(received)

    assert run(main()) > 3500
