"""``peerlane serve`` as a process of its own: started, asked, told to leave, killed, started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientSession, WSMsgType

pytestmark = pytest.mark.end_to_end

PATIENCE = 20.0


class Served(NamedTuple):
    process: Process
    listening: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.listening["local"])

    async def leave(self, number: signal.Signals) -> tuple[int, float]:
        """Exit code, and seconds from the signal to the end."""
        started = asyncio.get_running_loop().time()
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            code = await self.process.wait()
        return code, asyncio.get_running_loop().time() - started


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PEERLANE_")}
    return kept | more


@asynccontextmanager
async def serving(state_dir: Path, port: int = 0) -> AsyncIterator[Served]:
    arguments = [
        "--port",
        str(port),
        "--stun-port",
        "0",
        "--dev",
        "--log-format",
        "json",
        "--state-dir",
        str(state_dir),
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "peerlane",
        "serve",
        *arguments,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(),
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE):
            record = json.loads(await process.stderr.readline())
        assert record["event"] == "listening"
        yield Served(process, record)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as opened:
        yield opened


async def say(socket: Any, message: dict[str, Any]) -> dict[str, Any]:
    await socket.send_json(message)
    async with asyncio.timeout(PATIENCE):
        answer: dict[str, Any] = await socket.receive_json()
    return answer


async def test_the_page_its_modules_and_the_status_are_there(tmp_path: Path, session: ClientSession) -> None:
    async with serving(tmp_path) as served:
        page = await session.get(served.url)
        assert page.status == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        module = await session.get(f"{served.url}lib/protocol.js")
        assert module.headers["Content-Type"].startswith("text/javascript")
        for path in ("healthz", "readyz", "metrics"):
            assert (await session.get(served.url + path)).status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_leave_it_says_goodbye_to_all_and_exits_with_0(
    tmp_path: Path, session: ClientSession, number: signal.Signals
) -> None:
    async with serving(tmp_path) as served:
        sockets = [await session.ws_connect(f"{served.url}v1/ws") for _ in range(20)]
        for socket in sockets:
            assert (await say(socket, {"type": "hello"}))["type"] == "welcome"
        leaving = asyncio.create_task(served.leave(number))
        for socket in sockets:
            async with asyncio.timeout(PATIENCE):
                bye = await socket.receive_json()
                assert (bye["type"], bye["code"]) == ("bye", 4000)
                assert (await socket.receive()).type is WSMsgType.CLOSE
        code, seconds = await leaving
        assert code == 0
        assert seconds < 5.0


@asynccontextmanager
async def deaf_client(port: int) -> AsyncIterator[None]:
    """A link that never answers, so that a polite close of it takes its full time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield
    finally:
        writer.close()


async def test_a_client_that_does_not_listen_does_not_keep_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, deaf_client(served.listening["port"]):
        code, seconds = await served.leave(signal.SIGTERM)
    assert code == 0
    assert seconds < 8.0


SLOW_TO_LEAVE = """
import asyncio, sys
from signaling.app import Server, serve
from signaling.config import Config, Server as ServerConfig

async def stop(self):
    print("leaving", flush=True)
    await asyncio.sleep(60)

Server.stop = stop
config = Config(server=ServerConfig(port=0, stun_port=0, state_dir=sys.argv[1], grace=float(sys.argv[2])))
asyncio.run(serve(config, announce=lambda where: print("listening", flush=True)))
"""


@asynccontextmanager
async def slow_to_leave(state_dir: Path, grace: float) -> AsyncIterator[Process]:
    """A server that has been told to leave, and would take a minute for it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SLOW_TO_LEAVE, str(state_dir), str(grace)), stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            assert await process.stdout.readline() == b"listening\n"
            process.terminate()
            assert await process.stdout.readline() == b"leaving\n"
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    async with slow_to_leave(tmp_path, grace=60.0) as process:
        process.terminate()
        assert await process.wait() == -signal.SIGTERM


async def test_it_never_takes_longer_than_its_grace(tmp_path: Path) -> None:
    async with slow_to_leave(tmp_path, grace=0.3) as process:
        assert await process.wait() == 0


async def test_killed_and_started_again_it_honours_its_tickets(
    tmp_path: Path, session: ClientSession
) -> None:
    async with serving(tmp_path) as served:
        async with session.ws_connect(f"{served.url}v1/ws") as socket:
            first = await say(socket, {"type": "hello"})
            served.process.kill()
            await served.process.wait()
        port = served.listening["port"]
    async with serving(tmp_path, port) as served, session.ws_connect(f"{served.url}v1/ws") as socket:
        claim = {"ticket": first["ticket"], "epoch": first["epoch"], "received": 0}
        second = await say(socket, {"type": "hello", "resume": claim})
    assert second["you"] == first["you"]
    assert second["resumed"] is False


async def test_another_state_directory_is_another_server(tmp_path: Path, session: ClientSession) -> None:
    async with serving(tmp_path / "one") as served, session.ws_connect(f"{served.url}v1/ws") as socket:
        first = await say(socket, {"type": "hello"})
    async with serving(tmp_path / "other") as served, session.ws_connect(f"{served.url}v1/ws") as socket:
        claim = {"ticket": first["ticket"], "epoch": first["epoch"], "received": 0}
        second = await say(socket, {"type": "hello", "resume": claim})
    assert second["you"] != first["you"]


async def test_it_refuses_to_run_on_a_lax_parser_and_says_what_to_do() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "peerlane", "serve", "--port", "0", "--stun-port", "0"),
        stdout=PIPE,
        stderr=PIPE,
        env=environment(AIOHTTP_NO_EXTENSIONS="1"),
    )
    _, told = await process.communicate()
    assert process.returncode == 1
    assert b"AIOHTTP_NO_EXTENSIONS" in told
    assert b"Traceback" not in told


async def test_for_people_it_prints_where_to_go(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "peerlane", "serve", "--port", "0", "--https", "--https-port", "0"),
        *("--dev", "--allow-insecure", "--state-dir", str(tmp_path)),
        stdout=PIPE,
        stderr=PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while not lines or "Ctrl-C" not in lines[-1]:
            line = (await process.stdout.readline()).decode()
            assert line, "ended before it had said everything"
            lines.append(line)
    process.terminate()
    await process.communicate()
    text = "".join(lines)
    assert "http://localhost:" in text
    assert "peerlane chat http://localhost:" in text
    assert "STUN" in text
    assert "\x1b" not in text
    assert process.returncode == 0


async def test_told_to_look_at_its_files_it_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path / "state") as served, ClientSession() as session:
        served.process.send_signal(signal.SIGHUP)
        assert (await session.get(f"{served.url}healthz")).status == 200
        code, _ = await served.leave(signal.SIGTERM)
        assert code == 0
