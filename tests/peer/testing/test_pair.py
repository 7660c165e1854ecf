from __future__ import annotations

import asyncio

from peer.channels.kinds import RELIABLE
from peer.testing.pair import pair, pair_with_signaling


async def test_two_peers_in_one_program_talk_over_a_channel() -> None:
    async with asyncio.timeout(20), pair() as (ben, ada):
        assert (ben.name, ada.name) == ("ben", "ada")
        mine = await ben.open("chat", RELIABLE)
        await mine.send("hello")
        theirs = await anext(ada.channels())
        assert await anext(theirs) == "hello"
        assert ben.state == ada.state == "connected"
        assert ben.statistics().route == "direct"
        assert ben.statistics().sent_bytes > 0
        assert ben.diagnosis is None


async def test_a_connection_outlives_its_signaling() -> None:
    async with asyncio.timeout(20), pair_with_signaling() as (ben, ada, signaling):
        await ben.wait_connected()
        await ada.wait_connected()
        signaling.cut()
        mine = await ben.open("chat", RELIABLE)
        await mine.send("still here")
        assert await anext(await anext(ada.channels())) == "still here"
        assert ben.away
        signaling.mend()
        assert not ben.away


async def test_what_is_said_before_the_signaling_works_is_not_lost() -> None:
    async with asyncio.timeout(20), pair_with_signaling() as (ben, ada, signaling):
        signaling.cut()
        await asyncio.sleep(0)
        assert ben.state == "connecting"
        signaling.mend()
        await ben.wait_connected()
        await ada.wait_connected()
