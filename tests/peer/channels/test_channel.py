"""One channel on a data channel that is only pretended; real ones are in test_connection."""

from __future__ import annotations

import asyncio
import logging

import pytest

from peer.channels.channel import Channel, Outcome
from peer.channels.inbox import MAX_UNREAD_MESSAGES
from peer.channels.kinds import BULK, LATEST, RELIABLE, UNRELIABLE, Kind
from peer.errors import Closed, Full, Lost, Refused
from peer.wire import Ack, Close
from tests.peer.channels.lanes import MIB, START, FakeLane, Side, Two


def opened(kind: Kind) -> tuple[Channel, FakeLane, Side]:
    """A channel of the offerer, and what it runs on."""
    side = Side(you_offer=True)
    side.register.use(side.make_lane)
    channel = side.register.open("label", kind)
    (lane,) = side.made
    lane.open()
    return channel, lane, side


def begun(kind: Kind) -> tuple[Channel, FakeLane, Side]:
    """As above, and the other side has begun to send."""
    channel, lane, side = opened(kind)
    if kind.ordered:
        lane.tell("message", START)
    return channel, lane, side


def pair_of(kind: Kind) -> tuple[Two, Channel, Channel]:
    """The two ends of one channel."""
    two = Two()
    mine = two.offerer.register.open("label", kind)
    two.exchange()
    (theirs,) = two.answerer.opened
    return two, mine, theirs


def content(framed: list[bytes]) -> bytes:
    """What fragments carry, START left out."""
    return b"".join(part[1:] for part in framed if part[0] != 4)


async def some_steps() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_channel_opens_with_what_is_under_it() -> None:
    side = Side(you_offer=True)
    side.register.use(side.make_lane)
    channel = side.register.open("label", RELIABLE)
    waiting = asyncio.create_task(channel.wait_open())
    await some_steps()
    assert not waiting.done()
    side.made[0].open()
    await waiting
    assert channel.state == "open"


