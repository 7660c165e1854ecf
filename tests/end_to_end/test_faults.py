"""What happens around a server: clocks that jump, a full disk, a loop held up, settings that change."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import msgspec
import pytest
from aiohttp import ClientSession

from tests.cluster.members import ROOM_SIZE, Crowd, Member
from tests.end_to_end.conftest import ServerProcess, eventually

pytestmark = pytest.mark.end_to_end

SECRET = "a secret for tokens, of 32 bytes at least"
TURN_LIFETIME = 600
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
ADMIN_TOKEN = "the token of the administrator"
BLOCKING = Path(__file__).parent / "blocking"
QUICK_PINGS = {"PEERLANE_SESSION_PING_INTERVAL": "1", "PEERLANE_SESSION_PING_TIMEOUT": "1"}


@asynccontextmanager
async def crowd_at(server: ServerProcess, rooms: int = 3) -> AsyncIterator[Crowd]:
    """Some clients who talk all the time; at the end nothing of what they said may be missing."""
    crowd = Crowd([[server.url]] * (rooms * ROOM_SIZE))
    await crowd.enter()
    talking = asyncio.create_task(crowd.talk(50.0))
    try:
        yield crowd
        talking.cancel()
        await crowd.settled(10.0)
        counts = crowd.counts()
        assert (counts.lost, counts.doubled, counts.reordered, counts.undelivered) == (0, 0, 0, 0)
        assert crowd.presence().is_right
    finally:
        talking.cancel()
        await crowd.leave()


@asynccontextmanager
async def serving(folder: Path, *arguments: str, **settings: str) -> AsyncIterator[ServerProcess]:
    server = ServerProcess(folder, settings, *arguments)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        server.close()


async def figure(server: ServerProcess, name: str) -> float:
    """One number of ``/metrics``."""
    async with ClientSession() as http, http.get(f"{server.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


async def resume(crowd: Crowd, member: Member) -> bool:
    """Break its link; whether the session went on over the next one."""
    before = len(crowd.backs)
    member.client.perform(member.client.session.moved(member.client.now))
    await eventually(lambda: len(crowd.backs) > before, "the member is back")
    return crowd.backs[-1].resumed


def tickets(crowd: Crowd) -> set[str]:
    return {member.client.session.welcome.ticket for member in crowd.members if member.client.session.welcome}


@pytest.mark.skipif(not FAKETIME.exists(), reason="libfaketime is missing: apt-get install libfaketime")
async def test_f17_a_clock_that_jumps_disconnects_nobody(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0")
    key = {"algorithm": "HS256", "secret": SECRET}
    turn = {"urls": ["turn:turn.example"], "secrets": ["the secret of the TURN server"]}
    settings = QUICK_PINGS | {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PEERLANE_AUTH_KEYS": msgspec.json.encode([key]).decode(),
        "PEERLANE_AUTH_GUESTS": "join,create,signal,broadcast",
        "PEERLANE_ICE_TURN": msgspec.json.encode([turn]).decode(),
        "PEERLANE_ICE_TURN_LIFETIME": str(TURN_LIFETIME),
    }
    async with serving(tmp_path, **settings) as server, crowd_at(server) as crowd:
        first = crowd.members[0]
        former = tickets(crowd)
        clock.write_text("+1h")
        # All tickets and all accounts at TURN servers have ended at once; each client is given others.
        await eventually(lambda: not former & tickets(crowd), "everybody has a new ticket")
        await eventually(lambda: all(each.renewed_servers for each in crowd.members), "and a new account")
        for member in crowd.members:
            ends = int(member.renewed_servers[0].username.partition(":")[0])
            assert abs(ends - (time.time() + 3_600 + TURN_LIFETIME)) < 60
        assert crowd.backs == []
        assert await resume(crowd, first)
        clock.write_text("-1h")
        await asyncio.sleep(2.5)  # two pings of everybody
        assert len(crowd.backs) == 1
        assert await resume(crowd, first)
        # Less than auth.leeway, in both directions.
        for jump, lifetime in (("-5", 60), ("+5", 0)):
            clock.write_text(jump)
            now = int(time.time())
            token = jwt.encode({"sub": "ana", "iat": now, "nbf": now, "exp": now + lifetime}, SECRET, "HS256")
            async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
                assert (await http.get(f"{server.url}/v1/ice-servers")).status == 200
        assert not any(member.ended for member in crowd.members)


async def test_f18_a_full_disk_costs_lines_of_the_log_and_nothing_else(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, PEERLANE_SERVER_ADMIN_TOKENS=ADMIN_TOKEN) as server,
        crowd_at(server) as crowd,
        ClientSession(headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}) as http,
    ):
        _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        size = len(server.log.encode())
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, most))
        for _ in range(20):  # each is a line
            assert (await http.get(f"{server.url}/v1/admin/rooms")).status == 200
        await eventually(lambda: _is_figure(server, "peerlane_log_dropped_total", 20.0), "20 lines dropped")
        assert len(server.log.encode()) == size
        assert await resume(crowd, crowd.members[0])
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
        await http.get(f"{server.url}/v1/admin/rooms")
        await eventually(lambda: '"list-rooms"' in server.log[size:], "the log goes on")
        told = msgspec.json.decode(server.log[size:].splitlines()[0])
        assert (told["event"], told["dropped"]) == ("log-dropped", 20)


async def test_f20_what_holds_up_the_loop_is_named_and_nobody_is_given_up(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, PYTHONPATH=str(BLOCKING), **QUICK_PINGS) as server,
        crowd_at(server) as crowd,
    ):
        for count in range(1, 4):
            os.kill(server.pid, signal.SIGUSR1)
            await eventually(
                lambda n=count: _is_figure(server, "peerlane_loop_stalls_total", n), "it is counted"
            )
        stalls = [line for line in server.log.splitlines() if '"loop-stall"' in line]
        assert len(stalls) == 3
        assert all("hold_up_the_loop" in line for line in stalls)
        assert crowd.backs == []


async def test_f20_a_server_that_was_halted_gives_nobody_up(tmp_path: Path) -> None:
    async with serving(tmp_path, **QUICK_PINGS) as server, crowd_at(server) as crowd:
        os.kill(server.pid, signal.SIGSTOP)
        await asyncio.sleep(0.5)
        os.kill(server.pid, signal.SIGCONT)
        await eventually(lambda: '"halted"' in server.log, "it says so")
        assert await figure(server, "peerlane_loop_stalls_total") == 0.0
        assert crowd.backs == []


OLD = """
[server]
tokens = ["the old token of a program"]
ticket_key = "the old key for tickets, of 32 characters"
[limits]
max_rooms = 7
"""
NEW = """
[server]
tokens = ["the new token of a program"]
ticket_key = "the new key for tickets, of 32 characters"
former_ticket_keys = ["the old key for tickets, of 32 characters"]
admin_tokens = ["the token of the administrator"]
origins = ["https://example.org"]
[limits]
max_rooms = 8
[log]
level = "debug"
"""


async def test_f21_settings_and_keys_change_without_a_disconnect(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(OLD)
    async with (
        serving(tmp_path, "--config", str(file)) as server,
        crowd_at(server) as crowd,
        ClientSession() as http,
    ):
        rooms = f"{server.url}/v1/admin/rooms"
        administrator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        foreign = {"Origin": "https://example.org"}
        assert (await http.get(rooms, headers=administrator)).status == 404
        assert (await http.get(f"{server.url}/v1/ice-servers", headers=foreign)).status == 403
        file.write_text(NEW)
        await reload(server, '"reloaded"')
        assert (await http.get(rooms, headers=administrator)).status == 200
        assert (await http.get(f"{server.url}/v1/ice-servers", headers=foreign)).status == 200
        assert "limits.max_rooms has changed; restart" in server.log
        assert crowd.backs == []
        # With a ticket under the former key, and then with one under the new.
        assert await resume(crowd, crowd.members[0])
        assert await resume(crowd, crowd.members[0])
        file.write_text(NEW + "\n[server]\n")
        await reload(server, "the settings of before hold")
        assert (await http.get(rooms, headers=administrator)).status == 200
        # The last step of a rotation: only who has not been given a ticket since then starts afresh.
        file.write_text(NEW.replace("former_ticket_keys", "# former_ticket_keys"))
        await reload(server, '"reloaded"')
        assert await resume(crowd, crowd.members[0])
        assert len(crowd.backs) == 3


async def reload(server: ServerProcess, told: str) -> None:
    known = len(server.log)
    os.kill(server.pid, signal.SIGHUP)
    await eventually(lambda: told in server.log[known:], f"the log says {told}")


async def _is_figure(server: ServerProcess, name: str, value: float) -> bool:
    return await figure(server, name) == value
