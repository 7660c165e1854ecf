"""What every bus must do, whatever is behind it. A test of one subclasses this, and says how to make it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from signaling.backplane.base import MAX_BODY_BYTES, Backplane, BusAway
from signaling.cluster.subjects import Subjects

PATIENCE = 15.0
SUBJECTS = Subjects()

Make = Callable[[], Backplane]


class Node:
    """One node as far as the bus is concerned: what it has heard, and whether its bus is usable."""

    def __init__(self, bus: Backplane, name: str) -> None:
        self.bus = bus
        self.inbox = SUBJECTS.inbox(name)
        self.heard: list[tuple[str, bytes]] = []
        self.changes: list[bool] = []
        self.changed_at = 0.0
        self._news = asyncio.Event()

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.heard]

    async def until(self, so: Callable[[], bool], what: str) -> None:
        async with asyncio.timeout(PATIENCE) as patience:
            while not so():
                self._news.clear()
                try:
                    await self._news.wait()
                except asyncio.CancelledError:
                    if patience.expired():
                        raise AssertionError(f"never: {what}; heard {self.bodies[-3:]}") from None
                    raise

    async def until_heard(self, count: int) -> list[bytes]:
        await self.until(lambda: len(self.heard) >= count, f"{count} messages are heard")
        return self.bodies

    async def until_usable(self, usable: bool = True) -> None:
        await self.until(lambda: self.changes[-1:] == [usable], f"the bus is usable: {usable}")

    def hear(self, subject: str, body: bytes) -> None:
        self.heard.append((subject, body))
        self._news.set()
        if body == b"raise":
            raise RuntimeError("what a listener may do")

    def change(self, usable: bool) -> None:
        self.changes.append(usable)
        self.changed_at = asyncio.get_running_loop().time()
        self._news.set()


@asynccontextmanager
async def running(bus: Backplane, name: str) -> AsyncIterator[Node]:
    """A node that listens to its inbox and to what is for everyone, from when the bus is usable."""
    node = Node(bus, name)
    task = asyncio.create_task(bus.run([node.inbox, SUBJECTS.everyone], node.hear, node.change))
    try:
        await node.until_usable()
        yield node
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


class BackplaneContract:
    @pytest.fixture
    def make(self) -> Make:
        raise NotImplementedError("say how to make one; all that are made in one test must meet")

    @pytest.fixture
    async def nodes(self, make: Make) -> AsyncIterator[list[Node]]:
        """Three, on one bus."""
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(running(make(), name)) for name in "abc"]

    async def test_what_is_said_is_heard_by_all_others_and_not_by_oneself(self, nodes: list[Node]) -> None:
        ana, ben, cem = nodes
        ana.bus.publish(SUBJECTS.everyone, b"hello")
        ana.bus.publish(ben.inbox, b"for Ben")
        assert await ben.until_heard(2) == [b"hello", b"for Ben"]
        assert await cem.until_heard(1) == [b"hello"]
        ben.bus.publish(ana.inbox, b"answer")
        assert await ana.until_heard(1) == [b"answer"]

    async def test_the_messages_of_one_node_keep_their_order_over_all_subjects(
        self, nodes: list[Node]
    ) -> None:
        ana, ben, cem = nodes
        count = 3000
        for number in range(count):
            subject = SUBJECTS.everyone if number % 3 else ben.inbox
            ana.bus.publish(subject, b"a%d" % number)
            cem.bus.publish(ben.inbox, b"c%d" % number)
            if number % 100 == 0:
                await asyncio.sleep(0)
        bodies = await ben.until_heard(2 * count)
        assert [body for body in bodies if body[:1] == b"a"] == [b"a%d" % number for number in range(count)]
        assert [body for body in bodies if body[:1] == b"c"] == [b"c%d" % number for number in range(count)]
        assert ana.bus.figures.dropped == 0

    async def test_any_bytes_arrive_as_they_were_up_to_the_longest(self, nodes: list[Node]) -> None:
        ana, ben, _ = nodes
        bodies = [b"", bytes(range(256)), b"\r\n$5\r\nPUB x 1\r\n", b"\x00" * MAX_BODY_BYTES]
        for body in bodies:
            ana.bus.publish(ben.inbox, body)
        assert await ben.until_heard(len(bodies)) == bodies

    async def test_what_is_too_long_is_our_own_mistake(self, nodes: list[Node]) -> None:
        with pytest.raises(ValueError, match="longer than a bus takes"):
            nodes[0].bus.publish(nodes[1].inbox, bytes(MAX_BODY_BYTES + 1))
        with pytest.raises(ValueError, match="longer than a bus takes"):
            await nodes[0].bus.open(SUBJECTS.room("x"), bytes(MAX_BODY_BYTES + 1))

    async def test_the_first_in_a_room_is_told_that_nobody_else_is_there(self, nodes: list[Node]) -> None:
        ana, ben, cem = nodes
        room = SUBJECTS.room("default/arena")
        assert not await ana.bus.open(room, b"Ana asks")
        assert await ben.bus.open(room, b"Ben asks")
        assert await ana.until_heard(1) == [b"Ben asks"]
        assert ana.heard[0][0] == room
        assert await cem.bus.open(room, b"Cem asks")
        assert await ana.until_heard(2) == [b"Ben asks", b"Cem asks"]
        assert await ben.until_heard(1) == [b"Cem asks"]

    async def test_whether_a_message_to_one_node_has_reached_it_can_be_told(self, make: Make) -> None:
        loop = asyncio.get_running_loop()
        async with running(make(), "a") as ana:
            async with running(make(), "b") as ben:
                there: asyncio.Future[bool] = loop.create_future()
                ana.bus.publish(ben.inbox, b"Ben?", there)
                async with asyncio.timeout(PATIENCE):
                    assert await there
            is_there = True
            async with asyncio.timeout(PATIENCE):
                while is_there:  # the broker may notice a moment later
                    gone: asyncio.Future[bool] = loop.create_future()
                    ana.bus.publish(ben.inbox, b"still?", gone)
                    is_there = await gone

    async def test_of_two_that_come_at_once_one_hears_the_other(self, nodes: list[Node]) -> None:
        ana, ben, _ = nodes
        rooms = [SUBJECTS.room(f"room {number}") for number in range(200)]
        answers = await asyncio.gather(
            *[node.bus.open(room, node.inbox.encode()) for room in rooms for node in (ana, ben)]
        )
        pairs = list(zip(answers[::2], answers[1::2], strict=True))
        assert all(any(pair) for pair in pairs)
        await ana.until_heard(sum(second for _, second in pairs))
        await ben.until_heard(sum(first for first, _ in pairs))

    async def test_a_room_that_is_opened_twice_is_listened_to_once(self, nodes: list[Node]) -> None:
        ana, ben, _ = nodes
        room = SUBJECTS.room("default/arena")
        assert not any(await asyncio.gather(*[ana.bus.open(room, b"again") for _ in range(3)]))
        assert await ben.bus.open(room, b"Ben asks")
        ben.bus.publish(ana.inbox, b"the last")
        assert await ana.until_heard(2) == [b"Ben asks", b"the last"]

    async def test_a_room_that_is_closed_is_not_listened_to(self, nodes: list[Node]) -> None:
        ana, ben, _ = nodes
        room = SUBJECTS.room("default/arena")
        await ana.bus.open(room, b"")
        ana.bus.close(room)
        # What is opened after it is placed after it.
        await ana.bus.open(SUBJECTS.room("another"), b"")
        assert not await ben.bus.open(room, b"anybody?")
        ben.bus.publish(ana.inbox, b"the last")
        assert await ana.until_heard(1) == [b"the last"]
        assert await ana.bus.open(room, b"Ana is back")
        assert await ben.until_heard(1) == [b"Ana is back"]

    async def test_to_close_what_is_not_open_does_nothing(self, nodes: list[Node]) -> None:
        nodes[0].bus.close(SUBJECTS.room("never opened"))
        assert not await nodes[0].bus.open(SUBJECTS.room("never opened"), b"")

    async def test_a_listener_that_raises_hears_what_comes_next(
        self, nodes: list[Node], caplog: pytest.LogCaptureFixture
    ) -> None:
        ana, ben, _ = nodes
        with caplog.at_level(logging.CRITICAL):
            ana.bus.publish(ben.inbox, b"raise")
            ana.bus.publish(ben.inbox, b"next")
            assert await ben.until_heard(2) == [b"raise", b"next"]

    async def test_before_it_runs_it_is_away(self, make: Make) -> None:
        bus = make()
        bus.publish(SUBJECTS.everyone, b"lost")
        assert bus.figures.dropped == 1
        with pytest.raises(BusAway):
            await bus.open(SUBJECTS.room("early"), b"")

    async def test_what_was_opened_while_it_was_away_is_listened_to_when_it_is_back(self, make: Make) -> None:
        early, other = make(), make()
        room = SUBJECTS.room("early")
        with pytest.raises(BusAway):
            await early.open(room, b"")
        async with running(early, "early") as ana, running(other, "other") as ben:
            assert await ben.bus.open(room, b"Ben asks")
            assert await ana.until_heard(1) == [b"Ben asks"]

    async def test_what_was_said_before_a_node_stops_is_heard(self, make: Make) -> None:
        count = 500
        async with running(make(), "a") as ana:
            async with running(make(), "b") as ben:
                for number in range(count):
                    ben.bus.publish(ana.inbox, b"%d" % number + bytes(1000))
            assert len(await ana.until_heard(count)) == count

    async def test_one_that_is_stopped_says_so_and_listens_no_more(self, make: Make) -> None:
        room = SUBJECTS.room("default/arena")
        async with running(make(), "a") as ana:
            async with running(make(), "b") as ben:
                await ben.bus.open(room, b"")
            assert ben.changes == [True, False]
            async with asyncio.timeout(PATIENCE):
                # The broker may notice a moment later.
                while await ana.bus.open(room, b"anybody?"):  # noqa: ASYNC110  # nothing tells but the answer
                    await asyncio.sleep(0)
            assert ben.heard == []
