"""``peerlane drain`` against a real server: it says how far the node is, and ends when nobody is left."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from peer.room import join
from tests.end_to_end.conftest import PATIENCE, ServerProcess, StartServer, eventually

pytestmark = pytest.mark.end_to_end
TOKEN = "sixteen characters or more"


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    return start_server(PEERLANE_SERVER_ADMIN_TOKENS=json.dumps([TOKEN]))


async def drained(server: ServerProcess, *arguments: str, token: str = TOKEN) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "peerlane", "drain", server.url, "--token", token, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_a_node_is_empty_when_the_command_is_done_and_ends_at_once_when_it_is_stopped(
    server: ServerProcess,
) -> None:
    async with join(server.url, "arena") as room:
        code, output, errors = await drained(server, "--json")
        assert (code, errors) == (0, "")
        told = [json.loads(line) for line in output.splitlines()]
        assert (told[0]["state"], told[-1]["state"]) == ("leaving", "left")
        await eventually(lambda: room.state == "interrupted", "the goodbye")
        assert (await drained(server))[::2] == (0, "everybody has gone; the process may be stopped now\n")
        server.leave()
        await eventually(lambda: '"stopped"' in server.log, "its end")


async def test_without_a_good_token_a_node_stays(server: ServerProcess) -> None:
    code, output, errors = await drained(server, token="another one")
    assert (code, output) == (1, "")
    assert "server.admin_tokens" in errors
    async with join(server.url, "arena") as room:
        assert room.state == "open"
