"""Finding the nearest node, with servers that are as far away as they say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from peer.errors import Refused
from peer.room import JoinOptions, join
from peer.signaling_client.address import AddressError, signaling_url
from peer.signaling_client.measuring import addresses_of, find_nearest
from signaling.app import create_app
from signaling.config import Cluster, Config, Server

NEAR, FAR = 0.0, 0.06
"""Seconds; more apart than a busy machine makes the near one."""


class Place:
    """A server of a region that answers after a while; ``others`` are what it says of other nodes."""

    def __init__(self, region: str, distance: float) -> None:
        self.region = region
        self.distance = distance
        self.others: list[dict[str, Any]] = []
        self.asked = 0
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Place]:
        app = web.Application()
        app.router.add_get("/v1/regions", self._regions)
        async with TestServer(app) as server:
            self.url = signaling_url(str(server.make_url("/")))
            yield self

    async def _regions(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.distance)
        return web.json_response({"region": self.region, "node": f"in {self.region}", "nodes": self.others})


@asynccontextmanager
async def places(*wanted: tuple[str, float]) -> AsyncIterator[list[Place]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Place(*each).running()) for each in wanted]


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"ws://127.0.0.1:{closed.getsockname()[1]}/v1/ws"


def urls(known: Sequence[Place]) -> list[str]:
    return [place.url for place in known]


async def test_the_nearest_of_several_is_first() -> None:
    async with places(("us", FAR), ("eu", NEAR)) as (us, eu):
        found = await find_nearest(urls([us, eu]))
        assert (found.urls, found.regions) == (urls([eu, us]), ["eu", "us"])


async def test_a_node_that_was_only_named_is_found_when_it_is_nearer() -> None:
    async with places(("us", FAR), ("eu", NEAR)) as (us, eu):
        us.others = [{"url": eu.url.replace("ws://", "http://").removesuffix("/v1/ws"), "region": "eu"}]
        found = await find_nearest([us.url])
        assert found.urls == urls([eu, us])


async def test_in_one_region_nothing_is_measured_and_who_does_not_answer_is_last() -> None:
    async with places(("eu", FAR), ("eu", NEAR)) as known:
        silent = nobody()
        found = await find_nearest([silent, *urls(known)])
        assert (found.urls, found.regions) == ([*urls(known), silent], ())
        assert [place.asked for place in known] == [1, 1]


async def test_who_takes_too_long_is_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peer.signaling_client.measuring.TIMEOUT", 0.2)
    async with places(("us", 5.0), ("eu", NEAR), ("ap", FAR)) as (us, eu, ap):
        assert (await find_nearest(urls([us, eu, ap]))).urls == urls([eu, ap, us])


@pytest.mark.parametrize(
    "answer", [b"", b"{", b"[]", b'{"region": 1, "node": "", "nodes": []}', b" " * 300_000]
)
async def test_an_answer_that_makes_no_sense_is_none(answer: bytes) -> None:
    async def regions(request: web.Request) -> web.Response:
        return web.Response(body=answer)

    app = web.Application()
    app.router.add_get("/v1/regions", regions)
    async with TestServer(app) as server, places(("eu", NEAR)) as (eu,):
        strange = signaling_url(str(server.make_url("/")))
        assert (await find_nearest([strange, eu.url])).urls == [eu.url, strange]


async def test_a_long_answer_comes_in_pieces() -> None:
    far = Place("us", FAR)

    async def regions(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b'{"region": "eu", "node": "n', b'1", "nodes"', b": []}"):
            await response.write(piece)
            await asyncio.sleep(0.002)
        return response

    app = web.Application()
    app.router.add_get("/v1/regions", regions)
    async with TestServer(app) as server, far.running():
        near = signaling_url(str(server.make_url("/")))
        assert (await find_nearest([far.url, near])).urls == [near, far.url]


async def test_one_address_is_not_asked_unless_it_is_one_of_many() -> None:
    async with places(("eu", NEAR)) as (eu,):
        assert (await addresses_of(eu.url, False, True)).urls == [eu.url]
        assert eu.asked == 0
        assert (await addresses_of(eu.url, True, True)).urls == [eu.url]
        assert eu.asked == 1


@pytest.mark.parametrize("server", [[], "example.org", ["ws://localhost", "ftp://example.org"]])
async def test_what_is_no_address_is_told(server: str | list[str]) -> None:
    with pytest.raises(AddressError):
        async with join(server, "garden"):
            pass


async def test_a_room_is_entered_at_the_nearest_node_by_what_real_nodes_say() -> None:
    """The one that is asked is far, and knows one that is near."""
    server = Server(dev=True)
    async with AsyncExitStack() as stack:
        near = await stack.enter_async_context(
            TestServer(create_app(Config(server=server, cluster=Cluster(region="eu")), ticket_key=b"k" * 32))
        )
        far = Place("us", FAR)
        await stack.enter_async_context(far.running())
        far.others = [{"url": str(near.make_url("/")), "region": "eu"}]
        async with join(far.url, "garden", options=JoinOptions(nearest=True)) as room:
            assert room.state == "open"
        # That place is no server, so that nobody gets in who does not go to the near one.
        with pytest.raises(Refused, match="no Peerlane server"):
            async with join(far.url, "garden"):
                pass
