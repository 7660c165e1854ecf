"""The native door on real sockets: what comes in over the wire, however it comes."""

from __future__ import annotations

import asyncio
import gc
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from signaling.app import Server, create_app
from signaling.config import Config, LimitsConfig
from signaling.config import Server as ServerConfig
from signaling.protocol.codec import CLIENT_CODECS, Codec
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    MSGPACK_SUBPROTOCOL,
    Broadcast,
    Broadcasted,
    Hello,
    Join,
    Joined,
    Refused,
    Signal,
    Signalled,
    Welcome,
    Word,
)


class Door:
    """A running server and what it takes to knock."""

    def __init__(self, server: Server, port: int, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.port = port
        self.url = f"http://127.0.0.1:{port}/v1/ws"
        self.http = http
        self.clients: list[Client] = []

    async def connect(self, subprotocol: str = JSON_SUBPROTOCOL) -> Client:
        socket = await self.http.ws_connect(self.url, protocols=[subprotocol], max_msg_size=2**22)
        self.clients.append(Client(socket, CLIENT_CODECS[subprotocol]))
        return self.clients[-1]

    async def member(self, subprotocol: str = JSON_SUBPROTOCOL) -> Client:
        client = await self.connect(subprotocol)
        await client.say(Hello(), Join(1, "room"))
        client.welcome = await client.hear(Welcome)
        await client.hear(Joined)
        return client


class Client:
    welcome: Welcome

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[Any], codec: Codec[Any]) -> None:
        self.socket = socket
        self.codec = codec
        self._waiting: list[Word] = []

    async def say(self, *messages: Word) -> None:
        frame = self.codec.join([self.codec.encode(message) for message in messages])
        await (self.socket.send_str(frame.decode()) if self.codec.is_text else self.socket.send_bytes(frame))

    async def hear(self, kind: type[Word]) -> Any:
        """The next message of this kind, passing over others."""
        while True:
            while self._waiting:
                message = self._waiting.pop(0)
                if isinstance(message, kind):
                    return message
            frame = await self.socket.receive()
            assert frame.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), frame
            data = frame.data.encode() if isinstance(frame.data, str) else frame.data
            self._waiting += self.codec.decode(data)

    async def close_code(self) -> int | None:
        """Read to the end; the code that the server closed with."""
        async with asyncio.timeout(10):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code


@asynccontextmanager
async def running(tmp_path: Path, limits: LimitsConfig | None = None) -> AsyncIterator[Door]:
    settings = ServerConfig(port=0, stun_port=0, dev=True, state_dir=str(tmp_path))
    server = Server(Config(server=settings, limits=limits or LimitsConfig()))
    where = await server.start()
    async with aiohttp.ClientSession() as http:
        door = Door(server, where.port, http)
        try:
            yield door
        finally:
            await server.stop()
            for client in door.clients:
                await client.socket.close()


