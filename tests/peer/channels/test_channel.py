"""One channel on a data channel that is only pretended; real ones are in test_connection."""

from __future__ import annotations

import asyncio
import logging

import pytest

from peer.channels.channel import HIGH_WATER_BYTES, LATEST_WATER_BYTES, Channel, Outcome
from peer.channels.inbox import MAX_UNREAD_MESSAGES
from peer.channels.kinds import LATEST, RELIABLE, UNRELIABLE, Kind
from peer.errors import Closed, Full, Refused
from tests.peer.channels.lanes import FakeLane


def opened(kind: Kind) -> tuple[Channel, FakeLane, list[Channel]]:
    """A channel, what it runs on, and the goodbyes it has said."""
    closing: list[Channel] = []
    channel, lane = Channel("label", kind, closing.append), FakeLane()
    channel.attach(lane)
    lane.open()
    return channel, lane, closing


async def some_steps() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_channel_opens_with_what_is_under_it() -> None:
    channel, lane = Channel("label", RELIABLE, lambda _: None), FakeLane()
    waiting = asyncio.create_task(channel.wait_open())
    channel.attach(lane)
    await some_steps()
    assert not waiting.done()
    lane.open()
    await waiting
    assert channel.state == "open"


async def test_send_waits_until_there_is_room() -> None:
    channel, lane, _ = opened(RELIABLE)
    sending = asyncio.create_task(channel.send(bytes(2 * HIGH_WATER_BYTES)))
    await some_steps()
    assert not sending.done()
    assert HIGH_WATER_BYTES < lane.bufferedAmount < HIGH_WATER_BYTES + 20_000
    lane.taken()
    await some_steps()
    lane.taken()
    await sending
    assert channel.statistics().sent == 1


async def test_messages_of_two_senders_do_not_mix() -> None:
    channel, lane, _ = opened(RELIABLE)
    one = asyncio.create_task(channel.send(b"a" * 2 * HIGH_WATER_BYTES))
    two = asyncio.create_task(channel.send(b"b" * 40_000))
    taken: list[bytes] = []
    while not (one.done() and two.done()):
        await some_steps()
        taken += lane.taken()
    letters = b"".join(part[1:] for part in taken)
    assert letters == b"a" * 2 * HIGH_WATER_BYTES + b"b" * 40_000


async def test_a_cancelled_message_is_sent_whole_or_not_at_all() -> None:
    channel, lane, _ = opened(RELIABLE)
    begun = asyncio.create_task(channel.send(b"a" * 2 * HIGH_WATER_BYTES))
    not_begun = asyncio.create_task(channel.send(b"b"))
    await some_steps()
    begun.cancel()
    not_begun.cancel()
    await some_steps()
    taken = lane.taken()
    assert b"".join(part[1:] for part in taken) == b"a" * 2 * HIGH_WATER_BYTES
    assert [part[0] for part in taken[-2:]] == [0b10, 0b00]


async def test_a_message_starts_again_on_a_new_connection() -> None:
    channel, lane, _ = opened(RELIABLE)
    sending = asyncio.create_task(channel.send(b"a" * 2 * HIGH_WATER_BYTES))
    await some_steps()
    lane.close()
    assert channel.state == "opening"
    newer = FakeLane()
    channel.attach(newer)
    newer.open()
    taken: list[bytes] = []
    while not sending.done():
        await some_steps()
        taken += newer.taken()
    assert b"".join(part[1:] for part in taken) == b"a" * 2 * HIGH_WATER_BYTES


async def test_send_now_never_waits() -> None:
    channel, lane, _ = opened(RELIABLE)
    assert channel.send_now("x") is Outcome.SENT
    channel.send_now(bytes(HIGH_WATER_BYTES - 2))
    with pytest.raises(Full, match="send\\(\\)"):
        channel.send_now("xx")
    lane.taken()
    channel.send_now("xx")
    channel.detach()
    with pytest.raises(Full):
        channel.send_now("no connection")


async def test_send_now_does_not_overtake_a_message_that_waits() -> None:
    channel, lane, _ = opened(RELIABLE)
    sending = asyncio.create_task(channel.send(bytes(2 * HIGH_WATER_BYTES)))
    await some_steps()
    lane.sent.clear()
    with pytest.raises(Full):
        channel.send_now("me first")
    lane.taken()
    await sending


