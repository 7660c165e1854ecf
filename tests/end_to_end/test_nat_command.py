"""``peerlane nat check`` as a process: against our own server, and against nobody."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from peer.nat.report import SCHEMA, Report
from tests.end_to_end.commands import command
from tests.end_to_end.conftest import ServerProcess, StartServer
from tests.end_to_end.coturn import PASSWORD, USER, coturn
from tests.peer.engine.ice.generations import stun_server

pytestmark = pytest.mark.end_to_end

QUICK = ("--no-hops", "--no-port-mapping")


class Done(NamedTuple):
    code: int
    out: str
    errors: str
    took: float


async def check(*arguments: str, **environment: str) -> Done:
    """Run it to its end, without a terminal."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "peerlane", "nat", "check", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | environment,
    )
    async with asyncio.timeout(30):
        out, errors = await process.communicate()
    assert b"Traceback" not in errors
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), errors.decode(), time.monotonic() - began)


@pytest.fixture
async def server(start_server: StartServer) -> AsyncIterator[ServerProcess]:
    """One that names a STUN server, which says that all come from the same public endpoint."""
    async with stun_server(("203.0.113.7", 40_000)) as (_, url):
        yield start_server(PEERLANE_ICE_SERVERS=json.dumps([{"urls": [url]}]))


def on_terminal(*arguments: str, **environment: str) -> str:
    """What a person sees."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "peerlane", "nat", "check", *arguments],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": ""} | environment,
    )
    os.close(theirs)
    seen = b""
    try:
        while read := os.read(ours, 65_536):
            seen += read
    except OSError:
        pass  # how Linux says that the other side is closed
    os.close(ours)
    process.wait(10)
    return seen.decode()


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def silent_port() -> tuple[socket.socket, int]:
    """A UDP port that takes everything and says nothing."""
    taken = socket.socket(type=socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    return taken, taken.getsockname()[1]


async def test_our_own_server_is_reached_and_the_report_is_of_its_schema(server: ServerProcess) -> None:
    done = await check(server.url, "--json", *QUICK)
    lines = done.out.splitlines()
    assert len(lines) == 1
    report = msgspec.json.decode(lines[0], type=Report)
    assert report.schema == SCHEMA
    assert done.code == report.verdict.exit_code
    assert report.observations.signaling[0].http_status == 200
    assert report.observations.signaling[0].websocket_rtt is not None
    assert any(answer.rtt is not None for answer in report.observations.stun)
    assert done.errors == ""


async def test_text_on_a_pipe_has_no_escapes_and_begins_with_the_verdict(server: ServerProcess) -> None:
    report = json.loads((await check(server.url, "--json", *QUICK)).out)
    done = await check(server.url, *QUICK)
    words = report["verdict"]["sentence"].split()[0]
    assert done.out.startswith(words)
    assert "\x1b" not in done.out + done.errors
    assert done.errors == ""
    assert max(map(len, done.out.splitlines())) <= 100


async def test_a_terminal_has_colours_and_progress_that_is_erased_before_the_report(
    server: ServerProcess,
) -> None:
    seen = await asyncio.to_thread(on_terminal, server.url, *QUICK)
    assert "%" in seen
    progress, _, report = seen.rpartition("\r\x1b[K")
    assert "\x1b[" in report
    assert "What to expect" not in progress
    again = await asyncio.to_thread(on_terminal, server.url, *QUICK, NO_COLOR="1")
    plain = again.rpartition("\r\x1b[K")[2]
    assert "What to expect" in plain
    assert "\x1b" not in plain


async def test_a_server_with_two_addresses_tells_the_whole_behaviour_and_relays(tmp_path: Path) -> None:
    async with coturn(tmp_path, "--listening-ip=127.0.0.2", f"--alt-listening-port={free_port()}") as turn:
        named = (turn.url("udp"), turn.url("tcp"), "--username", USER, "--password", PASSWORD)
        done = await check(*named, "--json", *QUICK)
        report = msgspec.json.decode(done.out, type=Report)
        (found,) = report.behaviour
        assert (found.mapping, found.filtering, found.is_stable) == (
            "endpoint-independent",
            "endpoint-independent",
            True,
        )
        assert [it.echo_rtt is not None for it in report.observations.turn] == [True, True]
        assert report.observations.size[0].fragments
        assert done.code == 0
        refused = await check(turn.url("udp"), "--username", USER, "--password", "wrong", "--json", *QUICK)
        assert json.loads(refused.out)["observations"]["turn"][0]["code"] == 401


async def test_a_silent_server_ends_in_time_without_connectivity() -> None:
    taken, port = silent_port()
    with taken:
        done = await check(f"stun:127.0.0.1:{port}", "--json", *QUICK)
        assert done.took < 6
        assert done.code == 4
        assert json.loads(done.out)["verdict"]["exit_code"] == 4


async def test_a_server_that_is_not_there_ends_in_time_without_connectivity() -> None:
    done = await check("http://localhost:9", *QUICK)
    assert done.took < 6
    assert done.code == 4
    assert "What to do" in done.out


async def test_an_anonymous_report_names_neither_the_server_nor_an_address(server: ServerProcess) -> None:
    text = (await check(server.url, "--json", "--anonymize", *QUICK)).out
    assert "localhost" not in text
    assert "203.0.113.7" not in text
    assert "127.0.0.1" not in text


async def test_watching_writes_one_report_a_line_until_it_is_interrupted(server: ServerProcess) -> None:
    arguments = ("nat", "check", server.url, "--json", "--watch", "0.1", *QUICK)
    async with command(*arguments) as watching:
        reports: list[dict[str, Any]] = [json.loads(await watching.line()) for _ in range(2)]
        watching.interrupt()
        assert await watching.ended() == reports[-1]["verdict"]["exit_code"]
        assert reports[0]["schema"] == reports[1]["schema"] == SCHEMA


async def test_watching_tells_people_what_has_changed(server: ServerProcess) -> None:
    async with command("nat", "check", server.url, "--watch", "0.5", *QUICK) as watching:
        while "no change" not in (line := await watching.line()):
            pass
        assert line[2] == line[5] == ":"
        server.kill()
        while "no change" in (line := await watching.line()):
            pass
        assert line[2] == line[5] == ":"
        watching.interrupt()
        assert await watching.ended() == 4


async def test_an_interrupt_is_exit_code_130_and_shows_no_traceback() -> None:
    taken, port = silent_port()
    with taken:
        async with command("nat", "check", f"stun:127.0.0.1:{port}", *QUICK) as checking:
            taken.settimeout(10)
            taken.recv(1000)
            checking.interrupt(signal.SIGINT)
            assert await checking.ended() == 130
            assert "Traceback" not in "".join(checking.errors)
