"""``peerlane bench load`` as a process, against a real server: every pattern, exact counts, and its ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from signaling.app import create_app
from signaling.config import Config, Server
from tests.end_to_end.commands import Command, command
from tests.end_to_end.conftest import ServerProcess, StartServer

pytestmark = pytest.mark.end_to_end

SHORT = ("--rooms", "3", "--peers", "4", "--rate", "150", "--duration", "2", "--ramp", "0", "--json")


async def told(load: Command) -> dict[str, Any]:
    """The JSON that it ends with."""
    found: dict[str, Any] = json.loads(await load.line())
    return found


def faults(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["lost"], report["doubled"], report["reordered"]


async def test_every_pattern_is_counted_without_a_fault(server: ServerProcess) -> None:
    async def one(pattern: str, *more: str) -> tuple[dict[str, Any], int]:
        async with command("bench", "load", server.url, "--pattern", pattern, *SHORT, *more) as load:
            return await told(load), await load.ended()

    mesh, star, fanout, churn, storm = await asyncio.gather(
        one("mesh", "--processes", "3"),
        one("star"),
        one("fanout"),
        one("churn", "--churn", "8"),
        one("storm"),
    )
    for report, code in (mesh, star, fanout, churn, storm):
        assert (faults(report), report["sent"], code) == ((0, 0, 0), 300, 0), report
        assert report["arrived"] == report["expected"]
        assert report["latency"]["p50"] > 0
    assert fanout[0]["arrived"] == 3 * 300
    assert (churn[0]["came"], churn[0]["stayed_out"], churn[0]["resumed"]) == (16, 0, 4)
    assert (storm[0]["returns"]["lost"], storm[0]["resumed"]) == (12, 12)


async def test_a_killed_server_costs_time_and_no_signal(server: ServerProcess) -> None:
    arguments = ("--rooms", "4", "--peers", "3", "--rate", "100", "--duration", "6", "--wait", "20", "--json")
    async with command("bench", "load", server.url, *arguments) as load:
        await load.noted("running")
        await asyncio.to_thread(server.restart)
        report = await told(load)
        assert (faults(report), report["afresh"], report["joined"]) == ((0, 0, 0), 12, 12), report
        assert await load.ended() == 0


async def test_ctrl_c_ends_it_with_the_table(server: ServerProcess) -> None:
    async with command("bench", "load", server.url, "--duration", "600") as load:
        await load.noted("running: 2 of 600 s")
        load.interrupt()
        rows = {line.split()[0]: line async for line in lines(load)}
        assert await load.ended() == 130
    assert rows["lost"].split() == ["lost", "0"]
    assert rows["members"].split()[1:4] == ["80", "of", "80"]


async def lines(load: Command) -> AsyncIterator[str]:
    while line := await load.line():
        yield line


async def test_what_a_server_refuses_is_told_and_is_no_success(start_server: StartServer) -> None:
    server = start_server(PEERLANE_LIMITS_MAX_MEMBERS="3")
    async with command("bench", "load", server.url, *SHORT) as load:
        report = await told(load)
        assert await load.ended() == 1
    assert report["refusals"] == {"room-full": 3}
    assert (report["joined"], report["members"]) == (9, 12)
    # Nothing is said to who is not there, so nothing of it is lost.
    assert faults(report) == (0, 0, 0)
    assert report["unsent"] > 0


async def test_a_server_that_wants_a_token_gets_it(tmp_path: Path) -> None:
    config = Config(server=Server(tokens=["s3cret"], state_dir=str(tmp_path)))
    async with TestServer(create_app(config)) as server:
        url = f"http://127.0.0.1:{server.port}"
        async with command("bench", "load", url, *SHORT) as load:
            await load.noted("token")
            assert await load.ended() == 1
        async with command("bench", "load", url, "--token", "s3cret", *SHORT) as load:
            assert faults(await told(load)) == (0, 0, 0)
            assert await load.ended() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("http://127.0.0.1:9",), "is a server running at"),
        (("ftp://127.0.0.1",), "does not begin with"),
        (("http://127.0.0.1:9", "--rooms", "0"), "--rooms must be at least 1"),
        (("http://127.0.0.1:9", "--rooms", "900000"), "ulimit -n"),
        (("http://example.org", "--sources", "9"), "--sources"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_line(arguments: tuple[str, ...], words: str) -> None:
    async with command("bench", "load", *arguments) as load:
        await load.noted(words)
        assert await load.ended() in (1, 2)
        assert len(load.errors) == 1
