"""The pipe against a real server, and against servers that are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from peer.errors import Lost, Refused
from peer.signaling_client.address import signaling_url
from peer.signaling_client.dialling import why
from peer.signaling_client.effects import Ended, Heard, Interrupted, Restored, Told
from peer.signaling_client.session import State
from peer.signaling_client.websocket import SignalingClient
from signaling.app import Server as RunningServer
from signaling.app import create_app
from signaling.config import Config, LimitsConfig, Server
from signaling.protocol.messages import MSGPACK_SUBPROTOCOL, Join, Joined, PeerJoined
from signaling.protocol.parts import Capabilities

PATIENCE = 10.0
ROOM = "default/arena"
Handler = Callable[[web.Request], Any]


class Listener:
    def __init__(self) -> None:
        self.told: list[Told] = []
        self._news = asyncio.Event()

    def tell(self, event: Told) -> None:
        self.told.append(event)
        self._news.set()

    async def first(self, kind: type[Any]) -> Any:
        return (await self.some(kind, 1))[0]

    async def some(self, kind: type[Any], count: int) -> list[Any]:
        """As soon as there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [event for event in self.told if isinstance(event, kind)]) < count:
                self._news.clear()
                await self._news.wait()
        return found


@asynccontextmanager
async def peerlane(tmp_path: Path, **server: Any) -> AsyncIterator[TestServer]:
    config = Config(server=msgspec.convert({"dev": True, "state_dir": str(tmp_path), **server}, Server))
    async with TestServer(create_app(config)) as running:
        yield running


@asynccontextmanager
async def stranger(handler: Handler) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/v1/ws", handler)
    async with TestServer(app) as running:
        yield running


@asynccontextmanager
async def client_of(
    server: TestServer | str, **options: Any
) -> AsyncIterator[tuple[SignalingClient, Listener]]:
    listener = Listener()
    url = server if isinstance(server, str) else str(server.make_url("/"))
    client = SignalingClient(signaling_url(url), capabilities=Capabilities(), tell=listener.tell, **options)
    try:
        join = Join(client.session.next_request(), ROOM)
        client.perform(client.session.join(join))
        client.start()
        yield client, listener
    finally:
        await client.close()


async def test_two_clients_meet_and_signal(tmp_path: Path) -> None:
    async with peerlane(tmp_path) as server, client_of(server) as (ana, hears_ana):
        await hears_ana.first(Joined)
        async with client_of(server) as (ben, hears_ben):
            await hears_ben.first(Joined)
            await hears_ana.first(PeerJoined)
            payload = msgspec.Raw(msgspec.msgpack.encode({"kind": "greeting"}))
            ana.perform(ana.session.signal(ben.session.you, payload, ana.now))
            heard = await hears_ben.first(Heard)
            assert heard.sender == ana.session.you
            assert heard.payload == payload


async def test_more_than_one_frame_holds_is_sent_in_several(tmp_path: Path) -> None:
    async with peerlane(tmp_path) as server, client_of(server) as (ana, hears_ana):
        await hears_ana.first(Joined)
        async with client_of(server) as (ben, hears_ben):
            await hears_ben.first(Joined)
            await hears_ana.first(PeerJoined)
            payloads = [msgspec.Raw(msgspec.msgpack.encode(bytes(30_000 + n))) for n in range(20)]
            for payload in payloads:
                ana.perform(ana.session.signal(ben.session.you, payload, ana.now))
            heard = await hears_ben.some(Heard, 20)
            assert [each.payload for each in heard] == payloads


async def test_two_over_one_node_say_nothing_twice(tmp_path: Path) -> None:
    """Not even when the server reads more slowly, because so much comes at once."""
    async with peerlane(tmp_path) as server, client_of(server) as (ana, hears_ana):
        await hears_ana.first(Joined)
        async with client_of(server) as (ben, hears_ben):
            await hears_ben.first(Joined)
            await hears_ana.first(PeerJoined)
            for number in range(250):
                payload = msgspec.Raw(msgspec.msgpack.encode(number))
                ana.perform(ana.session.signal(ben.session.you, payload, ana.now))
                ben.perform(ben.session.signal(ana.session.you, payload, ben.now))
            for listener in (hears_ana, hears_ben):
                heard = await listener.some(Heard, 250)
                assert [msgspec.msgpack.decode(each.payload) for each in heard] == list(range(250))
            assert ana.session.resends == ben.session.resends == 0


async def test_what_is_too_large_for_the_server_is_refused_here(tmp_path: Path) -> None:
    async with peerlane(tmp_path) as server, client_of(server) as (ana, hears_ana):
        await hears_ana.first(Joined)
        limit = LimitsConfig().max_message_bytes
        with pytest.raises(Refused, match="too-large"):
            ana.session.broadcast(ROOM, msgspec.Raw(msgspec.msgpack.encode(bytes(limit))))
        largest = msgspec.Raw(msgspec.msgpack.encode(bytes(limit - 100)))
        ana.perform(ana.session.broadcast(ROOM, largest))
        ana.perform(ana.session.check(ana.now))
        async with client_of(server) as (_, hears_ben):
            await hears_ben.first(Joined)
        assert not [each for each in hears_ana.told if isinstance(each, Interrupted)]


