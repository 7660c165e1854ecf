"""What a load balancer, an orchestrator and Prometheus are told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from signaling.app import NODE, create_app
from signaling.config import Cluster, Config, LimitsConfig
from signaling.config import Server as ServerConfig
from signaling.protocol.messages import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL

KEY = b"0123456789abcdef0123456789abcdef"
CONFIG = Config(server=ServerConfig(dev=True), limits=LimitsConfig(max_sessions=1))


@pytest.fixture
async def client() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async with TestClient(TestServer(create_app(CONFIG, ticket_key=KEY))) as started:
        yield started


async def test_a_fresh_server_is_alive_and_ready(client: TestClient[web.Request, web.Application]) -> None:
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 200


async def test_a_server_that_leaves_is_alive_and_not_ready(
    client: TestClient[web.Request, web.Application],
) -> None:
    await client.server.app[NODE].drain()
    response = await client.get("/readyz")
    assert (response.status, await response.text()) == (503, "draining\n")
    assert (await client.get("/healthz")).status == 200
    refused = await client.get("/v1/ws")
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) >= 1
    assert "peerlane_drain_state 1.0" in await (await client.get("/metrics")).text()


async def test_a_full_server_is_not_ready_until_somebody_leaves(
    client: TestClient[web.Request, web.Application],
) -> None:
    async with client.ws_connect("/v1/ws") as socket:
        await socket.send_str('{"type": "hello"}')
        await socket.receive_json()
        response = await client.get("/readyz")
        assert (response.status, await response.text()) == (503, "full\n")
        await socket.send_str('{"type": "bye"}')
        await socket.receive()
    assert (await client.get("/readyz")).status == 200


async def test_what_has_happened_can_be_scraped(client: TestClient[web.Request, web.Application]) -> None:
    async with client.ws_connect("/v1/ws") as socket:
        await socket.send_str('{"type": "hello"}')
        await socket.receive_json()
        response = await client.get("/metrics")
        text = await response.text()
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert 'peerlane_links{transport="websocket"} 1.0' in text
    assert "peerlane_sessions 1.0" in text
    assert 'peerlane_messages_total{direction="out",kind="welcome"} 1.0' in text


@pytest.mark.parametrize("path", ["/%6detrics", "/m%65trics?x=1"])
async def test_figures_are_not_there_under_a_name_that_a_proxy_would_not_recognise(
    client: TestClient[web.Request, web.Application], path: str
) -> None:
    url = URL(f"http://127.0.0.1:{client.port}{path}", encoded=True)
    async with ClientSession() as http, http.get(url) as answer:
        assert answer.status == 404


async def test_a_server_says_what_it_speaks(client: TestClient[web.Request, web.Application]) -> None:
    info = await (await client.get("/v1/info")).json()
    assert info["server"] == "peerlane"
    assert info["protocol"] == 1
    assert info["subprotocols"] == [JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL]


async def test_a_node_without_an_address_of_its_own_names_none(
    client: TestClient[web.Request, web.Application],
) -> None:
    regions = await (await client.get("/v1/regions")).json()
    assert regions == {"region": "", "node": client.server.app[NODE].id, "nodes": []}


async def test_a_node_says_where_it_is_to_pages_of_any_origin() -> None:
    cluster = Cluster(region="eu", public_url="https://n1.example.org", weight=2.0)
    config = msgspec.structs.replace(CONFIG, cluster=cluster)
    async with TestClient(TestServer(create_app(config, ticket_key=KEY))) as client:
        node = client.server.app[NODE]
        response = await client.get("/v1/regions", headers={"Origin": "https://elsewhere.example"})
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Cache-Control"] == "no-store"
        here = {"url": "https://n1.example.org", "region": "eu", "weight": 2.0, "id": node.id}
        assert await response.json() == {"region": "eu", "node": node.id, "nodes": [here]}
        await node.drain()
        listed = (await (await client.get("/v1/regions")).json())["nodes"]
        assert listed == [{**here, "draining": True}]
