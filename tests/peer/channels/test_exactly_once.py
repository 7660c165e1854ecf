"""Messages of an ordered channel over lanes that are cut, bound to the JavaScript twin by the vectors."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from peer.channels.chunking import NoMessage
from peer.channels.incoming import Incoming
from peer.channels.kinds import RELIABLE, Kind, kind_named
from peer.channels.outgoing import Outgoing, Told

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "framing.json").read_text())


def joined(runs: list[tuple[str, int]]) -> bytes:
    return b"".join(bytes.fromhex(digits) * times for digits, times in runs)


def kind_of_case(case: dict[str, Any]) -> Kind:
    kind = kind_named(case["kind"])
    assert kind
    return kind


@pytest.mark.parametrize("case", VECTORS["incoming"], ids=lambda case: case["name"])
def test_lanes_are_read_as_in_the_browser(case: dict[str, Any]) -> None:
    incoming = Incoming(kind_of_case(case))
    for step in case["steps"]:
        if "lane" in step:
            incoming.begin_lane()
        else:
            arrived = incoming.receive(joined(step["framed"]))
            if isinstance(arrived, NoMessage):
                assert arrived.name.lower().replace("_", "-") == step["is"]
            else:
                assert step["is"] == "message"
                content = joined(step["content"])
                assert arrived == (content.decode() if step["is_text"] else content)
        if "ack" in step:
            assert list(incoming.acknowledged()) == step["ack"]


@pytest.mark.parametrize("case", VECTORS["outgoing"], ids=lambda case: case["name"])
def test_lanes_are_written_as_in_the_browser(case: dict[str, Any]) -> None:
    outgoing = Outgoing(kind_of_case(case), case["fragment_bytes"])
    for step in case["steps"]:
        match step:
            case {"put": runs}:
                outgoing.put(step["is_text"], joined(runs))
            case {"lane": True}:
                outgoing.begin_lane()
            case {"lane": False}:
                outgoing.end_lane()
            case {"take": None}:
                assert outgoing.next_bytes == 0
            case {"take": runs}:
                assert outgoing.next_bytes == len(joined(runs))
                assert outgoing.take() == joined(runs)
            case {"ack": [messages, lane_bytes]}:
                assert outgoing.acknowledge(messages, lane_bytes).name.lower() == step["is"]
        for name, count in step.get("counts", {}).items():
            assert getattr(outgoing, name) == count, name


@pytest.mark.parametrize("case", VECTORS["room"]["cases"], ids=str)
def test_channels_are_as_wide_as_in_the_browser(case: dict[str, Any]) -> None:
    outgoing = Outgoing(kind_of_case(case))
    for content_bytes in case["kept"]:
        outgoing.put(False, bytes(content_bytes))
    assert outgoing.has_room(case["bytes"]) is case["has_room"]


@given(st.integers() | st.floats() | st.text() | st.booleans() | st.none() | st.lists(st.integers()))
def test_no_acknowledgement_from_the_other_side_raises(nonsense: object) -> None:
    outgoing = Outgoing(RELIABLE)
    assert outgoing.acknowledge(nonsense, 0) is not Told.NEW
    assert outgoing.acknowledge(0, nonsense) is not Told.NEW


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_nothing_that_arrives_raises_or_is_more_than_was_sent(frames: list[bytes]) -> None:
    incoming = Incoming(RELIABLE)
    incoming.begin_lane()
    for framed in frames:
        incoming.receive(framed)
    assert incoming.received + incoming.duplicates <= len(frames)
    assert incoming.unfinished_bytes <= sum(map(len, frames))


class Half:
    """One direction: what one end sends, and what has become of it at the other."""

    def __init__(self) -> None:
        self.outgoing = Outgoing(RELIABLE, fragment_bytes=3)
        self.incoming = Incoming(RELIABLE)
        self.sent: list[bytes] = []
        self.arrived: list[bytes] = []
        self.lane: deque[bytes] = deque()
        self.acks: deque[tuple[int, int]] = deque()


class Rebuilds(RuleBasedStateMachine):
    """Both ends send all the time; lanes are cut at any moment, and lose any suffix of what is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.halves = (Half(), Half())
        self.is_connected = False

    @initialize()
    def begin(self) -> None:
        self.connect()

    @rule(side=st.integers(0, 1), content=st.binary(max_size=10))
    def send(self, side: int, content: bytes) -> None:
        half = self.halves[side]
        half.outgoing.put(False, content)
        half.sent.append(content)

    @rule(side=st.integers(0, 1), count=st.integers(1, 6))
    def hand_over(self, side: int, count: int) -> None:
        half = self.halves[side]
        for _ in range(count):
            if half.outgoing.next_bytes:
                half.lane.append(half.outgoing.take())

    @rule(side=st.integers(0, 1), count=st.integers(1, 6))
    def arrive(self, side: int, count: int) -> None:
        half = self.halves[side]
        for _ in range(min(count, len(half.lane))):
            arrived = half.incoming.receive(half.lane.popleft())
            assert arrived not in (NoMessage.MISSING, NoMessage.VIOLATION, NoMessage.DROPPED)
            if isinstance(arrived, bytes):
                half.arrived.append(arrived)

    @precondition(lambda self: self.is_connected)
    @rule(side=st.integers(0, 1))
    def acknowledge(self, side: int) -> None:
        half = self.halves[side]
        half.acks.append(half.incoming.acknowledged())

    @rule(side=st.integers(0, 1))
    def acknowledgement_arrives(self, side: int) -> None:
        half = self.halves[side]
        if half.acks:
            assert half.outgoing.acknowledge(*half.acks.popleft()) is not Told.NONSENSE

    @precondition(lambda self: self.is_connected)
    @rule(survive=st.tuples(*[st.integers(0, 8)] * 4))
    def cut(self, survive: tuple[int, int, int, int]) -> None:
        """Of each direction of data and acknowledgements so much still arrives, the rest never does."""
        for side, half in enumerate(self.halves):
            self.arrive(side, survive[side])
            for _ in range(min(survive[2 + side], len(half.acks))):
                self.acknowledgement_arrives(side)
            half.lane.clear()
            half.acks.clear()
            half.outgoing.end_lane()
        self.is_connected = False

    @precondition(lambda self: not self.is_connected)
    @rule()
    def connect(self) -> None:
        for half in self.halves:
            half.outgoing.begin_lane()
            half.incoming.begin_lane()
        self.is_connected = True

    @invariant()
    def what_has_arrived_is_what_was_sent_first(self) -> None:
        for half in self.halves:
            assert half.arrived == half.sent[: len(half.arrived)]
            assert half.incoming.received == len(half.arrived)
            kept = half.outgoing.waiting_messages + half.outgoing.unacknowledged_messages
            assert len(half.sent) - kept <= len(half.arrived)

    def teardown(self) -> None:
        if not self.is_connected:
            self.connect()
        for side, half in enumerate(self.halves):
            self.hand_over(side, 10_000)
            self.arrive(side, 10_000)
            self.acknowledge(side)
            while half.acks:
                self.acknowledgement_arrives(side)
            assert half.arrived == half.sent
            assert (half.outgoing.waiting_messages, half.outgoing.unacknowledged_messages) == (0, 0)
            assert half.outgoing.waiting_bytes == half.outgoing.in_flight_bytes == 0


TestRebuilds = Rebuilds.TestCase
TestRebuilds.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
