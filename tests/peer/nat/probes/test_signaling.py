"""A Peerlane server over HTTP and WebSocket, and what else may answer in its place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from peer.nat.probes.signaling import Reached, probe_signaling
from signaling.app import create_app
from signaling.config import Config, Ice, Server
from signaling.protocol.messages import MSGPACK_SUBPROTOCOL
from signaling.protocol.parts import IceServer

STUN = IceServer(["stun:stun.example.org"])


async def reached(origin: str, token: str = "") -> Reached:
    return await probe_signaling(origin.rstrip("/"), token, verify=True, timeout=2.0)


@asynccontextmanager
async def answering(answer: Callable[[], web.Response]) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return answer()

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        yield str(server.make_url(""))


async def test_our_own_server_is_there_and_names_its_stun_servers(tmp_path: Path) -> None:
    config = Config(server=Server(dev=True, state_dir=str(tmp_path)), ice=Ice(servers=[STUN]))
    async with TestServer(create_app(config)) as server:
        found = await reached(str(server.make_url("")))
        assert found.answer.http_status == 200
        assert found.answer.http_rtt is not None
        assert found.answer.websocket_rtt is not None
        assert found.answer.trouble == ""
        assert STUN.urls in [each.urls for each in found.servers]


async def test_a_server_that_asks_for_a_token_has_refused_and_with_it_it_has_not(tmp_path: Path) -> None:
    token = "the one and only token"
    config = Config(server=Server(tokens=[token], state_dir=str(tmp_path)))
    async with TestServer(create_app(config)) as server:
        url = str(server.make_url(""))
        refused, admitted = await reached(url, "another"), await reached(url, token)
        assert refused.answer.refused
        assert "token" in refused.answer.trouble
        assert not admitted.answer.refused
        assert admitted.answer.websocket_rtt is not None


@pytest.mark.parametrize(
    ("answer", "is_portal"),
    [
        (lambda: web.Response(text="<html>Log in!", content_type="text/html"), True),
        (lambda: web.Response(status=302, headers={"Location": "http://192.0.2.1/login"}), True),
        (lambda: web.json_response({"server": "another"}), False),
        (lambda: web.Response(status=500), False),
        (lambda: web.Response(body=b"\xff" * 200_000), False),
        (lambda: web.json_response([[[]]]), False),
    ],
    ids=["page", "redirect", "another server", "error", "noise", "nonsense"],
)
async def test_who_is_no_peerlane_server_is_told_from_one(
    answer: Callable[[], web.Response], is_portal: bool
) -> None:
    async with answering(answer) as url:
        found = await reached(url)
        assert found.answer.is_portal is is_portal
        assert found.answer.websocket_rtt is None
        assert found.answer.trouble
        assert found.servers == []


async def test_nobody_there_is_a_trouble_and_no_error() -> None:
    found = await reached("http://127.0.0.1:9")
    assert found.answer.http_rtt is None
    assert found.answer.trouble


Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
INFO = {"server": "peerlane"}
PATIENCE, MARGIN = 1.0, 0.5


async def info(request: web.Request) -> web.StreamResponse:
    return web.json_response(INFO)


async def names_one(request: web.Request) -> web.StreamResponse:
    return web.json_response({"iceServers": [msgspec.to_builtins(STUN)]})


async def opens(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=[MSGPACK_SUBPROTOCOL])
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


async def never(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


async def without_end(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 1_000)


async def byte_by_byte(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for byte in msgspec.json.encode(INFO):
        await response.write(bytes([byte]))
        await asyncio.sleep(0)
    return response


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/followed")


async def speaks_text(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=[MSGPACK_SUBPROTOCOL])
    await socket.prepare(request)
    await socket.send_str("hello")
    async for _ in socket:
        pass
    return socket


async def speaks_another(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


async def missing(request: web.Request) -> web.StreamResponse:
    return web.Response(status=404)


def nonsense(body: bytes) -> Handle:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    return handle


async def asked(first: Handle = info, websocket: Handle = opens, door: Handle = names_one) -> Reached:
    """A server with these three doors; nothing else of it may be asked, and it may not cost more time."""

    async def followed(request: web.Request) -> web.StreamResponse:
        raise AssertionError(request.path)

    app = web.Application()
    app.router.add_get("/v1/info", first)
    app.router.add_get("/v1/ws", websocket)
    app.router.add_get("/v1/ice-servers", door)
    app.router.add_get("/{path:.*}", followed)
    async with TestServer(app) as server:
        began = time.monotonic()
        found = await probe_signaling(str(server.make_url("")).rstrip("/"), "", verify=True, timeout=PATIENCE)
        assert time.monotonic() - began < PATIENCE + MARGIN
    return found


@pytest.mark.parametrize("first", [info, byte_by_byte], ids=["at once", "byte by byte"])
async def test_an_answer_may_come_in_pieces(first: Handle) -> None:
    found = await asked(first)
    assert found.answer.trouble == ""
    assert found.servers == [STUN]


@pytest.mark.parametrize(
    ("websocket", "words"),
    [
        (never, "no answer"),
        (elsewhere, "sends on"),
        (missing, "404"),
        (speaks_another, "Sec-WebSocket-Protocol"),
    ],
    ids=["never", "elsewhere", "missing", "another"],
)
async def test_a_websocket_that_does_not_open_does_not_hide_the_servers(
    websocket: Handle, words: str
) -> None:
    found = await asked(websocket=websocket)
    assert found.answer.websocket_rtt is None
    assert found.answer.http_rtt is not None
    assert words in found.answer.trouble
    assert found.servers == [STUN]


@pytest.mark.parametrize(
    "door",
    [
        never,
        without_end,
        missing,
        elsewhere,
        nonsense(b"{["),
        nonsense(b'{"iceServers": 7}'),
        nonsense(b"[" * 60_000),
    ],
    ids=["never", "without end", "missing", "elsewhere", "unreadable", "of another kind", "deep"],
)
@pytest.mark.parametrize("websocket", [opens, speaks_text], ids=["silent", "text"])
async def test_who_names_no_servers_that_can_be_read_is_reached_all_the_same(
    door: Handle, websocket: Handle
) -> None:
    found = await asked(websocket=websocket, door=door)
    assert found.answer.websocket_rtt is not None
    assert found.answer.trouble == ""
    assert found.servers == []


@pytest.mark.parametrize("first", [never, without_end, elsewhere, missing])
async def test_a_first_answer_that_makes_no_sense_is_the_last(first: Handle) -> None:
    found = await asked(first, websocket=first, door=first)
    assert found.answer.trouble
    assert found.servers == []


async def test_who_sends_on_to_its_own_address_over_tls_is_no_login_page() -> None:
    async def to_tls(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMovedPermanently(f"https://{request.host}/v1/info")

    found = await asked(to_tls)
    assert not found.answer.is_portal
    assert "https://127.0.0.1" in found.answer.trouble
