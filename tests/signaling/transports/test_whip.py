"""WHIP and WHEP over HTTP, with a member of our own who answers over a WebSocket."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from signaling.app import NODE, create_app
from signaling.config import Cluster, Config, Doors, Ice, LimitsConfig, TurnServers
from signaling.config import Server as ServerConfig
from signaling.dialects import whip
from signaling.dialects.base import PING, PONG
from signaling.dialects.whip_sdp import Fragment
from signaling.dialects.whip_words import Delete
from signaling.protocol.parts import IceServer
from signaling.transports import whip as transport
from signaling.transports.foreign import BEGIN
from signaling.transports.whip_resource import HttpPipe
from signaling.transports.whip_responses import ice_server_link
from tests.signaling.dialects.descriptions import CANDIDATE, PWD, UFRAG, answer, offer

KEY = b"0123456789abcdef0123456789abcdef"
TOKEN = "correct horse battery staple"
ORIGIN = "https://app.example"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
TRICKLED = f"m=audio 9 X 0\r\na=mid:0\r\na=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PWD}\r\na={CANDIDATE}\r\n"
RESTARTED = TRICKLED.replace(UFRAG, "other")
OPEN = ServerConfig(dev=True, origins=[ORIGIN])

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def running(server: ServerConfig = OPEN, **parts: Any) -> AsyncIterator[Client]:
    parts = {"doors": Doors(open=["whip", "whep"]), **parts}
    app = create_app(Config(server=server, **parts), ticket_key=KEY)
    async with TestClient(TestServer(app)) as started:
        yield started


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with running() as started:
        yield started


class Member:
    """One of our own: it answers each offer, and notes what else it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def run(self, client: Client, room: str, metadata: dict[str, Any], headers: dict[str, str]) -> None:
        async with client.ws_connect("/v1/ws", headers=headers) as socket:
            await socket.send_json({"type": "hello", "version": 1, "capabilities": {"ice_restart": True}})
            await socket.send_json(
                {"type": "join", "request": 1, "room": room, "name": "Ana", "metadata": metadata}
            )
            said: Counter[str] = Counter()
            async for message in socket:
                words = message.json()
                for word in words if isinstance(words, list) else [words]:
                    self.heard.put_nowait(word)
                    payload = word.get("payload", {}) if word["type"] == "signal" else {}
                    if payload.get("kind") == "description":
                        replies: list[dict[str, Any]] = [
                            {"kind": "description", "generation": 1, "type": "answer", "sdp": answer()},
                            {"kind": "candidate", "generation": 1},
                        ]
                        for reply in replies:
                            to = word["from"]
                            said[to] += 1
                            await socket.send_json(
                                {"type": "signal", "to": to, "n": said[to], "payload": reply}
                            )

    async def hears(self, type: str) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                word = await self.heard.get()
                if word["type"] == type:
                    return word


@asynccontextmanager
async def member(
    client: Client, room: str = "studio", metadata: dict[str, Any] | None = None, **headers: str
) -> AsyncIterator[Member]:
    one = Member()
    task = asyncio.create_task(one.run(client, room, metadata or {}, headers))
    try:
        await one.hears("joined")
        yield one
    finally:
        task.cancel()
        await asyncio.wait([task])


async def publish(client: Client, room: str = "studio", body: str = "", **headers: str) -> ClientResponse:
    return await client.post(f"/whip/{room}", data=body or offer(), headers=SDP | headers)


async def detail(response: ClientResponse) -> str:
    assert response.content_type == "application/problem+json"
    problem = await response.json()
    assert problem["status"] == response.status
    assert problem["title"]
    return str(problem["detail"])


def path_of(response: ClientResponse) -> str:
    return "/" + response.headers["Location"].split("/", 3)[3]


async def patch(client: Client, path: str, body: str = TRICKLED, **headers: str) -> ClientResponse:
    return await client.patch(path, data=body, headers=FRAGMENT | headers)


async def test_a_publisher_is_answered_trickles_restarts_and_leaves(client: Client) -> None:
    async with member(client) as ana:
        response = await publish(client)
        assert response.status == 201
        assert response.content_type == "application/sdp"
        assert response.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
        assert response.headers["Location"].startswith(f"http://{client.host}:{client.port}/whip/studio/")
        assert (await response.text()).startswith("v=0\r\n")
        path, tag = path_of(response), response.headers["ETag"]
        trickled = await patch(client, path, **{"If-Match": tag})
        assert (trickled.status, await trickled.text(), trickled.headers.get("ETag")) == (204, "", None)
        assert (await patch(client, path, ETag=tag)).status == 204
        restarted = await patch(client, path, RESTARTED, **{"If-Match": "*"})
        assert (restarted.status, restarted.content_type) == (200, "application/trickle-ice-sdpfrag")
        assert "a=ice-ufrag:ours" in await restarted.text()
        assert restarted.headers["ETag"] not in ("", tag)
        assert (await patch(client, path, RESTARTED, **{"If-Match": tag})).status == 412
        assert (await patch(client, path, TRICKLED)).status == 428
        assert (await client.get(path)).status == 204
        assert (await client.delete(path)).status == 200
        assert (await ana.hears("peer-left"))["reason"] == "left"
        for gone in (await client.delete(path), await patch(client, path), await client.get(path)):
            assert gone.status == 404
            assert "offer anew" in await detail(gone)


