"""Links without WebSocket, on real sockets: streams, slices, and POSTs that come twice or too often."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from signaling.app import Server
from signaling.config import Config, LimitsConfig
from signaling.config import Server as ServerConfig

HELLO = {"type": "hello", "version": 1}


class Door:
    def __init__(self, url: str, http: aiohttp.ClientSession, server: Server) -> None:
        self.url = url
        self.http = http
        self.server = server

    @asynccontextmanager
    async def stream(self, **headers: str) -> AsyncIterator[Stream]:
        async with self.http.get(f"{self.url}/v1/sse", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            stream = Stream(self, answer.content.readuntil)
            await stream.open()
            yield stream


class Stream:
    """One link: what is said to it, as events."""

    def __init__(self, door: Door, readuntil: Any) -> None:
        self.door = door
        self.link = ""
        self.last = ""
        self.n = 0
        self._readuntil = readuntil
        self._waiting: list[dict[str, Any]] = []

    async def open(self) -> None:
        self.link = (await self.event())["link"]

    async def event(self) -> Any:
        while True:
            async with asyncio.timeout(5.0):
                lines = (await self._readuntil(b"\n\n")).decode().splitlines()
            fields = dict(line.split(": ", 1) for line in lines if line and not line.startswith(":"))
            self.last = fields.get("id", self.last)
            if "data" in fields:
                return json.loads(fields["data"])

    async def hear(self, kind: str) -> dict[str, Any]:
        while True:
            while self._waiting:
                message = self._waiting.pop(0)
                if message.get("type") == kind:
                    return message
            came = await self.event()
            self._waiting += came if isinstance(came, list) else [came]

    async def post(self, body: bytes, n: int | None = None, link: str | None = None) -> int:
        self.n = self.n + 1 if n is None else self.n
        headers = {"Peerlane-Link": link or self.link, "Peerlane-Number": str(n or self.n)}
        async with self.door.http.post(f"{self.door.url}/v1/messages", data=body, headers=headers) as answer:
            return answer.status

    async def say(self, *messages: dict[str, Any]) -> None:
        assert await self.post(json.dumps(messages).encode()) == 204


@asynccontextmanager
async def running(tmp_path: Path, limits: LimitsConfig | None = None, **more: Any) -> AsyncIterator[Door]:
    settings = ServerConfig(port=0, stun_port=0, dev=True, state_dir=str(tmp_path), **more)
    server = Server(Config(server=settings, limits=limits or LimitsConfig()))
    where = await server.start()
    async with aiohttp.ClientSession() as http:
        try:
            yield Door(f"http://127.0.0.1:{where.port}", http, server)
        finally:
            await server.stop()


def join(room: str = "room") -> dict[str, Any]:
    return {"type": "join", "request": 1, "room": room}


def broadcast(payload: Any) -> dict[str, Any]:
    return {"type": "broadcast", "room": "default/room", "payload": payload}


async def test_two_members_talk_over_streams_and_posts(tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.stream() as ana, door.stream() as bob:
        await ana.say(HELLO, join())
        await ana.hear("joined")
        await bob.say(HELLO, join())
        assert len((await bob.hear("joined"))["peers"]) == 1
        await ana.post(b'{"type": "broadcast", "room": "default/room",\r\n"payload": {\n"a":\n1}}')
        assert (await bob.hear("broadcast"))["payload"] == {"a": 1}
        assert 'peerlane_links{transport="sse"} 2' in await metrics(door)
    async with running(tmp_path) as door:
        assert 'peerlane_links{transport="sse"} 0' in await metrics(door)


async def test_a_post_that_comes_twice_is_heard_once(tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.stream() as ana, door.stream() as bob:
        for each in (ana, bob):
            await each.say(HELLO, join())
            await each.hear("joined")
        for n in (2, 2, 3, 2, 3):
            assert await ana.post(json.dumps(broadcast(n)).encode(), n=n) == 204
        assert await ana.post(b"{}", n=9) == 409
        assert [(await bob.hear("broadcast"))["payload"] for _ in range(2)] == [2, 3]
        assert await ana.post(json.dumps(broadcast("end")).encode(), n=4) == 204
        assert (await bob.hear("broadcast"))["payload"] == "end"


async def test_the_last_event_id_says_where_a_stream_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.stream() as bob:
        async with door.stream() as ana:
            await ana.say(HELLO, join())
            welcome = await ana.hear("welcome")
            await ana.hear("joined")
            await bob.say(HELLO, join())
            await bob.hear("joined")
            await ana.hear("peer-joined")
            last = ana.last
            assert last == f"{welcome['epoch']}-2"
        await bob.say(broadcast("missed"), broadcast("too"))
        # What the hello says of it is not asked for then: an EventSource knows nothing else.
        resume = {"ticket": welcome["ticket"], "epoch": "nonsense", "received": 0}
        async with door.stream(**{"Last-Event-ID": last}) as ana:
            await ana.say({**HELLO, "resume": resume})
            assert (await ana.hear("welcome"))["resumed"] is True
            assert [(await ana.hear("broadcast"))["payload"] for _ in range(2)] == ["missed", "too"]
            assert ana.last == f"{welcome['epoch']}-4"


@pytest.mark.parametrize("last", ["nonsense", "-1", "a-x", "a-" + "9" * 40, "é-1", "x" * 100 + "-1", "a-1x"])
async def test_a_last_event_id_that_is_none_is_refused(last: str, tmp_path: Path) -> None:
    async with (
        running(tmp_path) as door,
        door.http.get(f"{door.url}/v1/sse", headers={"Last-Event-ID": last}) as answer,
    ):
        assert answer.status == 400


async def test_links_that_nobody_was_given_have_ended(tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.stream() as ana:
        node, secret, seal = ana.link.split(".")
        for link in (f"{node}.{secret}.x", f"other.{secret}.{seal}", f"{node}.x.{seal}"):
            assert await ana.post(b"{}", n=1, link=link) == 410
        for link in ("x", "..", "." * 9, "a" * 500, f"{node}..{seal}"):
            assert await ana.post(b"{}", n=1, link=link) == 400
        for number in ("0", "-1", "x", "9" * 30, "1.5", "²"):
            headers = {"Peerlane-Link": ana.link, "Peerlane-Number": number}
            async with door.http.post(f"{door.url}/v1/messages", headers=headers) as answer:
                assert answer.status == 400
        await ana.say(HELLO)
        await ana.hear("welcome")


async def test_a_body_that_is_too_long_is_refused_and_the_link_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.stream() as ana:
        assert await ana.post(b"x" * 500_000, n=1) == 413

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(200):
                yield b"[" * 10_000

        headers = {"Peerlane-Link": ana.link, "Peerlane-Number": "1"}
        try:
            async with door.http.post(f"{door.url}/v1/messages", data=endless(), headers=headers) as answer:
                assert answer.status == 413
        except aiohttp.ClientError:
            pass  # it hangs up on who goes on
        await ana.say(HELLO)
        await ana.hear("welcome")


async def test_a_flood_of_posts_is_asked_to_wait(tmp_path: Path) -> None:
    limits = LimitsConfig(messages_per_second=10.0, messages_burst=10)
    async with running(tmp_path, limits) as door, door.stream() as ana:
        await ana.say(HELLO, join())
        await ana.hear("joined")
        body = json.dumps([broadcast(0)] * 40).encode()
        statuses = [await ana.post(body, n=n) for n in range(2, 30)]
        assert 429 in statuses


async def test_unreadable_posts_end_the_link_with_a_reason(tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.stream() as ana:
        await ana.say(HELLO)
        await ana.hear("welcome")
        for n in (2, 3, 4):
            await ana.post(b"\xff\x00nonsense", n=n)
        assert (await ana.hear("bye"))["code"] == 4500
        assert await ana.event() == {"code": 4500, "reason": "bad-words"}
        assert await ana.post(b"{}", n=5) == 410


async def test_pages_of_other_origins_are_kept_out_of_everything(tmp_path: Path) -> None:
    evil = {"Origin": "https://evil.example"}
    async with running(tmp_path) as door, door.stream() as ana:
        for method, path in (("GET", "sse"), ("POST", "sse"), ("POST", "poll"), ("OPTIONS", "sse")):
            async with door.http.request(method, f"{door.url}/v1/{path}", headers=evil) as answer:
                assert answer.status == 403
                assert "Access-Control-Allow-Origin" not in answer.headers
        headers = {**evil, "Peerlane-Link": ana.link, "Peerlane-Number": "1"}
        async with door.http.post(f"{door.url}/v1/messages", headers=headers) as answer:
            assert answer.status == 403


async def test_nothing_on_the_way_may_keep_a_stream(tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.http.get(f"{door.url}/v1/sse") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "no-store" in answer.headers["Cache-Control"]


async def test_a_client_that_has_hung_up_is_away(tmp_path: Path) -> None:
    async with running(tmp_path) as door, door.stream() as bob:
        await bob.say(HELLO, join())
        await bob.hear("joined")
        async with door.stream() as ana:
            await ana.say(HELLO, join())
            await ana.hear("joined")
        assert (await bob.hear("peer-updated"))["away"] is True


async def test_slices_bring_the_same_and_each_may_be_asked_for_again(tmp_path: Path) -> None:
    async with running(tmp_path) as door:
        slices = Slices(door)
        ana = Stream(door, slices.readuntil)
        slices.stream = ana
        await ana.open()
        await ana.say(HELLO, join())
        await ana.hear("joined")
        assert await slices.again() == slices.body
        assert (await slices.ask(slices.n + 5))[0] == 409
        assert (await slices.ask(1))[0] == 409
        async with door.stream() as bob:
            await bob.say(HELLO, join())
            await bob.hear("joined")
            await bob.say(broadcast("hi"))
            assert (await ana.hear("broadcast"))["payload"] == "hi"
            assert 'peerlane_links{transport="long-poll"} 1' in await metrics(door)
        await ana.say({"type": "bye"})
        await ana.hear("bye")
        assert (await ana.event())["code"] == 4504
        assert (await slices.ask(slices.n + 1))[0] == 410


class Slices:
    def __init__(self, door: Door) -> None:
        self.door = door
        self.stream: Stream
        self.n = 0
        self.body = b""
        self._waiting = b""

    async def ask(self, n: int) -> tuple[int, bytes]:
        link = self.stream.link
        headers = {"Peerlane-Link": link, "Peerlane-Number": str(n)} if link else {}
        async with self.door.http.post(f"{self.door.url}/v1/poll", headers=headers) as answer:
            return answer.status, await answer.read()

    async def again(self) -> bytes:
        return (await self.ask(self.n))[1]

    async def readuntil(self, end: bytes) -> bytes:
        while end not in self._waiting:
            self.n += 1
            status, self.body = await self.ask(self.n)
            assert status == 200
            self._waiting += self.body
        event, _, self._waiting = self._waiting.partition(end)
        return event + end


async def metrics(door: Door) -> str:
    async with door.http.get(f"{door.url}/metrics") as answer:
        return await answer.text()
