"""Two registers, the messages between them, and data channels that are only pretended."""

from __future__ import annotations

import pytest

from peer.channels.channel import Channel
from peer.channels.kinds import LATEST, RELIABLE, UNRELIABLE, parse_protocol, protocol_of
from peer.channels.register import MAX_CHANNELS
from peer.errors import Closed, Full, Refused
from peer.wire import Ack, Close, Open
from tests.peer.channels.lanes import FakeLane, Two


def test_a_channel_of_the_offerer_shows_up_at_the_answerer() -> None:
    two = Two()
    mine = two.offerer.register.open("größe", LATEST)
    two.exchange()
    (theirs,) = two.answerer.opened
    assert (theirs.label, theirs.kind, theirs.state, mine.state) == ("größe", LATEST, "open", "open")
    assert two.offerer.opened == []


def test_a_channel_of_the_answerer_is_made_by_the_offerer() -> None:
    two = Two()
    mine = two.answerer.register.open("chat", RELIABLE)
    two.exchange()
    assert [channel.label for channel in two.offerer.opened] == ["chat"]
    assert mine.state == "open"
    assert two.answerer.opened == []


def test_both_at_once_is_one_channel() -> None:
    two = Two()
    channels = [side.register.open("chat", RELIABLE) for side in (two.offerer, two.answerer)]
    two.exchange()
    assert [channel.state for channel in channels] == ["open", "open"]
    assert two.offerer.opened == two.answerer.opened == []


def test_the_same_label_is_the_same_channel_and_another_kind_is_refused() -> None:
    register = Two().offerer.register
    channel = register.open("chat", RELIABLE)
    assert register.open("chat", RELIABLE) is channel
    with pytest.raises(Refused, match="RELIABLE"):
        register.open("chat", LATEST)


def test_who_asks_for_another_kind_is_refused_and_gets_the_one_there_is() -> None:
    two = Two()
    mine = two.offerer.register.open("chat", RELIABLE)
    wrong = two.answerer.register.open("chat", UNRELIABLE)
    two.exchange()
    assert wrong.state == "closed"
    assert [channel.kind for channel in two.answerer.opened] == [RELIABLE]
    assert mine.state == "open"


@pytest.mark.parametrize("by_offerer", [True, False])
def test_closing_closes_both_and_the_label_is_free_again(by_offerer: bool) -> None:
    two = Two()
    here, there = (two.offerer, two.answerer) if by_offerer else (two.answerer, two.offerer)
    mine = here.register.open("chat", RELIABLE)
    two.exchange()
    (theirs,) = there.opened
    mine.close()
    two.exchange()
    assert theirs.state == "closed"
    again = here.register.open("chat", RELIABLE)
    assert again is not mine
    two.exchange()
    assert again.state == "open"
    assert len(there.opened) == 2


def test_channels_come_back_with_the_next_connection() -> None:
    two = Two()
    channels = [two.offerer.register.open("a", LATEST), two.answerer.register.open("b", RELIABLE)]
    two.exchange()
    two.cut()
    assert [channel.state for channel in channels] == ["opening", "opening"]
    two.connect()
    two.exchange()
    assert [channel.state for channel in channels] == ["open", "open"]
    assert len(two.offerer.opened) == len(two.answerer.opened) == 1


def test_what_is_opened_between_connections_is_made_in_the_next() -> None:
    two = Two()
    two.cut()
    channels = [two.offerer.register.open("a", LATEST), two.answerer.register.open("b", RELIABLE)]
    two.connect()
    two.exchange()
    assert [channel.state for channel in channels] == ["open", "open"]


def test_there_is_a_limit_here() -> None:
    register = Two().offerer.register
    for number in range(MAX_CHANNELS):
        register.open(str(number), RELIABLE)
    with pytest.raises(Full):
        register.open("one more", RELIABLE)


def test_the_other_side_cannot_go_past_the_limit_and_is_told() -> None:
    two = Two()
    for number in range(MAX_CHANNELS):
        two.offerer.register.receive(Open(str(number), "reliable"))
    two.offerer.register.receive(Open("one more", "reliable"))
    assert len(two.offerer.opened) == MAX_CHANNELS
    assert list(two.offerer.said) == [Close("one more")]
    two.exchange()
    lane = FakeLane("one%20more", "peerlane.v1.reliable.00000000")
    two.answerer.register.adopt(lane, lane.label, lane.protocol)
    assert lane.readyState == "closed"


@pytest.mark.parametrize(("label", "kind"), [("", "reliable"), ("x" * 129, "reliable"), ("x", "express")])
def test_what_cannot_be_made_is_answered_so_that_nobody_waits(label: str, kind: str) -> None:
    side = Two().offerer
    side.register.receive(Open(label, kind))
    assert side.words() == [Close(label)]
    assert side.opened == []


@pytest.mark.parametrize(
    ("label", "protocol"),
    [
        ("a b", "peerlane.v1.latest.0123abcd"),
        ("%ff", "peerlane.v1.latest.0123abcd"),
        ("chat", ""),
        ("chat", "other"),
    ],
)
def test_data_channels_that_are_not_ours_are_closed(label: str, protocol: str) -> None:
    side, lane = Two().answerer, FakeLane(label, protocol)
    side.register.adopt(lane, label, protocol)
    assert (lane.readyState, side.opened) == ("closed", [])


def test_the_offerer_takes_no_data_channels() -> None:
    side, lane = Two().offerer, FakeLane("chat", "peerlane.v1.latest.0123abcd")
    side.register.adopt(lane, lane.label, lane.protocol)
    assert (lane.readyState, side.opened) == ("closed", [])


