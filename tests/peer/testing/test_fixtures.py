from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

GAME = """
import asyncio
from peer.channels.kinds import LATEST
from peer.testing.network import TRAIN
from peer.testing.simulated import simulated_pair

def test_a_game(in_virtual_time, bad_network, manual_clock):
    bad_network.set(TRAIN)
    assert manual_clock.advance(1.0) == 1.0

    async def play():
        async with simulated_pair(bad_network) as (ben, ada):
            moves = await ben.open("moves", LATEST)
            await moves.send(b"left")
            return await anext(await anext(ada.channels()))

    assert in_virtual_time(play()) == b"left"
"""


def test_a_game_can_use_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["peer.testing.fixtures"]')
    pytester.makepyfile(GAME)
    pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"
    ).assert_outcomes(passed=1)