@pytest.mark.parametrize(("kind", "kept_bytes"), [(RELIABLE, MIB), (BULK, 4 * MIB)], ids=repr)
async def test_send_waits_while_too_much_is_unacknowledged(kind: Kind, kept_bytes: int) -> None:
    two, mine, theirs = pair_of(kind)
    for _ in range(kept_bytes // (MIB // 4) - 1):
        await mine.send(bytes(MIB // 4))
    sending = asyncio.create_task(mine.send(bytes(MIB // 4)))
    await some_steps()
    assert not sending.done()
    assert mine.statistics().waiting_bytes > kept_bytes - MIB // 2
    while not sending.done():
        two.exchange()
        await some_steps()
    while theirs.statistics().received < kept_bytes // (MIB // 4):
        two.exchange()
        await some_steps()
    assert mine.statistics().sent == theirs.statistics().received == kept_bytes // (MIB // 4)


async def test_a_long_message_is_taken_when_nothing_else_is_kept() -> None:
    channel, lane, _ = opened(RELIABLE)
    await channel.send(bytes(16 * MIB))
    with pytest.raises(Full):
        channel.send_now("")
    assert len(content(lane.taken())) == 16 * MIB


async def test_who_came_first_sends_first() -> None:
    two, mine, theirs = pair_of(RELIABLE)
    heard: list[str | bytes] = []
    theirs.on_message(heard.append)
    tasks = [asyncio.create_task(mine.send(letter * (MIB // 2))) for letter in (b"a", b"b", b"c")]
    await some_steps()
    with pytest.raises(Full):
        mine.send_now("me first")
    while not all(task.done() for task in tasks):
        two.exchange()
        await some_steps()
    two.exchange()
    assert [message[:1] for message in heard] == [b"a", b"b", b"c"]


async def test_a_cancelled_message_is_sent_whole_or_not_at_all() -> None:
    channel, lane, _ = opened(RELIABLE)
    await channel.send(b"a" * 2 * MIB)
    waiting = asyncio.create_task(channel.send(b"b"))
    await some_steps()
    waiting.cancel()
    await some_steps()
    assert content(lane.taken()) == b"a" * 2 * MIB


async def test_a_message_that_was_cut_starts_again_from_its_first_part() -> None:
    two, mine, theirs = pair_of(RELIABLE)
    await mine.send(b"a" * 5_000)
    for _ in range(4):
        two.step()
    assert 0 < theirs.carrier.unfinished_bytes < 5_000
    two.cut()
    assert (mine.state, theirs.state, theirs.carrier.unfinished_bytes) == ("opening", "opening", 0)
    two.connect()
    two.exchange()
    assert await anext(theirs) == b"a" * 5_000
    assert (mine.statistics().sent, mine.statistics().resent, theirs.statistics().received) == (1, 0, 1)


async def test_what_arrived_before_the_cut_is_not_delivered_again() -> None:
    two, mine, theirs = pair_of(RELIABLE)
    await mine.send("arrives")
    two.exchange()
    await mine.send("is lost")
    two.cut()
    await mine.send("was sent without a connection")
    two.connect()
    two.exchange()
    assert [await anext(theirs) for _ in range(3)] == ["arrives", "is lost", "was sent without a connection"]
    assert mine.statistics().resent >= 1
    assert theirs.statistics().received == 3


async def test_what_has_arrived_is_acknowledged_after_16_kib_and_otherwise_a_little_later() -> None:
    channel, lane, side = begun(RELIABLE)
    for _ in range(15):
        lane.tell("message", bytes(1_160))
    (said,) = side.said
    assert said == Ack({channel.carrier.id: (15, 15 * 1_160 + 7, 0)})
    side.said.clear()
    lane.tell("message", b"\x01x")
    assert not side.said
    await side.has_said()
    (late,) = side.said
    assert isinstance(late, Ack)
    *counts, held = late.received[channel.carrier.id]
    assert counts == [16, 15 * 1_160 + 9]
    assert held >= 90, "milliseconds that it has waited"


async def test_send_now_never_waits() -> None:
    channel, lane, side = opened(RELIABLE)
    assert channel.send_now("x") is Outcome.SENT
    channel.send_now(bytes(MIB - 2 * 64 - 2))
    with pytest.raises(Full, match="send\\(\\)"):
        channel.send_now("xx")
    sent = sum(map(len, lane.taken()))
    side.register.receive(Ack({channel.carrier.id: [2, sent, 0]}))
    channel.send_now("xx")
    side.register.detach()
    assert channel.send_now("without a connection") is Outcome.SENT


async def test_before_it_has_opened_nothing_but_a_value_can_be_sent_at_once() -> None:
    side = Side(you_offer=True)
    for kind in (RELIABLE, BULK, UNRELIABLE):
        with pytest.raises(Full):
            side.register.open(kind.name, kind).send_now("x")
    assert side.register.open("latest", LATEST).send_now("x") is Outcome.SENT


async def test_what_is_unreliable_is_dropped_and_counted_without_a_connection() -> None:
    channel, lane, side = opened(UNRELIABLE)
    await channel.send("here")
    side.register.detach()
    await channel.send("nowhere")
    assert channel.send_now("nowhere") is Outcome.DROPPED
    assert lane.taken() == [b"\x01here"]
    assert (channel.statistics().sent, channel.statistics().dropped) == (1, 2)


async def test_what_is_unreliable_never_waits_for_long() -> None:
    channel, lane, _ = opened(UNRELIABLE)
    for number in range(200):
        await channel.send(number.to_bytes(2) + bytes(1_000))
    assert lane.bufferedAmount < 6_000
    counts = channel.statistics()
    assert (counts.waiting_messages, counts.sent + counts.stale) == (64, 136)
    taken = lane.taken()
    assert int.from_bytes(taken[-1][1:3]) == 199


async def test_a_latest_value_that_waits_is_replaced() -> None:
    channel, lane, _ = opened(LATEST)
    outcomes = [channel.send_now(bytes(1000)) for _ in range(20)]
    assert outcomes[0] is Outcome.SENT
    assert outcomes[-1] is Outcome.REPLACED
    assert lane.bufferedAmount <= 4096 + 1003
    channel.send_now("newest")
    taken = lane.taken()
    assert taken[-1][3:] == b"newest"
    counts = channel.statistics()
    assert (counts.sent, counts.replaced) == (len(taken), 21 - len(taken))


async def test_a_latest_value_waits_for_the_channel_to_open() -> None:
    side = Side(you_offer=True)
    channel = side.register.open("label", LATEST)
    await channel.send("old")
    await channel.send("new")
    side.register.use(side.make_lane)
    side.made[0].open()
    assert [sent[3:] for sent in side.made[0].sent] == [b"new"]


async def test_bulk_waits_for_acknowledgements() -> None:
    channel, lane, side = opened(BULK)
    await channel.send(bytes(MIB))
    handed_over = sum(map(len, lane.taken()))
    while handed_over < 16 * 1024:
        await lane.has_sent()
        handed_over += sum(map(len, lane.taken()))
    assert handed_over < 18 * 1024
    await some_steps()
    assert not lane.sent
    side.register.receive(Ack({channel.carrier.id: [0, handed_over, 0]}))
    assert lane.sent


async def test_what_is_too_long_for_a_kind_is_the_callers_mistake() -> None:
    channel, _, _ = opened(UNRELIABLE)
    with pytest.raises(ValueError, match="1,100"):
        await channel.send(bytes(1101))
    with pytest.raises(ValueError, match="1,100"):
        channel.send_now(bytes(1101))


async def test_messages_are_read_from_the_first_on() -> None:
    channel, lane, _ = begun(RELIABLE)
    lane.tell("message", b"\x01one")
    lane.tell("message", b"\x01two")
    heard: list[str | bytes] = []
    channel.on_message(heard.append)
    lane.tell("message", b"\x01three")
    assert heard == ["one", "two", "three"]


async def test_what_is_not_a_message_is_counted() -> None:
    channel, lane, _ = begun(RELIABLE)
    for data in ("text", b"", b"\xf8", b"\x01\xff"):
        lane.tell("message", data)
    assert channel.statistics().dropped == 4


async def test_a_handler_that_raises_is_logged_and_the_next_one_is_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel, lane, _ = begun(RELIABLE)
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
    channel, lane, side = begun(RELIABLE)
    for _ in range(MAX_UNREAD_MESSAGES + 1):
        lane.tell("message", b"\x01x")
    assert channel.state == "closed"
    assert side.words() == [Close("label", channel.carrier.id)]
    for _ in range(MAX_UNREAD_MESSAGES):
        await anext(channel)
    with pytest.raises(Full, match="nobody reads"):
        await anext(channel)


async def test_a_message_without_end_closes_the_channel() -> None:
    channel, lane, side = begun(RELIABLE)
    for _ in range(17):
        lane.tell("message", b"\x02" + bytes(1024 * 1024))
    assert side.words() == [Close("label", channel.carrier.id)]
    with pytest.raises(Refused) as refused:
        await channel.send("x")
    assert refused.value.code == "too-large"


async def test_reading_ends_when_the_channel_is_closed() -> None:
    channel, lane, side = begun(RELIABLE)
    lane.tell("message", b"\x01last")
    channel.close()
    channel.close()
    assert [message async for message in channel] == ["last"]
    assert side.words() == [Close("label", channel.carrier.id)]
    assert lane.readyState == "closed"
    with pytest.raises(Closed):
        await channel.send("x")
    with pytest.raises(Closed):
        channel.send_now("x")
    with pytest.raises(Closed):
        await channel.wait_open()


async def test_who_waits_for_a_channel_that_ends_hears_why() -> None:
    side = Side(you_offer=True)
    channel = side.register.open("label", RELIABLE)
    waiting = [asyncio.create_task(channel.wait_open()), asyncio.create_task(channel.send("x"))]
    await some_steps()
    side.register.close(Refused("other-kind"))
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [Refused, Refused]


async def test_what_an_older_data_channel_says_is_not_heard() -> None:
    channel, lane, side = opened(RELIABLE)
    side.register.use(side.make_lane)
    newer = side.made[-1]
    assert newer is not lane
    lane.tell("message", b"\x01late")
    lane.close()
    newer.open()
    newer.tell("message", START)
    newer.tell("message", b"\x01now")
    assert await anext(channel) == "now"
    assert channel.state == "open"


async def test_what_was_sent_goes_out_before_a_channel_closes() -> None:
    two, mine, theirs = pair_of(BULK)
    heard: list[str | bytes] = []
    theirs.on_message(heard.append)
    await mine.send(bytes(MIB))
    await mine.send("last")
    mine.close()
    assert mine.state == "closed"
    while theirs.state != "closed":
        two.exchange()
        await some_steps()
    assert [len(message) for message in heard] == [MIB, 4]


async def test_a_channel_whose_messages_are_missing_ends() -> None:
    channel, lane, side = opened(RELIABLE)
    lane.tell("message", bytes((4, 0, 0, 0, 0, 0, 1)))
    assert side.words() == [Close("label", channel.carrier.id)]
    with pytest.raises(Lost, match="missing"):
        await anext(channel)


@pytest.mark.parametrize(
    "nonsense", [[b"\x00x"], [b"\x04"], [START, START], [START, b"\x00x", START]], ids=repr
)
async def test_a_lane_that_is_not_started_as_it_should_be_violates(nonsense: list[bytes]) -> None:
    _, lane, side = opened(RELIABLE)
    for framed in nonsense:
        lane.tell("message", framed)
    assert len(side.violations) == 1