def test_the_answerer_is_not_asked_to_make_any_and_unknown_goodbyes_are_ignored() -> None:
    side = Two().answerer
    side.register.receive(Open("chat", "reliable"))
    side.register.receive(Close("chat"))
    assert (side.opened, side.words()) == ([], [])


async def test_all_end_with_the_connection() -> None:
    register = Two().offerer.register
    channel = register.open("chat", RELIABLE)
    register.close()
    with pytest.raises(Closed):
        await channel.wait_open()


def test_a_label_that_cannot_be_one_is_the_callers_mistake() -> None:
    register = Two().offerer.register
    with pytest.raises(ValueError, match="label"):
        register.open("", RELIABLE)


def the_channel(two: Two, *, of_answerer: bool = False) -> Channel:
    """One that is open on both sides, as the offerer or the answerer has it."""
    mine = two.offerer.register.open("chat", RELIABLE)
    two.exchange()
    return two.answerer.opened[-1] if of_answerer else mine


def test_a_channel_has_the_same_id_in_every_connection() -> None:
    two = Two()
    mine, theirs = the_channel(two), two.answerer.opened[0]
    before = mine.carrier.id
    for _ in range(3):
        two.cut()
        two.connect()
        two.exchange()
        assert mine.carrier.id == theirs.carrier.id == before
    assert parse_protocol(two.lanes[0][0].protocol) == (RELIABLE, before)


@pytest.mark.parametrize("of_answerer", [True, False])
def test_a_channel_that_was_closed_without_a_connection_does_not_come_back(of_answerer: bool) -> None:
    two = Two()
    ends = [the_channel(two), two.answerer.opened[0]]
    here, there = reversed(ends) if of_answerer else ends
    two.cut()
    here.close()
    two.connect()
    two.exchange()
    assert (here.state, there.state) == ("closed", "closed")
    assert two.offerer.opened == []
    assert len(two.answerer.opened) == 1


@pytest.mark.parametrize("of_answerer", [True, False])
def test_nor_when_the_goodbye_was_lost(of_answerer: bool) -> None:
    two = Two()
    here = the_channel(two, of_answerer=of_answerer)
    here.close()
    two.cut()
    two.connect()
    two.exchange()
    assert two.offerer.opened == []
    assert len(two.answerer.opened) == 1
    again = two.answerer.register.open("chat", RELIABLE)
    two.exchange()
    assert again.state == "open"


def test_a_goodbye_to_another_channel_of_the_label_is_ignored() -> None:
    two = Two()
    mine = the_channel(two)
    for side in (two.offerer, two.answerer):
        side.hear(Close("chat", "ffffffff"))
    two.exchange()
    assert mine.state == "open"


def test_the_one_who_asks_again_for_a_channel_that_nobody_knows_is_told() -> None:
    side = Two().offerer
    side.hear(Open("chat", "reliable", "0123abcd"))
    assert side.words() == [Close("chat", "0123abcd")]
    assert side.opened == []


def test_a_channel_that_is_closed_before_its_lane_has_come_does_not_show_up() -> None:
    two = Two()
    asked = two.answerer.register.open("chat", RELIABLE)
    asked.close()
    two.exchange()
    assert two.answerer.opened == []
    assert two.offerer.opened[0].state == "closed"
    again = two.answerer.register.open("chat", RELIABLE)
    two.exchange()
    assert again.state == "open"


def test_two_labels_cannot_share_an_id() -> None:
    two = Two()
    theirs = the_channel(two, of_answerer=True)
    lane = FakeLane("other", protocol_of(RELIABLE, theirs.carrier.id))
    two.answerer.register.adopt(lane, lane.label, lane.protocol)
    assert lane.readyState == "closed"
    assert len(two.answerer.opened) == 1


def test_thousands_of_lanes_are_given_up() -> None:
    side = Two().answerer
    for number in range(3000):
        label = str(number)
        side.register.adopt(FakeLane(label), label, protocol_of(RELIABLE, f"{number:08x}"))
    assert len(side.opened) == MAX_CHANNELS
    assert side.violations[0] == "too many data channels that have to be refused"


def test_thousands_of_lanes_for_one_channel_are_given_up() -> None:
    two = Two()
    theirs = the_channel(two, of_answerer=True)
    lanes = [FakeLane("chat", protocol_of(RELIABLE, theirs.carrier.id)) for _ in range(3000)]
    for lane in lanes:
        two.answerer.register.adopt(lane, lane.label, lane.protocol)
    assert [lane.readyState for lane in lanes[:-1]] == ["closed"] * 2999
    assert two.answerer.violations[0] == "too many data channels for one channel"


def test_acknowledgements_of_nothing_are_given_up() -> None:
    side = Two().offerer
    for _ in range(3000):
        side.hear(Ack({"0123abcd": [1, 2, 0]}))
    assert side.violations[0] == "too many acknowledgements of nothing"


NONSENSE = [
    None,
    1,
    "1",
    [],
    [1, 7],
    [1, 7, 0, 0],
    ["1", 7, 0],
    [-1, 7, 0],
    [2, 7, 0],
    [1.5, 7, 0],
    [1, 99, 0],
]
NONSENSE += [
    [1, 9, -1],
    [1, 9, "0"],
    [1, 9, None],
    [1, 9, True],
    [True, 9, 0],
    [1, -1, 0],
    [10**30, 9, 0],
    [[], {}, 0],
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
async def test_what_an_absurd_acknowledgement_says_is_ignored(nonsense: object) -> None:
    two = Two()
    mine = the_channel(two)
    mine.send_now("x")
    two.offerer.hear(Ack({mine.carrier.id: nonsense}))
    assert mine.statistics().unacknowledged_messages == 1
    assert two.offerer.violations == []
