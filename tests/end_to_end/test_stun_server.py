"""Our STUN responder, as coturn's own tool for examining NATs reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from signaling.metrics import Metrics
from signaling.stun_server import StunServer, start_stun
from tests import needs

pytestmark = pytest.mark.end_to_end
PATIENCE = 30.0


@pytest.fixture
async def server() -> AsyncIterator[StunServer]:
    started = await start_stun(["127.0.0.1"], 0, Metrics(), ["127.0.0.2"])
    yield started
    started.close()


async def natdiscovery(*arguments: str) -> str:
    program = needs.program("turnutils_natdiscovery")
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    return output.decode()


@pytest.mark.parametrize(
    ("examination", "found"),
    [
        ("-m", "No NAT! (Endpoint Independent Mapping)"),
        ("-f", "NAT with Endpoint Independent Filtering!"),
        ("-mP", "No ALG: Mapped == XOR-Mapped"),
    ],
    ids=["mapping", "filtering", "padding"],
)
async def test_coturns_tool_examines_this_machine_with_our_help(
    server: StunServer, examination: str, found: str
) -> None:
    said = await natdiscovery(examination, "-L", "127.0.0.1", "-p", str(server.port), "127.0.0.1")
    assert found in said, said
    assert f"Other addr: : 127.0.0.2:{server.port + 1}" in said
