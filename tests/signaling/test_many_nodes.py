"""Two nodes of one process on a bus in its memory: what is counted, and what is said when the bus is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from signaling import listing
from signaling.backplane.memory import MemoryBus, memory_bus
from signaling.cluster.codec import NodeCodec
from signaling.cluster.words import Beat, NodeWord
from signaling.config import Cluster, Config
from signaling.listing import Page
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import (
    Ack,
    Broadcast,
    Broadcasted,
    Bye,
    Degraded,
    Kicked,
    Leave,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Signal,
    Signalled,
    Update,
)
from signaling.protocol.parts import Resume
from tests.signaling.node_kit import Server, running
from tests.signaling.test_metrics import sample

PATIENCE = 10.0
ROOM = RoomName("default/room")


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 # what is waited for is no event
            await asyncio.sleep(0)


def forget_all(server: Server) -> None:
    """A node that leaves waits until the others have its sessions."""
    for peer in list(server.node.hub.sessions):
        server.node.orders.expel(peer)


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
    assert (nodes[0].node.why_not_ready(), nodes[0].node.degraded) == (None, False)
    assert sample(nodes[0].metrics, "peerlane_degraded") == 0
    bus.usable = False
    assert (nodes[0].node.why_not_ready(), nodes[0].node.degraded) == (None, True)
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


async def test_an_order_of_an_administrator_reaches_members_of_all_nodes(nodes: list[Server]) -> None:
    (ana, _), (ben, _) = await nodes[0].member("default/room"), await nodes[1].member("default/room")
    await ana.hear(PeerJoined)
    assert nodes[0].node.orders.announce(ROOM, b'"hello"') == "done"
    for pipe in (ana, ben):
        told = await pipe.hear(Broadcasted)
        assert (told.sender, bytes(told.payload)) == ("", b'"hello"')
    assert nodes[1].node.orders.close_room(ROOM) == "done"
    for pipe in (ana, ben):
        assert (await pipe.hear(Kicked)).reason == "the room was closed"


async def test_an_order_may_be_given_to_a_node_that_knows_nobody_who_is_meant(nodes: list[Server]) -> None:
    (ana, of_ana), (ben, of_ben) = (
        await nodes[0].member("default/room"),
        await nodes[0].member("default/room"),
    )
    orders = nodes[1].node.orders
    assert orders.announce(ROOM, b"1") == "passed-on"
    assert bytes((await ana.hear(Broadcasted)).payload) == b"1"
    assert orders.throw_out(ROOM, of_ana.you, 60.0, "noise") == "passed-on"
    kicked = await ana.hear(Kicked)
    assert (kicked.reason, kicked.ban) == ("noise", 60.0)
    assert orders.expel(of_ana.you) == "passed-on"
    assert (await ana.hear(Bye)).code == 4507
    assert orders.close_room(ROOM) == "passed-on"
    await ben.hear(Kicked)
    await until(lambda: not nodes[0].node.hub.rooms)
    assert of_ben.you in nodes[0].node.hub.sessions


async def test_a_room_is_shown_with_the_members_of_all_nodes(nodes: list[Server]) -> None:
    (ana, of_ana), (_, of_ben) = await nodes[0].member("default/room"), await nodes[1].member("default/room")
    await ana.hear(PeerJoined)
    here, there = nodes[0].node, nodes[1].node
    shown = listing.room(here.hub, ROOM, here.id)
    assert shown is not None
    assert {(each.id, each.node) for each in shown.members} == {(of_ana.you, here.id), (of_ben.you, there.id)}
    (listed,) = listing.rooms(here.hub, Page("", 10)).rooms
    assert (listed.members, listed.elsewhere, listed.nodes) == (1, 1, [there.id])


async def test_a_node_that_knows_no_other_says_that_nobody_is_meant(
    nodes: list[Server], bus: MemoryBus
) -> None:
    bus.usable = False
    orders = nodes[1].node.orders
    assert orders.announce(ROOM, b"1") == orders.expel(PeerId("x")) == orders.close_room(ROOM) == "unknown"


async def test_a_room_of_one_region_is_no_traffic_to_nodes_of_another(
    bus: MemoryBus, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[NodeWord] = []
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(
                running(Config(cluster=Cluster(backplane=f"memory:{request.node.name}", region=region)))
            )
            for region in ("eu", "eu", "us")
        ]
        await until(lambda: all(each.node.bus and len(each.node.bus.nodes.living) == 2 for each in made))
        far = made[2].node.bus
        assert far is not None
        deliver, codec = far.backplane.deliver, NodeCodec("")  # type: ignore[attr-defined] # of the memory bus

        def delivered(subject: str, body: bytes) -> None:
            frame = codec.decode(body)
            assert frame is not None
            heard.extend(frame.words)
            deliver(subject, body)

        monkeypatch.setattr(far.backplane, "deliver", delivered)
        (ana, of_ana), (ben, of_ben) = await made[0].member(), await made[1].member()
        await ana.hear(PeerJoined)
        ana.say(Signal(of_ben.you, 1, payload=b'"x"'))  # type: ignore[arg-type] # bytes are what Raw is made of
        await ben.hear(Signalled)
        ben.say(Ack(of_ana.you, 1), Update(2, "room", name="Benjamin"))
        assert (await ana.hear(PeerUpdated)).name == "Benjamin"
        ana.say(Broadcast("room", b'"y"'))  # type: ignore[arg-type] # as above
        await ben.hear(Broadcasted)
        ben.say(Leave(3, "room"))
        await ana.hear(PeerLeft)
        beats = len(heard)
        await until(lambda: len(heard) > beats)
        assert {type(word) for word in heard} == {Beat}
        for server in made:
            forget_all(server)
