"""What happens to real buses, and what nodes notice of it (F4 to F6): each on Redis and NATS at once."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from signaling.backplane.base import BusAway
from signaling.backplane.buses import make_backplane
from signaling.backplane.line import MAX_WAITING
from signaling.bus import MAX_ASKING
from tests.contracts.backplane import PATIENCE, SUBJECTS, Node, running
from tests.end_to_end.brokers import Broker, Nats, Redis
from tests.end_to_end.brokers import running as running_broker
from tests.end_to_end.wire import Wire

pytestmark = pytest.mark.end_to_end

NOTICED = 6.0
BACK = 5.0
SMALL_BUFFERS = {
    "redis": ("--client-output-buffer-limit", "pubsub 1mb 512kb 1"),
    "nats": ("--config", "nats.conf"),
}


async def on_both(
    folder: Path,
    scenario: Callable[[Broker], Awaitable[None]],
    options: dict[str, Sequence[str]] | None = None,
) -> None:
    """Play it with a Redis and with a NATS of its own, at the same time."""
    for kind in (Redis, Nats):
        if shutil.which(kind.program) is None:
            pytest.skip(f"{kind.program} is not installed; scripts/install-system does it")

    async def play(broker: Broker) -> None:
        async with running_broker(broker):
            await scenario(broker)

    (folder / "nats.conf").write_text("max_pending: 1MB\nmax_payload: 1MB\n")
    async with asyncio.TaskGroup() as tasks:
        for kind in (Redis, Nats):
            words = [
                word.replace("nats.conf", str(folder / "nats.conf"))
                for word in (options or {}).get(kind.scheme, ())
            ]
            tasks.create_task(play(kind(folder, *words)), name=kind.program)


@asynccontextmanager
async def talking(url: str, listener_url: str = "") -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes, and the first tells the second numbers all the time, two hundred in a second."""
    async with (
        running(make_backplane(url), "ana") as ana,
        running(make_backplane(listener_url or url), "ben") as ben,
    ):
        talk = asyncio.create_task(_tell_numbers(ana, ben))
        try:
            await ben.until_heard(10)
            yield ana, ben
            assert_in_order_and_once(ben)
        finally:
            talk.cancel()
            await asyncio.wait([talk])


async def _tell_numbers(ana: Node, ben: Node) -> None:
    for number in itertools.count():
        ana.bus.publish(ben.inbox, b"%010d" % number + bytes(200))
        await asyncio.sleep(0.005)


def assert_in_order_and_once(node: Node) -> None:
    numbers = [int(body[:10]) for body in node.bodies]
    assert all(one < next_one for one, next_one in itertools.pairwise(numbers))


async def assert_noticed(since: float, *nodes: Node) -> None:
    for node in nodes:
        await node.until_usable(False)
        assert node.changed_at - since < NOTICED
        with pytest.raises(BusAway):
            await node.bus.open(SUBJECTS.room("while it is away"), b"")


async def assert_back(since: float, ana: Node, ben: Node) -> None:
    for node in (ana, ben):
        await node.until_usable()
        assert node.changed_at - since < BACK
    before = len(ben.heard)
    await ben.until_heard(before + 10)


async def open_all(node: Node, rooms: Sequence[str], question: bytes) -> list[bool]:
    """As many at a time as a node asks for: each has a second, and machines are slow."""
    found: list[bool] = []
    for first in range(0, len(rooms), MAX_ASKING):
        some = rooms[first : first + MAX_ASKING]
        found += await asyncio.gather(*[node.bus.open(room, question) for room in some])
    return found


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_bus_that_is_killed_and_comes_back_empty_has_all_subscriptions_again(tmp_path: Path) -> None:
    async def scenario(broker: Broker) -> None:
        async with talking(broker.url) as (ana, ben):
            rooms = [SUBJECTS.room(str(number)) for number in range(3000)]
            await open_all(ben, rooms, b"%010d" % 0)
            for room in rooms[:1000]:
                ben.bus.close(room)
            killed = now()
            await broker.kill()
            await assert_noticed(killed, ana, ben)
            await asyncio.sleep(1.0)
            await broker.start()
            await assert_back(now(), ana, ben)
            before = len(ben.heard)
            found = await open_all(ana, rooms, b"?")
            assert found == [False] * 1000 + [True] * 2000
            asked = [body for body in ben.bodies[before:] if body == b"?"]
            ben.heard = [each for each in ben.heard if each[1] != b"?"]
            assert len(asked) == 2000
            assert ana.bus.figures.reconnects == 1
            assert ana.bus.figures.dropped > 0

    await on_both(tmp_path, scenario)