@pytest.mark.parametrize(
    ("headers", "body", "status", "words"),
    [
        ({"Content-Type": "text/plain"}, offer(), 415, "application/sdp"),
        ({"Accept": "text/html"}, offer(), 406, "application/sdp"),
        ({}, "hello", 400, "v=0"),
        ({}, offer(direction="recvonly"), 422, "/whep/"),
        ({}, "v=0\r\n" + "x" * 70_000, 413, "65,536"),
        ({}, "\xff", 400, "session description"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_what_to_do(
    client: Client, headers: dict[str, str], body: str, status: int, words: str
) -> None:
    response = await publish(client, body=body, **headers)
    assert response.status == status
    assert words in await detail(response)


async def test_a_body_that_is_no_text_is_refused(client: Client) -> None:
    response = await client.post("/whip/studio", data=b"v=0\xff\xfe", headers=SDP)
    assert (response.status, await detail(response)) == (400, "The body is no UTF-8.")


async def test_a_name_that_no_room_can_have_is_not_found(client: Client) -> None:
    assert (await publish(client, "x" * 200)).status == 404


async def test_a_fragment_has_a_type_and_a_form(client: Client) -> None:
    async with member(client):
        path = path_of(await publish(client))
        wrong = await client.patch(path, data=TRICKLED, headers=SDP)
        assert wrong.status == 415
        assert wrong.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
        assert (await patch(client, path, "nonsense")).status == 400
        assert (await patch(client, path)).status == 204


async def test_nobody_there_is_503_for_a_publisher_and_409_for_a_viewer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whip, "ANSWER_TIMEOUT", 0.05)
    publisher = await publish(client)
    viewer = await client.post("/whep/studio", data=offer(direction="recvonly"), headers=SDP)
    assert (publisher.status, publisher.headers["Retry-After"]) == (503, "5")
    assert (viewer.status, viewer.headers["Retry-After"]) == (409, "5")
    assert "nobody in the room" in await detail(publisher)


async def test_a_viewer_sees_the_member_that_it_names(client: Client) -> None:
    async with member(client), member(client):
        response = await client.post(
            "/whep/studio", params={"peer": "Ana"}, data=offer(direction="recvonly"), headers=SDP
        )
        assert response.status == 201
        assert "/whep/studio/" in response.headers["Location"]
        head = await client.head("/whep/studio")
        assert (head.status, head.content_type) == (200, "application/sdp")


async def test_there_are_only_so_many_resources() -> None:
    async with running(doors=Doors(open=["all"], max_resources=1)) as client, member(client):
        first = await publish(client)
        second = await publish(client)
        assert (first.status, second.status) == (201, 503)
        assert second.headers["Retry-After"] == "5"
        assert (await client.delete(path_of(first))).status == 200
        assert (await publish(client)).status == 201


async def test_shut_doors_are_not_there() -> None:
    async with running(doors=Doors()) as client:
        assert (await publish(client)).status == 405


async def test_a_server_that_leaves_says_so(client: Client) -> None:
    async with member(client):
        path = path_of(await publish(client))
        await client.server.app[NODE].drain()  # type: ignore[attr-defined] # a TestServer has it
        assert (await publish(client)).status == 503
        assert (await patch(client, path)).status == 404


# Who may


@asynccontextmanager
async def guarded() -> AsyncIterator[Client]:
    turn = TurnServers(["turn:turn.example"], ["a secret of ours"])
    ice = Ice(servers=[IceServer(["stun:stun.example"])], turn=[turn])
    async with running(ServerConfig(tokens=[TOKEN], origins=[ORIGIN]), ice=ice) as client:
        yield client


AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


async def test_a_token_is_needed_where_one_is_needed() -> None:
    async with guarded() as client:
        without = await publish(client)
        wrong = await publish(client, Authorization="Bearer something else entirely")
        for response in (without, wrong):
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert "oken" in await detail(response)
        async with member(client, **AUTHORIZED):
            response = await publish(client, **AUTHORIZED)
            assert response.status == 201
            # Its address is a secret, and all that is needed.
            assert (await client.delete(path_of(response))).status == 200


async def test_ice_servers_come_as_links_with_the_answer_and_to_whoever_asks_before() -> None:
    async with guarded() as client, member(client, **AUTHORIZED):
        answered = (await publish(client, **AUTHORIZED)).headers.getall("Link")
        asked = (await client.options("/whip/studio", headers=AUTHORIZED)).headers.getall("Link")
        for links in (answered, asked):
            stun, turn = sorted(links)
            assert stun == '<stun:stun.example>; rel="ice-server"'
            assert turn.startswith('<turn:turn.example>; rel="ice-server"; username="')
            assert turn.endswith('"; credential-type="password"')
        assert "Link" not in (await client.options("/whip/studio")).headers
        assert (await client.options("/whip/studio")).status == 401


async def test_pages_of_other_origins_may_read_what_they_need() -> None:
    async with guarded() as client:
        asks = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        preflight = await client.options("/whip/studio", headers=asks)
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
        assert "If-Match" in preflight.headers["Access-Control-Allow-Headers"]
        assert preflight.headers["Accept-Post"] == "application/sdp"
        assert "Link" not in preflight.headers
        async with member(client, **AUTHORIZED):
            response = await publish(client, Origin=ORIGIN, **AUTHORIZED)
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        for name in ("Location", "ETag", "Link"):
            assert name in response.headers["Access-Control-Expose-Headers"]


async def test_pages_of_unknown_origins_may_nothing(client: Client) -> None:
    elsewhere = {"Origin": "https://elsewhere.example"}
    response = await publish(client, **elsewhere)
    assert response.status == 403
    assert "Access-Control-Allow-Origin" not in response.headers
    asks = {**elsewhere, "Access-Control-Request-Method": "POST"}
    assert (await client.options("/whip/studio", headers=asks)).status == 403


@pytest.mark.parametrize(
    ("cluster", "proxies", "headers", "base"),
    [
        (Cluster(public_url="wss://eu.example/"), [], {}, "https://eu.example/whip/"),
        (
            Cluster(),
            ["127.0.0.0/8"],
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "sig.example"},
            "https://sig.example/whip/",
        ),
        (Cluster(), [], {"X-Forwarded-Proto": "https", "Host": "localhost"}, "http://localhost/whip/"),
    ],
)
async def test_a_resource_has_the_address_that_its_client_reaches(
    cluster: Cluster, proxies: list[str], headers: dict[str, str], base: str
) -> None:
    server = ServerConfig(dev=True, trusted_proxies=proxies)
    async with running(server, cluster=cluster) as client, member(client):
        response = await publish(client, **headers)
        assert response.headers["Location"].startswith(base)


async def test_a_body_that_does_not_come_is_not_waited_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "BODY_TIMEOUT", 0.05)

    async def forever() -> AsyncIterator[bytes]:
        yield b"v=0\r\n"
        await asyncio.Event().wait()

    response = await client.post("/whip/studio", data=forever(), headers=SDP)
    assert response.status == 408


