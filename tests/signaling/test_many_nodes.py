"""Two nodes of one process on a bus in its memory: what is counted, and what is said when the bus is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from signaling.backplane.memory import MemoryBus, memory_bus
from signaling.config import Cluster, Config
from signaling.protocol.messages import Bye, Degraded, PeerJoined, Signal, Signalled
from signaling.protocol.parts import Resume
from signaling.status import Status
from tests.signaling.node_kit import Server, running
from tests.signaling.test_metrics import sample

PATIENCE = 10.0


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 # what is waited for is no event
            await asyncio.sleep(0)


def forget_all(server: Server) -> None:
    """A node that leaves waits until the others have its sessions."""
    for peer in list(server.node.hub.sessions):
        server.node.expel(peer)


@pytest.fixture
def bus(request: pytest.FixtureRequest) -> MemoryBus:
    return memory_bus(request.node.name)


@pytest.fixture
async def nodes(bus: MemoryBus, request: pytest.FixtureRequest) -> AsyncIterator[list[Server]]:
    config = Config(cluster=Cluster(backplane=f"memory:{request.node.name}"))
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(running(config)) for _ in range(2)]
        await until(lambda: all(server.node.bus and server.node.bus.nodes.living for server in made))
        yield made
        for server in made:
            forget_all(server)


async def test_a_node_says_to_its_clients_that_the_bus_is_away_and_back(
    nodes: list[Server], bus: MemoryBus
) -> None:
    ana, welcome = await nodes[0].member()
    assert not welcome.degraded
    bus.usable = False
    assert (await ana.hear(Degraded)).degraded
    _, late = await nodes[0].member("elsewhere")
    assert late.degraded
    bus.usable = True
    assert not (await ana.hear(Degraded)).degraded


async def test_a_node_without_a_bus_takes_clients_and_says_that_it_is_degraded(
    nodes: list[Server], bus: MemoryBus
) -> None:
    status = Status(nodes[0].node)
    assert (status.why_not_ready(), nodes[0].node.degraded) == (None, False)
    assert sample(nodes[0].metrics, "peerlane_degraded") == 0
    bus.usable = False
    assert (status.why_not_ready(), nodes[0].node.degraded) == (None, True)
    assert sample(nodes[0].metrics, "peerlane_degraded") == 1
    assert sample(nodes[0].metrics, "peerlane_bus_outages_total") == 1


async def test_what_goes_over_the_bus_is_counted_at_both_ends(nodes: list[Server]) -> None:
    (ana, _), (ben, of_ben) = await nodes[0].member(), await nodes[1].member()
    await ana.hear(PeerJoined)
    before = sample(nodes[1].metrics, "peerlane_bus_bytes_total", direction="in")
    ana.say(Signal(of_ben.you, 1, payload=b'"x"'))  # type: ignore[arg-type] # bytes are what Raw is made of
    await ben.hear(Signalled)
    assert sample(nodes[1].metrics, "peerlane_bus_bytes_total", direction="in") > before
    assert sample(nodes[0].metrics, "peerlane_bus_frames_total", direction="out") > 0
    assert sample(nodes[0].metrics, "peerlane_bus_nodes") == 1
    assert sample(nodes[0].metrics, "peerlane_bus_gaps_total") == 0


async def test_a_session_that_is_handed_over_is_counted_at_both_nodes(nodes: list[Server]) -> None:
    ana, welcome = await nodes[0].member()
    ana.abort()
    _, again = await nodes[1].member(resume=Resume(welcome.ticket, welcome.epoch, 1))
    assert again.resumed
    assert sample(nodes[0].metrics, "peerlane_handovers_total", result="given") == 1
    assert sample(nodes[1].metrics, "peerlane_handovers_total", result="whole") == 1
    assert sample(nodes[1].metrics, "peerlane_handover_seconds_count") == 1
    assert sample(nodes[1].metrics, "peerlane_resumed_total", result="whole", has_messages="no") == 1


async def test_a_drain_is_counted_and_who_is_left_is_shown(nodes: list[Server]) -> None:
    ana, _ = await nodes[0].member()
    assert sample(nodes[0].metrics, "peerlane_drain_left") == 0
    draining = asyncio.create_task(nodes[0].node.drain())
    await asyncio.sleep(0)
    assert sample(nodes[0].metrics, "peerlane_drain_left") == 1
    await ana.hear(Bye)
    forget_all(nodes[0])
    await draining
    assert sample(nodes[0].metrics, "peerlane_drain_seconds_count") == 1
    assert sample(nodes[0].metrics, "peerlane_drain_left") == 0
    assert sample(nodes[1].metrics, "peerlane_drain_seconds_count") == 0