async def test_a_missing_token_is_said_and_not_tried_again(tmp_path: Path) -> None:
    async with peerlane(tmp_path, dev=False, tokens=["s" * 32]) as server:
        async with client_of(server) as (_, listener):
            error = why(await listener.first(Ended))
            assert isinstance(error, Refused)
            assert error.code == "403"
        async with client_of(server, token="s" * 32) as (_, listener):
            await listener.first(Joined)


async def test_nobody_at_the_address_is_tried_again() -> None:
    server = TestServer(web.Application())
    await server.start_server()
    url = str(server.make_url("/"))
    await server.close()
    async with client_of(url) as (client, listener):
        interrupted = await listener.first(Interrupted)
        assert "cannot be reached" in interrupted.reason
        assert client.session.state is State.IDLE


async def test_a_server_without_room_is_tried_again_when_it_says() -> None:
    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "7"})

    async with stranger(busy) as server, client_of(server) as (_, listener):
        assert (await listener.first(Interrupted)).retry_in >= 7.0


async def page(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def missing(request: web.Request) -> web.Response:
    raise web.HTTPNotFound


async def redirect_without_end(request: web.Request) -> web.Response:
    raise web.HTTPFound("/v1/ws")


async def other_websocket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=["chess"])
    await socket.prepare(request)
    await socket.receive()
    return socket


@pytest.mark.parametrize("handler", [page, missing, redirect_without_end, other_websocket])
async def test_another_kind_of_server_is_recognised(handler: Handler) -> None:
    async with stranger(handler) as server, client_of(server) as (client, listener):
        error = why(await listener.first(Ended))
        assert isinstance(error, Refused)
        assert error.code == "no-peerlane"
        assert client.session.state is State.CLOSED


def hostile(frames: list[bytes | str]) -> Handler:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=[MSGPACK_SUBPROTOCOL])
        await socket.prepare(request)
        await socket.receive()
        for frame in frames:
            if isinstance(frame, str):
                await socket.send_str(frame)
            else:
                await socket.send_bytes(frame)
        while (await socket.receive()).type in (WSMsgType.BINARY, WSMsgType.TEXT):
            pass
        return socket

    return handler


def welcome(**fields: Any) -> bytes:
    limits = {
        "max_message_bytes": 65536,
        "max_metadata_bytes": 1,
        "max_rooms": 1,
        "messages_per_second": 1.0,
    }
    usual = {
        "type": "welcome", "you": "me", "epoch": "e", "resumed": False, "received": 0, "ticket": "t",
        "unix_now": 0.0, "ping_interval": 25.0, "ping_timeout": 10.0, "resume_window": 120.0, "settle": 15.0,
    }  # fmt: skip
    return msgspec.msgpack.encode({**usual, "limits": limits, **fields})


async def test_garbage_is_left_alone() -> None:
    garbage = [b"", b"\xc1", bytes(1000), b"\xff" * 70_000, "text", "{}", b"\xdd\xff\xff\xff\xff"]
    async with stranger(hostile([*garbage, welcome()])) as server, client_of(server) as (client, listener):
        await listener.first(Restored)
        assert client.session.you == "me"


async def test_a_welcome_full_of_nonsense_leaves_a_client_that_can_be_closed() -> None:
    nonsense = welcome(ping_interval=float("nan"), ping_timeout=-1.0, settle=float("inf"), received=-5)
    async with stranger(hostile([nonsense])) as server, client_of(server) as (_, listener):
        await listener.first(Restored)


async def test_a_frame_beyond_all_measure_costs_the_link_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peer.signaling_client.dialling.MAX_FRAME_BYTES", 100_000)
    async with stranger(hostile([bytes(100_001)])) as server, client_of(server) as (client, listener):
        await listener.first(Interrupted)
        assert client.session.state is not State.CLOSED


async def test_closing_never_hangs_on_a_server_that_has_fallen_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("peer.signaling_client.dialling.CLOSE_TIMEOUT", 0.1)

    async def deaf(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=[MSGPACK_SUBPROTOCOL], autoclose=False)
        await socket.prepare(request)
        await socket.send_bytes(welcome())
        await released.wait()
        return socket

    released = asyncio.Event()
    async with stranger(deaf) as server:
        async with asyncio.timeout(PATIENCE):
            async with client_of(server) as (_, listener):
                await listener.first(Restored)
        released.set()


async def test_a_certificate_that_the_server_has_made_is_trusted_only_when_asked(tmp_path: Path) -> None:
    made = Server(
        https=True, host="0.0.0.0", port=0, https_port=0, stun_port=0, dev=True, state_dir=str(tmp_path)
    )
    server = RunningServer(Config(server=made))
    where = await server.start()
    url = f"https://127.0.0.1:{where.https_port}"
    try:
        async with client_of(url) as (_, listener):
            error = why(await listener.first(Ended))
            assert isinstance(error, Lost)
            assert "verify" in error.hint
        for verify in (False, tmp_path / "certificate.pem"):
            async with client_of(url, verify=verify) as (_, listener):
                await listener.first(Joined)
    finally:
        await server.stop()
