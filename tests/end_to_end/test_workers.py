"""``peerlane serve --workers``: several processes at one port, which are one server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from peer import events
from peer.room import Room, join
from tests.end_to_end.brokers import Redis
from tests.end_to_end.brokers import running as brought_up
from tests.end_to_end.conftest import PATIENCE, eventually

pytestmark = pytest.mark.end_to_end

WORKERS = 3


class Workers:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.told: list[dict[str, Any]] = []

    async def read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.told.append(json.loads(line))

    def all_of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.told if line.get("event") == event]

    @property
    def pids(self) -> list[int]:
        """Of those that serve, the oldest first."""
        return [line["pid"] for line in self.all_of("worker")]


@asynccontextmanager
async def workers(folder: Path, bus: str) -> AsyncIterator[Workers]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PEERLANE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "peerlane", "serve", "--dev", "--port", "0", "--stun-port", "0"),
        *("--workers", str(WORKERS), "--backplane", bus, "--log-format", "json", "--state-dir", str(folder)),
        stderr=PIPE,
        env=environment,
    )
    running = Workers(process)
    reading = asyncio.create_task(running.read())
    try:
        await eventually(lambda: len(running.pids) == WORKERS, "all workers serve")
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
        await reading


def names(room: Room) -> set[str]:
    return {peer.name for peer in room.roster}


async def test_they_are_one_server_and_a_killed_one_is_missed_by_nobody(tmp_path: Path) -> None:
    async with (
        brought_up(Redis(tmp_path)) as redis,
        workers(tmp_path, redis.url) as running,
        AsyncExitStack() as stack,
    ):
        url = f"http://127.0.0.1:{running.all_of('listening')[0]['port']}"
        rooms = {name: await stack.enter_async_context(join(url, "arena", name=name)) for name in "abcdef"}

        lost: list[Any] = []
        for name, room in rooms.items():
            await eventually(lambda room=room, name=name: names(room) == set(rooms) - {name}, "all are seen")
            room.on(events.PeerLeft)(lost.append)
        ids = [room.me for room in rooms.values()]
        os.kill(running.pids[-1], signal.SIGKILL)
        await eventually(lambda: len(running.pids) > WORKERS, "another one serves")
        for name, room in rooms.items():
            await eventually(
                lambda room=room, name=name: room.state == "open" and names(room) == set(rooms) - {name},
                "all are back",
            )
        assert [room.me for room in rooms.values()] == ids
        assert not lost


async def test_told_to_leave_none_of_them_stays(tmp_path: Path) -> None:
    async with brought_up(Redis(tmp_path)) as redis:
        async with workers(tmp_path, redis.url) as running:
            pass
        assert running.process.returncode == 0
        for pid in running.pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


async def test_without_a_bus_they_do_not_begin_and_say_what_is_missing() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "peerlane", "serve", "--workers", "2"), stderr=PIPE
    )
    _, told = await process.communicate()
    assert process.returncode == 2
    assert b"--backplane" in told


async def test_one_that_cannot_begin_ends_all_and_says_why(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as taken:
        port = taken.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "peerlane", "serve", "--port", str(port), "--stun-port", "0"),
            *("--workers", "2", "--backplane", "redis://127.0.0.1:1", "--state-dir", str(tmp_path)),
            stderr=PIPE,
        )
        _, told = await process.communicate()
    assert process.returncode == 1
    assert f"port {port} is in use".encode() in told
    assert b"Traceback" not in told