async def test_a_bus_that_is_frozen_is_noticed_and_delivers_nothing_late(tmp_path: Path) -> None:
    async def scenario(broker: Broker) -> None:
        async with talking(broker.url) as (ana, ben):
            frozen = now()
            broker.freeze()
            await assert_noticed(frozen, ana, ben)
            await asyncio.sleep(12.0 - (now() - frozen))
            broker.thaw()
            await assert_back(now(), ana, ben)

    await on_both(tmp_path, scenario)


async def test_a_line_that_swallows_everything_is_noticed(tmp_path: Path) -> None:
    async def scenario(broker: Broker) -> None:
        wire = Wire(broker.port)
        async with wire(), talking(broker.url, f"{broker.scheme}://127.0.0.1:{wire.port}") as (ana, ben):
            held = now()
            wire.hold()
            await assert_noticed(held, ben)
            assert ana.changes == [True]
            # Attempts over it fail too.
            await asyncio.sleep(3.0)
            assert ben.changes == [True, False]
            wire.mend()
            await assert_back(now(), ana, ben)

    await on_both(tmp_path, scenario)


async def test_a_node_that_does_not_read_misses_something_and_somebody_is_told(tmp_path: Path) -> None:
    async def scenario(broker: Broker) -> None:
        inbox = SUBJECTS.inbox("slow")
        async with running(make_backplane(broker.url), "ana") as ana, listener(broker.url, inbox) as ben:
            assert ben.stdout is not None
            assert await ben.stdout.readline() == b"true\n"
            ben.send_signal(signal.SIGSTOP)
            for number in range(400):
                ana.bus.publish(inbox, b"%010d" % number + bytes(60_000))
                await asyncio.sleep(0.005)
            ben.send_signal(signal.SIGCONT)
            told = asyncio.create_task(ben.communicate())
            for number in itertools.count(1000):
                ana.bus.publish(inbox, b"%010d" % number)
                ana.bus.publish(inbox, b"end")
                if (await asyncio.wait([told], timeout=0.1))[0]:
                    break
            *changes, end = [json.loads(line) for line in told.result()[0].splitlines()]
            assert end["numbers"][-1] >= 1000
            assert all(one < next_one for one, next_one in itertools.pairwise(end["numbers"]))
            assert len([number for number in end["numbers"] if number < 400]) < 400
            # Before it drops a slow reader, a NATS server stops reading from who writes to it.
            assert False in changes[:-1] or False in ana.changes
            assert end["most_mib"] < 150

    await on_both(tmp_path, scenario, SMALL_BUFFERS)


@asynccontextmanager
async def listener(url: str, inbox: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A node in a process of its own; all of it in a time that ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.end_to_end.bus_listener", url, inbox, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(3 * PATIENCE):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_more_than_may_wait_ends_the_connection_and_is_dropped(tmp_path: Path) -> None:
    async def scenario(broker: Broker) -> None:
        async with talking(broker.url) as (ana, ben):
            broker.freeze()
            for number in range(MAX_WAITING + 1):
                ana.bus.publish(SUBJECTS.everyone, b"%010d" % number)
            assert ana.bus.figures.dropped > MAX_WAITING
            # It is not told from inside of its own call.
            assert ana.changes == [True]
            await assert_noticed(now(), ana)
            broker.thaw()
            await assert_back(now(), ana, ben)

    await on_both(tmp_path, scenario)


async def test_a_wrong_password_is_said_once_and_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    right, wrong = "right-password", "wrong-password"

    async def scenario(broker: Broker) -> None:
        place = broker.url.removeprefix(f"{broker.scheme}://")
        user = "" if broker.scheme == "redis" else "user"
        async with talking(f"{broker.scheme}://{user}:{right}@{place}"):
            pass
        stranger = Node(make_backplane(f"{broker.scheme}://{user}:{wrong}@{place}"), "stranger")
        task = asyncio.create_task(stranger.bus.run([stranger.inbox], stranger.hear, stranger.change))
        # Long enough for a few attempts.
        await asyncio.wait([task], timeout=2.0)
        task.cancel()
        await asyncio.wait([task])
        assert stranger.changes == []

    with caplog.at_level(logging.DEBUG):
        await on_both(
            tmp_path,
            scenario,
            {"redis": ("--requirepass", right), "nats": ("--user", "user", "--pass", right)},
        )
    said = [record.getMessage() for record in caplog.records if record.name == "signaling.backplane"]
    assert len(said) == 2, said
    assert right not in caplog.text
    assert wrong not in caplog.text
