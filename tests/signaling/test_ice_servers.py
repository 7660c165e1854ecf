"""Clients without a link are told STUN and TURN servers, if they may open one, and not too often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling.app import NODE, create_app
from signaling.config import Cluster, Config, Ice, LimitsConfig, TurnServers
from signaling.config import Server as ServerConfig
from signaling.node import Node
from signaling.protocol.parts import IceServer
from signaling.turn import password

KEY = b"0123456789abcdef0123456789abcdef"
TOKEN = "correct horse battery staple"
SECRET = "the secret of the north"
PATH = "/v1/ice-servers"
ICE = Ice(
    servers=[IceServer(["stun:stun.example:3478"])],
    turn=[
        TurnServers(["turn:north.example", "turns:north.example:443"], [SECRET], region="north"),
        TurnServers(["turn:south.example"], ["the secret of the south"], region="south"),
    ],
)
NORTH = Cluster(region="north")
SERVER = ServerConfig(tokens=[TOKEN], origins=["https://app.example"])
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def running(
    server: ServerConfig = SERVER, ice: Ice = ICE, per_second: float = 5.0
) -> AsyncIterator[Client]:
    limits = LimitsConfig(credentials_per_second_per_address=per_second)
    app = create_app(Config(server=server, ice=ice, cluster=NORTH, limits=limits), ticket_key=KEY)
    async with TestClient(TestServer(app)) as started:
        yield started


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with running() as started:
        yield started


def node_of(client: Client) -> Node:
    assert isinstance(client.server, TestServer)
    return client.server.app[NODE]


async def told(client: Client, **headers: str) -> dict[str, Any]:
    response = await client.get(PATH, headers=AUTHORIZED | headers)
    assert response.status == 200
    found: dict[str, Any] = await response.json()
    return found


async def test_a_program_with_a_token_is_told_what_a_browser_and_the_draft_expect(client: Client) -> None:
    response = await client.get(PATH, headers=AUTHORIZED)
    body = await response.json()
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    stun, north, south = body["iceServers"]
    assert stun == {"urls": ["stun:stun.example:3478"]}
    assert north["urls"] == body["uris"] == ["turn:north.example", "turns:north.example:443"]
    assert north["username"] == body["username"] == south["username"]
    assert north["credential"] == body["password"] == password(SECRET, body["username"])
    assert south["credential"] != north["credential"]
    assert body["ttl"] == 7_200


async def test_everybody_gets_a_user_name_of_their_own(client: Client) -> None:
    names = {(await told(client))["username"].partition(":")[2] for _ in range(5)}
    assert len(names) == 5


async def test_the_region_that_is_asked_for_comes_first(client: Client) -> None:
    response = await client.get(PATH, params={"region": "south"}, headers=AUTHORIZED)
    assert (await response.json())["uris"] == ["turn:south.example"]
    response = await client.get(PATH, params={"region": "x" * 65}, headers=AUTHORIZED)
    assert response.status == 400


async def test_without_turn_there_is_no_name_and_no_password() -> None:
    async with running(ice=Ice()) as client:
        assert await told(client) == {"iceServers": [], "ttl": 7_200}


async def test_the_embedded_stun_responder_is_named_as_the_client_calls_the_server() -> None:
    async with running(ice=Ice()) as client:
        node_of(client).stun_port = 3_478
        body = await told(client, Host="signal.example:8080")
        assert body["iceServers"] == [{"urls": ["stun:signal.example:3478"]}]


@pytest.mark.parametrize(
    ("host", "alternates", "urls"),
    [
        ("signal.example", ["8.8.4.4", "10.0.0.2"], ["stun:signal.example:3478", "stun:8.8.4.4:3478"]),
        ("10.0.0.1", ["10.0.0.2"], ["stun:10.0.0.1:3478", "stun:10.0.0.2:3478"]),
        ("[fd00::1]", ["fd00::2"], ["stun:[fd00::1]:3478", "stun:[fd00::2]:3478"]),
        ("8.8.8.8", ["10.0.0.2"], ["stun:8.8.8.8:3478"]),
        ("localhost", ["8.8.4.4"], []),
    ],
)
async def test_its_other_addresses_are_named_to_those_who_reach_them(
    host: str, alternates: list[str], urls: list[str]
) -> None:
    async with running(ice=Ice()) as client:
        node = node_of(client)
        node.stun_port, node.stun_alternates = 3_478, alternates
        body = await told(client, Host=host)
    assert [url for server in body["iceServers"] for url in server["urls"]] == urls


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://app.example"},
        {"Origin": "http://signal.example", "Host": "signal.example"},
        {"Sec-Fetch-Site": "same-origin", "Host": "signal.example"},
    ],
    ids=["configured", "own", "own, by a GET of a browser"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_pages_that_may_open_a_link_may_ask(
    client: Client, method: str, headers: dict[str, str]
) -> None:
    response = await client.request(method, PATH, headers=headers)
    assert response.status == 200
    assert response.headers.get("Access-Control-Allow-Origin") == headers.get("Origin")
    assert response.headers["Vary"] == "Origin"


async def test_a_head_has_the_headers_and_no_body(client: Client) -> None:
    response = await client.head(PATH, headers=AUTHORIZED)
    assert (response.status, await response.read()) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Sec-Fetch-Site": "none"}])
async def test_a_program_without_a_token_is_told_how_to_get_in(
    client: Client, headers: dict[str, str]
) -> None:
    response = await client.get(PATH, headers=headers)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Cache-Control"] == "no-store"
    assert "server.tokens" in await response.text()


async def test_a_foreign_page_is_refused_even_with_a_token(client: Client) -> None:
    response = await client.get(PATH, headers=AUTHORIZED | {"Origin": "https://evil.example"})
    assert response.status == 403
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "server.origins" in await response.text()


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
@pytest.mark.parametrize("server", [SERVER, ServerConfig(dev=True)], ids=["with tokens", "dev"])
async def test_what_a_foreign_page_could_not_read_is_not_made_for_it(server: ServerConfig, site: str) -> None:
    async with running(server) as client:
        response = await client.get(PATH, headers=AUTHORIZED | {"Sec-Fetch-Site": site})
        assert response.status == 403
        assert SECRET not in await response.text()
        assert node_of(client).metrics.ice_servers["given"] == 0


async def test_a_browser_that_asks_first_is_told_what_it_may_send(client: Client) -> None:
    asking = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    response = await client.options(PATH, headers=asking)
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "GET" in response.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    refused = await client.options(PATH, headers=asking | {"Origin": "https://evil.example"})
    assert refused.status == 403
    assert "Access-Control-Allow-Origin" not in refused.headers
    plain = await client.options(PATH)
    assert (plain.status, plain.headers["Allow"]) == (204, "GET, HEAD, POST, OPTIONS")


async def test_an_address_that_asks_too_often_waits_and_is_told_how_long() -> None:
    async with running(per_second=0.5) as client:
        answers = [await client.get(PATH, headers=AUTHORIZED) for _ in range(8)]
        assert [answer.status for answer in answers] == [200] * 5 + [429] * 3
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
        assert "Retry-After" in await answers[-1].text()
        page = await client.get(PATH, headers={"Origin": "https://app.example"})
        assert (page.status, page.headers["Access-Control-Allow-Origin"]) == (429, "https://app.example")
        text = await (await client.get("/metrics")).text()
        assert 'peerlane_rate_limited_total{kind="credentials"} 4.0' in text
        assert 'peerlane_ice_servers_total{result="given"} 5.0' in text
        assert 'peerlane_ice_servers_total{result="limited"} 4.0' in text
        assert "peerlane_turn_credentials_total 10.0" in text


async def test_a_server_that_leaves_sends_its_clients_elsewhere(client: Client) -> None:
    await node_of(client).drain()
    response = await client.get(PATH, headers=AUTHORIZED)
    assert response.status == 503
    assert int(response.headers["Retry-After"]) >= 1


async def test_a_host_that_is_none_is_told(client: Client) -> None:
    assert (await client.get(PATH, headers=AUTHORIZED | {"Host": "a b"})).status == 400


async def test_for_those_who_may_not_come_in_nothing_is_signed() -> None:
    async with running(per_second=0.1) as client:
        made = node_of(client).hub.turn
        for _ in range(200):
            assert (await client.get(PATH)).status == 401
            foreign = await client.get(PATH, headers={"Origin": "https://evil.example"})
            assert foreign.status == 403
        assert made.made == 0
        assert (await client.get(PATH, headers=AUTHORIZED)).status == 200
        assert made.made == 2
        for _ in range(200):
            assert (await client.get(PATH, headers=AUTHORIZED)).status == 429
        assert made.made == 2