def test_what_is_quoted_in_a_link_stays_in_its_quotes() -> None:
    assert ice_server_link("turn:a>b", 'n"a\\m\r\ne', "c") == (
        '<turn:a%3Eb>; rel="ice-server"; username="n\\"a\\\\me"; credential="c"; credential-type="password"'
    )


async def test_nothing_stays_of_a_resource_that_has_ended(client: Client) -> None:
    async with member(client) as ana:
        for _ in range(5):
            await client.delete(path_of(await publish(client)))
            await ana.hears("peer-left")
        node = client.server.app[NODE]  # type: ignore[attr-defined] # a TestServer has it
        assert len(node.hub.sessions) == 1


async def test_limits_of_addresses_hold_for_offers() -> None:
    limits = LimitsConfig(links_per_second_per_address=1.0)
    async with running(limits=limits) as client:
        statuses = [(await publish(client, body="v=0\r\n")).status for _ in range(30)]
        assert 429 in statuses


async def test_a_resource_is_not_silent_although_it_has_no_line() -> None:
    pipe = HttpPipe()
    assert await pipe.receive() == BEGIN
    await pipe.send(PING)
    assert await pipe.receive() is PONG


async def test_a_resource_that_is_asked_too_much_says_so() -> None:
    pipe = HttpPipe()
    while pipe.tell(Delete()):
        pass
    reply = await pipe.ask(Fragment(), "", 1.0)
    assert (reply and reply.status) == 503
    pipe.abort()
    assert await pipe.reply(1.0) is None
    assert not pipe.tell(Delete())