def frame_of(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    """A masked client frame, RFC 6455 §5.2, with a mask of zeros."""
    length = len(payload)
    head = bytes([(0x80 if fin else 0) | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65_536:
        head += bytes([0x80 | 126]) + struct.pack("!H", length)
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", length)
    return head + bytes(4) + payload


async def raw_socket(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection after its upgrade, to write any bytes on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(
        b"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head
    assert b"permessage-deflate" not in head.lower()
    return reader, writer


async def test_json_and_messagepack_clients_understand_each_other(tmp_path: Path) -> None:
    async with running(tmp_path) as door:
        ana, ben = await door.member(JSON_SUBPROTOCOL), await door.member(MSGPACK_SUBPROTOCOL)
        await ana.say(Signal(ben.welcome.you, 1, msgspec.Raw(b'{"a":[1,"\xc3\xa9"]}')))
        assert ben.codec.read_payload((await ben.hear(Signalled)).payload) == {"a": [1, "é"]}
        await ben.say(Broadcast("room", msgspec.Raw(msgspec.msgpack.encode({"b": None}))))
        assert bytes((await ana.hear(Broadcasted)).payload) == b'{"b":null}'


HOSTILE_FRAMES = {
    "text that is not UTF-8": frame_of(1, b'{"type":"hello\xff"}'),
    "a lone surrogate": frame_of(1, b'{"type":"join","request":1,"room":"\\ud800"}'),
    "binary garbage": frame_of(2, bytes(range(256)) * 4),
    "nesting": frame_of(1, b"[" * 30_000),
    "a reserved opcode": frame_of(3, b"x"),
    "a reserved bit": bytes([0xC1, 0x80]) + bytes(4),
    "a length of 2^63": bytes([0x81, 0xFF]) + struct.pack("!Q", 2**63) + bytes(4),
    "one byte more than a message may have": frame_of(1, b"x" * 65_537),
    "a long control frame": frame_of(9, b"x" * 126),
    "a continuation of nothing": frame_of(0, b"x"),
    "fragments without an end": frame_of(1, b"x", fin=False) + frame_of(0, b"x", fin=False) * 20_000,
    "a close with half a code": frame_of(8, b"\x03"),
    "pings": frame_of(9, b"") * 2_000,
    "pongs nobody asked for": frame_of(10, b"") * 2_000,
    "empty texts": frame_of(1, b"") * 2_000,
    "HTTP again": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
}


@pytest.mark.parametrize("name", HOSTILE_FRAMES)
async def test_no_bytes_on_one_socket_disturb_another(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as door:
        ana, ben = await door.member(), await door.member()
        _, writer = await raw_socket(door)
        writer.write(frame_of(1, b'{"type":"hello"}') + HOSTILE_FRAMES[name])
        _, writer_without_hello = await raw_socket(door)
        writer_without_hello.write(HOSTILE_FRAMES[name])
        for n in range(1, 51):
            await ana.say(Signal(ben.welcome.you, n, msgspec.Raw(b"1")))
        async with asyncio.timeout(5):
            assert [(await ben.hear(Signalled)).n for _ in range(50)] == list(range(1, 51))
        for each in (writer, writer_without_hello):
            each.transport.abort()
    assert "a link failed" not in caplog.text


async def test_a_message_over_the_limit_closes_with_1009(tmp_path: Path) -> None:
    async with running(tmp_path) as door:
        client = await door.member()
        await client.socket.send_str("x" * 65_537)
        assert await client.close_code() == 1009


async def test_a_message_in_fragments_is_one_message(tmp_path: Path) -> None:
    async with running(tmp_path) as door:
        reader, writer = await raw_socket(door)
        hello = b'{"type":"hello"}'
        writer.write(frame_of(1, hello[:5], fin=False) + frame_of(9, b"between") + frame_of(0, hello[5:]))
        async with asyncio.timeout(5):
            assert b'"welcome"' in await reader.readuntil(b'"resume_window"')
        writer.transport.abort()


async def test_a_reset_in_the_middle_of_a_message_ends_one_link(tmp_path: Path) -> None:
    async with running(tmp_path) as door:
        ana = await door.member()
        _, writer = await raw_socket(door)
        writer.write(frame_of(1, b'{"type":"hello"}') + frame_of(1, b"x" * 1_000)[:500])
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await ana.say(Join(2, "other"))
        assert (await ana.hear(Joined)).room == "default/other"


async def test_a_link_that_was_cut_leaves_nothing_for_the_garbage_collector(tmp_path: Path) -> None:
    async with running(tmp_path) as door:
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                _, writer = await raw_socket(door)
                writer.write(frame_of(1, b'{"type":"hello"}'))
                await writer.drain()
                await asyncio.sleep(0.05)
                writer.transport.abort()
            async with asyncio.timeout(5):
                while any(isinstance(each, web.WebSocketResponse) for each in gc.get_objects()):  # noqa: ASYNC110 # nobody says when
                    await asyncio.sleep(0.05)
        finally:
            gc.enable()


async def test_a_reader_that_stops_is_cut_off_and_the_others_hear_all_in_order(tmp_path: Path) -> None:
    limits = LimitsConfig(
        messages_per_second=1e6,
        messages_burst=100_000,
        bytes_per_second=1e9,
        broadcasts_per_second=1e6,
        broadcasts_burst=100_000,
    )
    async with running(tmp_path, limits) as door:
        reader, writer = await raw_socket(door)
        writer.write(frame_of(1, b'[{"type":"hello"},{"type":"join","request":1,"room":"room"}]'))
        await reader.readuntil(b'"joined"')
        reader._limit = 1  # type: ignore[attr-defined] # stop reading at once, not after 64 KiB
        ana, *others = [await door.member() for _ in range(4)]
        payload = msgspec.Raw(b'"' + b"x" * 30_000 + b'"')
        for first in range(0, 600, 20):
            for _ in range(first, first + 20):
                await ana.say(Broadcast("room", payload))
            for other in others:
                for _ in range(20):
                    assert len((await other.hear(Broadcasted)).payload) == 30_002
        assert door.server.metrics.closed["slow"] == 1
        writer.transport.abort()


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Origin": "https://evil.example"}, 403, "server.origins"),
        ({"Origin": "null"}, 403, "no origin"),
        ({"Sec-WebSocket-Protocol": "chat"}, 400, "peerlane.v1.json"),
        ({"Host": "x:y"}, 400, "Host"),
        ({"Host": "x:99999"}, 400, "Host"),
        ({"Host": "[::1"}, 400, "Host"),
        ({"Host": "a b"}, 400, "Host"),
    ],
)
async def test_who_may_not_come_in_is_told_why(
    headers: dict[str, str], status: int, words: str, tmp_path: Path
) -> None:
    async with running(tmp_path) as door:
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        async with door.http.get(door.url, headers=upgrade | headers) as response:
            assert response.status == status
            assert words in await response.text()


@pytest.mark.parametrize("host", ["xn--", "a..b", "[::1]:80", "%zz", "x" * 300])
async def test_whatever_a_client_calls_this_server_it_is_greeted(host: str, tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.http.ws_connect(door.url, headers={"Host": host}) as socket:
        await socket.send_str('{"type":"hello"}')
        assert (await socket.receive_json())["type"] == "welcome"


async def test_too_many_links_from_one_address_are_asked_to_wait(tmp_path: Path) -> None:
    async with running(tmp_path, LimitsConfig(links_per_second_per_address=2.0)) as door:
        first = [await door.connect() for _ in range(2)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await door.connect()
        assert refused.value.status == 429
        assert refused.value.headers is not None
        assert int(refused.value.headers["Retry-After"]) >= 1
        assert len(first) == 2


async def test_three_unreadable_frames_are_answered_and_then_closed(tmp_path: Path) -> None:
    async with running(tmp_path) as door:
        client = await door.member()
        for _ in range(3):
            await client.socket.send_str("{")
            assert (await client.hear(Refused)).code == "malformed"
        assert await client.close_code() == 4500


async def test_behind_a_trusted_proxy_its_clients_are_told_apart(tmp_path: Path) -> None:
    server = ServerConfig(
        trusted_proxies=["127.0.0.1"], dev=True, allow_insecure=True, state_dir=str(tmp_path)
    )
    config = Config(server=server, limits=LimitsConfig(links_per_second_per_address=1.0))
    async with TestServer(create_app(config)) as app, aiohttp.ClientSession() as http:
        url = app.make_url("/v1/ws")

        async def status(client: str, host: str = "example.org", origin: str = "https://example.org") -> int:
            headers = {"X-Forwarded-For": client, "X-Forwarded-Host": host, "Origin": origin}
            try:
                async with http.ws_connect(url, headers=headers):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

        assert await status("6.6.6.6, 203.0.113.1") == 101
        assert await status("7.7.7.7, 203.0.113.1") == 429
        assert await status("203.0.113.2") == 101
        assert await status("203.0.113.3", origin="https://evil.example") == 403
