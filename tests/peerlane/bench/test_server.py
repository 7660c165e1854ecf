"""From where a server is loaded, and whether it is there."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestServer

from peer.errors import Lost, Refused
from peerlane.bench.plan import Plan
from peerlane.bench.server import at_loopback, require_server, usual_sources
from signaling.app import create_app
from signaling.config import Config, Server

PLAN = Plan(["ws://127.0.0.1:9/v1/ws"], "run")

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only there 127.0.0.2 is an address too")


@on_linux
def test_this_machine_is_called_by_its_number() -> None:
    assert at_loopback(["ws://localhost:80/v1/ws", "ws://127.0.0.1/x?y=1"]) == [
        "ws://127.0.0.1:80/v1/ws",
        "ws://127.0.0.1/x?y=1",
    ]


@pytest.mark.parametrize("url", ["ws://example.org/v1/ws", "ws://[::1]:80/v1/ws", "wss://localhost/v1/ws"])
def test_others_are_called_by_their_name(url: str) -> None:
    assert at_loopback(["ws://127.0.0.1/v1/ws", url]) is None


@pytest.mark.parametrize(
    ("values", "sources"),
    [
        ({"rooms": 1, "peers": 2}, 2),
        ({"ramp": 100.0}, 4),
        ({"ramp": 0.0}, 20),
        ({"rooms": 1000, "peers": 10, "ramp": 100.0}, 50),
        ({"rooms": 10_000, "peers": 10}, 250),
    ],
)
def test_there_are_as_many_addresses_as_the_usual_limits_need(values: dict[str, float], sources: int) -> None:
    assert usual_sources(msgspec.structs.replace(PLAN, **values)) == sources


async def test_a_server_that_is_not_there_is_told_before_anything_begins() -> None:
    with pytest.raises(Lost, match="is a server running at"):
        await require_server(PLAN)


async def test_a_server_that_wants_a_token_says_so(tmp_path: Path) -> None:
    config = Config(server=Server(tokens=["s3cret"], state_dir=str(tmp_path)))
    async with TestServer(create_app(config)) as server:
        plan = msgspec.structs.replace(PLAN, urls=[f"ws://127.0.0.1:{server.port}/v1/ws"])
        with pytest.raises(Refused, match="token"):
            await require_server(plan)
        await require_server(msgspec.structs.replace(plan, token="s3cret"))
