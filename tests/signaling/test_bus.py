"""Three nodes of one process: what is said to many is written once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from signaling.bus import Bus
from signaling.cluster.words import Cast
from signaling.config import Cluster, Config
from signaling.protocol.codec import JSON
from signaling.protocol.messages import Broadcast, Broadcasted, Bye, PeerJoined
from tests.signaling.node_kit import MemoryPipe, Server, running

PATIENCE = 10.0
PAYLOAD = b'{"move":"once"}'


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110  # what is waited for is no event
            await asyncio.sleep(0)


def bus_of(server: Server) -> Bus:
    assert server.node.bus is not None
    return server.node.bus


@pytest.fixture
async def nodes(request: pytest.FixtureRequest) -> AsyncIterator[list[Server]]:
    config = Config(cluster=Cluster(backplane=f"memory:{request.node.name}"))
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(running(config)) for _ in range(3)]
        await until(lambda: all(len(bus_of(server).nodes.living) == 2 for server in made))
        yield made


async def full_room(nodes: list[Server], each: int) -> list[list[MemoryPipe]]:
    """So many members at each node, all of whom know of all."""
    members = [[(await server.member())[0] for _ in range(each)] for server in nodes]
    known = itertools.count()
    for pipe in itertools.chain(*members):
        for _ in range(each * len(nodes) - 1 - next(known)):
            await pipe.hear(PeerJoined)
    return members


async def test_a_broadcast_is_written_once_for_all_nodes_and_once_by_each_for_all_its_members(
    nodes: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    members = await full_room(nodes, each=3)
    for_nodes: list[bytes] = []
    for_members: list[bytes] = []
    said: list[bytes] = []

    def spy(owner: Any, name: str, kept: list[bytes], kind: type) -> None:
        encode = getattr(owner, name)

        def encoding(word: Any) -> bytes:
            encoded: bytes = encode(word)
            if isinstance(word, kind):
                kept.append(encoded)
            return encoded

        monkeypatch.setattr(owner, name, encoding)

    def overhear(server: Server) -> None:
        publish = bus_of(server).backplane.publish

        def publishing(subject: str, body: bytes, reached: asyncio.Future[bool] | None = None) -> None:
            said.append(body)
            publish(subject, body, reached)

        monkeypatch.setattr(bus_of(server).backplane, "publish", publishing)

    for server in nodes:
        spy(bus_of(server)._codec, "encode", for_nodes, Cast)
        overhear(server)
    spy(JSON, "encode", for_members, Broadcasted)

    members[0][0].say(Broadcast("room", msgspec.Raw(PAYLOAD)))
    for pipe in [*members[0][1:], *members[1], *members[2]]:
        assert bytes((await pipe.hear(Broadcasted)).payload) == PAYLOAD

    (word,) = for_nodes
    assert sum(word in body for body in said) == 2  # to each of the other nodes, as it was written
    assert len(for_members) == 3  # by each node for those of its members that speak JSON
    for pipe in itertools.chain(*members):
        pipe.say(Bye())
    await until(lambda: not any(server.node.hub.sessions for server in nodes))