async def test_a_latest_value_that_waits_is_replaced() -> None:
    channel, lane, _ = opened(LATEST)
    outcomes = [channel.send_now(bytes(1000)) for _ in range(20)]
    assert outcomes[0] is Outcome.SENT
    assert outcomes[-1] is Outcome.REPLACED
    assert lane.bufferedAmount <= LATEST_WATER_BYTES + 1003
    channel.send_now("newest")
    before = lane.taken()
    assert lane.taken()[0][3:] == b"newest"
    counts = channel.statistics()
    assert (counts.sent, counts.replaced) == (len(before) + 1, 21 - len(before) - 1)


async def test_a_latest_value_waits_for_the_channel_to_open() -> None:
    channel, lane = Channel("label", LATEST, lambda _: None), FakeLane()
    await channel.send("old")
    await channel.send("new")
    channel.attach(lane)
    lane.open()
    assert [sent[3:] for sent in lane.sent] == [b"new"]


async def test_what_is_too_long_for_a_kind_is_the_callers_mistake() -> None:
    channel, _, _ = opened(UNRELIABLE)
    with pytest.raises(ValueError, match="1,100"):
        await channel.send(bytes(1101))
    with pytest.raises(ValueError, match="1,100"):
        channel.send_now(bytes(1101))


async def test_messages_are_read_from_the_first_on() -> None:
    channel, lane, _ = opened(RELIABLE)
    lane.tell("message", b"\x01one")
    lane.tell("message", b"\x01two")
    heard: list[str | bytes] = []
    channel.on_message(heard.append)
    lane.tell("message", b"\x01three")
    assert heard == ["one", "two", "three"]


async def test_what_is_not_a_message_is_counted() -> None:
    channel, lane, _ = opened(RELIABLE)
    for data in ("text", b"", b"\xff", b"\x01\xff"):
        lane.tell("message", data)
    assert channel.statistics().dropped == 4


async def test_a_handler_that_raises_is_logged_and_the_next_one_is_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel, lane, _ = opened(RELIABLE)
    heard: list[str | bytes] = []

    @channel.on_message
    def fail(message: str | bytes) -> None:
        raise RuntimeError("the application's own mistake")

    channel.on_message(heard.append)
    with caplog.at_level(logging.ERROR):
        lane.tell("message", b"\x01one")
    assert heard == ["one"]
    assert "label" in caplog.text


async def test_a_handler_that_could_wait_is_refused() -> None:
    channel, _, _ = opened(RELIABLE)

    async def handle(message: str | bytes) -> None: ...

    with pytest.raises(TypeError, match="async for"):
        channel.on_message(handle)


async def test_a_reliable_channel_that_nobody_reads_ends_and_says_why() -> None:
    channel, lane, closing = opened(RELIABLE)
    for _ in range(MAX_UNREAD_MESSAGES + 1):
        lane.tell("message", b"\x01x")
    assert channel.state == "closed"
    assert closing == [channel]
    for _ in range(MAX_UNREAD_MESSAGES):
        await anext(channel)
    with pytest.raises(Full, match="nobody reads"):
        await anext(channel)


async def test_a_message_without_end_closes_the_channel() -> None:
    channel, lane, closing = opened(RELIABLE)
    for _ in range(17):
        lane.tell("message", b"\x02" + bytes(1024 * 1024))
    assert closing == [channel]
    with pytest.raises(Refused) as refused:
        await channel.send("x")
    assert refused.value.code == "too-large"


async def test_reading_ends_when_the_channel_is_closed() -> None:
    channel, lane, closing = opened(RELIABLE)
    lane.tell("message", b"\x01last")
    channel.close()
    channel.close()
    assert [message async for message in channel] == ["last"]
    assert closing == [channel]
    assert lane.readyState == "closed"
    with pytest.raises(Closed):
        await channel.send("x")
    with pytest.raises(Closed):
        channel.send_now("x")
    with pytest.raises(Closed):
        await channel.wait_open()


async def test_who_waits_for_a_channel_that_ends_hears_why() -> None:
    channel = Channel("label", RELIABLE, lambda _: None)
    waiting = [asyncio.create_task(channel.wait_open()), asyncio.create_task(channel.send("x"))]
    await some_steps()
    channel.fail(Refused("other-kind"))
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [Refused, Refused]


async def test_a_late_data_channel_of_a_closed_channel_is_closed() -> None:
    channel, lane = Channel("label", RELIABLE, lambda _: None), FakeLane()
    channel.close()
    channel.attach(lane)
    assert lane.readyState == "closed"


async def test_what_an_older_data_channel_says_is_not_heard() -> None:
    channel, lane, _ = opened(RELIABLE)
    newer = FakeLane()
    channel.attach(newer)
    lane.tell("message", b"\x01late")
    lane.close()
    newer.open()
    newer.tell("message", b"\x01now")
    assert await anext(channel) == "now"
    assert channel.state == "open"
