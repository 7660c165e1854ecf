"""Both ends open, send and close as they like, while connections are cut and made at any moment."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from peer.channels.channel import Channel
from peer.channels.kinds import RELIABLE
from peer.errors import PeerlaneError
from tests.peer.channels.lanes import Two

LABELS = ("a", "b")


class Said(msgspec.Struct):
    """What one end of a channel has sent, and what it has heard."""

    sent: list[bytes] = []
    heard: list[bytes] = []


class World:
    """The two registers, and every channel that either application has ever held."""

    def __init__(self) -> None:
        self.two = Two()
        self.sides = (self.two.offerer, self.two.answerer)
        self.is_connected = True
        self.ends: list[dict[Channel, Said]] = [{}, {}]
        self.asked_for: set[Channel] = set()
        self._counts = 0

    def hold(self, side: int, channel: Channel) -> Said:
        if channel not in self.ends[side]:
            said = self.ends[side][channel] = Said()
            channel.on_message(lambda message: said.heard.append(bytes(message)))  # type: ignore[arg-type] # bytes
        return self.ends[side][channel]

    def take_opened(self) -> None:
        for side, it in enumerate(self.sides):
            while it.opened:
                self.hold(side, it.opened.pop())

    def open(self, side: int, label: str) -> None:
        channel = self.sides[side].register.open(label, RELIABLE)
        self.hold(side, channel)
        self.asked_for.add(channel)

    def send(self, side: int, label: str, length: int) -> None:
        channel = self.alive(side, label)
        if channel is None:
            return
        self._counts += 1
        message = self._counts.to_bytes(4) + bytes(length)
        try:
            channel.send_now(message)
        except PeerlaneError:
            return
        self.hold(side, channel).sent.append(message)

    def close(self, side: int, label: str) -> None:
        channel = self.alive(side, label)
        if channel is not None:
            channel.close()

    def alive(self, side: int, label: str) -> Channel | None:
        return next(
            (each for each in self.ends[side] if each.label == label and each.state != "closed"), None
        )

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.two.step()
            self.take_opened()

    def cut_or_connect(self) -> None:
        if self.is_connected:
            self.two.cut()
        else:
            self.two.connect()
        self.is_connected = not self.is_connected
        self.take_opened()

    def settle(self) -> None:
        if not self.is_connected:
            self.cut_or_connect()
        while self.two.step():
            self.take_opened()
        self.take_opened()


STEPS = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 1), st.sampled_from(LABELS)),
    st.tuples(st.just("close"), st.integers(0, 1), st.sampled_from(LABELS)),
    st.tuples(st.just("send"), st.integers(0, 1), st.sampled_from(LABELS), st.sampled_from((0, 10, 3000))),
    st.tuples(st.just("send"), st.integers(0, 1), st.sampled_from(LABELS), st.sampled_from((0, 10, 3000))),
    st.tuples(st.just("steps"), st.integers(1, 12)),
    st.tuples(st.just("steps"), st.integers(1, 12)),
    st.tuples(st.just("cut_or_connect")),
)


def everything_once_and_in_order(here: dict[Channel, Said], there: dict[Channel, Said]) -> None:
    """What any channel has heard is the beginning of what exactly one on the other side has sent."""
    partners: list[Channel] = []
    for said in there.values():
        if said.heard:
            (partner,) = [each for each, other in here.items() if said.heard[0] in other.sent]
            assert said.heard == here[partner].sent[: len(said.heard)]
            partners.append(partner)
    assert len(partners) == len(set(partners))


def labels_alive(ends: Iterable[Channel]) -> dict[str, str]:
    return {each.label: each.carrier.id for each in ends if each.state != "closed"}


@settings(max_examples=200)
@example(  # asked for twice, and made twice
    [
        ("open", 0, "a"),
        ("open", 1, "a"),
        ("cut_or_connect",),
        ("close", 0, "a"),
        ("cut_or_connect",),
        ("steps", 1),
        ("close", 0, "a"),
    ]
)
@example(  # asked for, another one taken, and made all the same
    [
        ("open", 0, "a"),
        ("open", 1, "a"),
        ("cut_or_connect",),
        ("close", 0, "a"),
        ("open", 0, "a"),
        ("cut_or_connect",),
        ("steps", 1),
        ("close", 0, "a"),
    ]
)
@example(  # asked for while the one before was still leaving
    [
        ("open", 1, "a"),
        ("steps", 3),
        ("send", 1, "a", 3000),
        ("close", 1, "a"),
        ("open", 1, "a"),
        ("steps", 1),
        ("close", 0, "a"),
    ]
)
@given(st.lists(STEPS, min_size=20, max_size=100))
async def test_whatever_is_cut_messages_arrive_once_and_what_was_closed_stays_closed(
    steps: list[tuple[str, *tuple[object, ...]]],
) -> None:
    world = World()
    for name, *arguments in steps:
        getattr(world, name)(*arguments)
        everything_once_and_in_order(*world.ends)
        everything_once_and_in_order(*reversed(world.ends))
    world.settle()
    everything_once_and_in_order(*world.ends)
    everything_once_and_in_order(*reversed(world.ends))
    assert labels_alive(world.ends[0]) == labels_alive(world.ends[1])
    assert all(not side.violations for side in world.sides)
    theirs = {each.carrier.id: each for each in world.ends[1] if each.state == "open"}
    for mine, said in world.ends[0].items():
        if mine.state == "open":
            their = theirs[mine.carrier.id]
            assert (said.heard, said.sent) == (world.ends[1][their].sent, world.ends[1][their].heard)
            assert world.asked_for & {mine, their}, "nobody wants it any more"
    for side in world.sides:
        side.register.close()
        side.register.detach()
