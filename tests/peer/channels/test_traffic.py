"""Several channels on one connection: who goes first, and what all together may keep."""

from __future__ import annotations

import pytest

from peer.channels.kinds import BULK, LATEST, RELIABLE
from peer.errors import Refused
from tests.peer.channels.lanes import MIB, START, Side, Two


async def test_who_waits_behind_a_lane_that_is_gone_goes_on() -> None:
    side = Side(you_offer=True)
    side.register.use(side.make_lane)
    chat, bulk = (side.register.open(kind.name, kind) for kind in (RELIABLE, BULK))
    for lane in side.made:
        lane.open()
    on_chat, on_bulk = side.made
    chat.send_now(bytes(10_000))
    bulk.send_now(b"x")
    assert not on_bulk.sent
    on_chat.closed()
    assert list(on_bulk.sent) == [START, b"\0x"]


async def test_bulk_yields_to_everything() -> None:
    side = Side(you_offer=True)
    side.register.use(side.make_lane)
    bulk, chat, moves = (side.register.open(kind.name, kind) for kind in (BULK, RELIABLE, LATEST))
    for lane in side.made:
        lane.open()
    on_bulk, on_chat, on_moves = side.made
    await bulk.send(bytes(MIB))
    await chat.send(bytes(10_000))
    await moves.send("left")
    assert [len(lane.sent) for lane in side.made] == [2, 0, 1], "START and a fragment, and the value"
    on_moves.taken()
    assert [len(lane.sent) for lane in side.made] == [2, 0, 0]
    on_bulk.sent.clear()
    on_bulk.tell("bufferedamountlow")
    assert [len(lane.sent) for lane in side.made] == [0, 2, 0]
    on_chat.taken()
    assert chat.statistics().waiting_messages == 0
    assert len(on_bulk.sent) == 1


async def test_what_is_unfinished_in_all_channels_together_is_bounded() -> None:
    two = Two()
    channels = [two.offerer.register.open(str(number), RELIABLE) for number in range(8)]
    two.exchange()
    for lane, _ in list(two.lanes):
        lane.tell("message", START)
        for _ in range(15):
            lane.tell("message", b"\x02" + bytes(MIB))
    closed = [channel for channel in channels if channel.state == "closed"]
    assert sum(channel.carrier.unfinished_bytes for channel in channels) <= 64 * MIB
    with pytest.raises(Refused) as refused:
        await anext(closed[0])
    assert refused.value.code == "too-large"
