"""Clients that were given one address, and learn from the server where else to go."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from aiohttp.test_utils import TestServer, unused_port

from peer.signaling_client.effects import Heard, Restored
from signaling.app import NODE, create_app
from signaling.config import Cluster, Config, Server, Session
from signaling.node import Node
from signaling.protocol.messages import Joined, PeerJoined, PeerLeft
from tests.peer.signaling_client.test_websocket import PATIENCE, client_of


@asynccontextmanager
async def nodes(*regions: str) -> AsyncIterator[list[Node]]:
    """Nodes over one bus, as soon as all know each other."""
    bus = f"memory:{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        running = []
        ports = [unused_port() for _ in regions]
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        for region, port, url in zip(regions, ports, urls, strict=True):
            server = Server(dev=True, origins=urls)
            cluster = Cluster(backplane=bus, region=region, public_url=url)
            config = Config(server=server, cluster=cluster, session=Session(drain_window=1.0))
            app = create_app(config, ticket_key=b"k" * 32)
            await stack.enter_async_context(TestServer(app, port=port))
            running.append(app[NODE])
        await all_know(running, len(regions))
        yield running


async def all_know(running: Collection[Node], count: int) -> None:
    """As soon as each of them knows so many."""
    async with asyncio.timeout(PATIENCE):
        while any(len(node.nodes()) < count for node in running):  # noqa: ASYNC110 # they tell nobody
            await asyncio.sleep(0.01)


def payload(value: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(value))


async def test_a_session_moves_whole_to_another_node_of_its_region_when_its_own_leaves() -> None:
    async with nodes("eu", "us", "eu") as (first, far, second):
        url = first.config.cluster.public_url
        async with client_of(url) as (ana, hears_ana), client_of(url) as (ben, hears_ben):
            await hears_ana.first(PeerJoined)
            await hears_ben.first(Joined)
            ids = ana.session.you, ben.session.you
            leaving = asyncio.create_task(first.drain())
            for number in range(20):
                ana.perform(ana.session.signal(ids[1], payload(str(number)), ana.now))
                await asyncio.sleep(0.05)
            welcomes = await hears_ana.some(Restored, 2), await hears_ben.some(Restored, 2)
            assert [[each.resumed for each in heard] for heard in welcomes] == [[False, True]] * 2
            await leaving
            heard = await hears_ben.some(Heard, 20)
            assert [msgspec.msgpack.decode(each.payload) for each in heard] == [str(n) for n in range(20)]
            assert (ana.session.you, ben.session.you) == ids
            assert set(second.hub.sessions) == set(ids)
            assert not far.hub.sessions
            assert not [each for each in hears_ana.told + hears_ben.told if isinstance(each, PeerLeft)]


async def test_a_client_hears_of_a_node_that_came_after_it() -> None:
    async with nodes("eu") as (first,):
        cluster, port = first.config.cluster, unused_port()
        async with client_of(cluster.public_url) as (ana, hears_ana):
            await hears_ana.first(Joined)
            later = msgspec.structs.replace(cluster, public_url=f"http://127.0.0.1:{port}")
            config = msgspec.structs.replace(first.config, cluster=later)
            app = create_app(config, ticket_key=b"k" * 32)
            async with TestServer(app, port=port):
                await all_know([first], 2)
                await first.drain()
                assert (await hears_ana.some(Restored, 2))[1].resumed
                assert set(app[NODE].hub.sessions) == {ana.session.you}
                # Before that node goes too, and waits for somebody to take her.
                await ana.close()
