"""A Peerlane server over HTTP and WebSocket, and what else may answer in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from peer.nat.probes.signaling import Reached, probe_signaling
from signaling.app import create_app
from signaling.config import Config, Ice, Server
from signaling.protocol.messages import IceServer

STUN = IceServer(["stun:stun.example.org"])


async def reached(origin: str, token: str = "") -> Reached:
    return await probe_signaling(origin.rstrip("/"), token, verify=True, timeout=2.0)


@asynccontextmanager
async def answering(answer: Callable[[], web.Response]) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return answer()

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        yield str(server.make_url(""))


async def test_our_own_server_is_there_and_names_its_stun_servers(tmp_path: Path) -> None:
    config = Config(server=Server(dev=True, state_dir=str(tmp_path)), ice=Ice(servers=[STUN]))
    async with TestServer(create_app(config)) as server:
        found = await reached(str(server.make_url("")))
        assert found.answer.http_status == 200
        assert found.answer.http_rtt is not None
        assert found.answer.websocket_rtt is not None
        assert found.answer.trouble == ""
        assert STUN.urls in [each.urls for each in found.servers]


async def test_a_server_that_asks_for_a_token_has_refused_and_with_it_it_has_not(tmp_path: Path) -> None:
    token = "the one and only token"
    config = Config(server=Server(tokens=[token], state_dir=str(tmp_path)))
    async with TestServer(create_app(config)) as server:
        url = str(server.make_url(""))
        refused, admitted = await reached(url, "another"), await reached(url, token)
        assert refused.answer.refused
        assert "token" in refused.answer.trouble
        assert not admitted.answer.refused
        assert admitted.answer.websocket_rtt is not None


@pytest.mark.parametrize(
    ("answer", "is_portal"),
    [
        (lambda: web.Response(text="<html>Log in!", content_type="text/html"), True),
        (lambda: web.Response(status=302, headers={"Location": "http://192.0.2.1/login"}), True),
        (lambda: web.json_response({"server": "another"}), False),
        (lambda: web.Response(status=500), False),
        (lambda: web.Response(body=b"\xff" * 200_000), False),
        (lambda: web.json_response([[[]]]), False),
    ],
    ids=["page", "redirect", "another server", "error", "noise", "nonsense"],
)
async def test_who_is_no_peerlane_server_is_told_from_one(
    answer: Callable[[], web.Response], is_portal: bool
) -> None:
    async with answering(answer) as url:
        found = await reached(url)
        assert found.answer.is_portal is is_portal
        assert found.answer.websocket_rtt is None
        assert found.answer.trouble
        assert found.servers == []


async def test_nobody_there_is_a_trouble_and_no_error() -> None:
    found = await reached("http://127.0.0.1:9")
    assert found.answer.http_rtt is None
    assert found.answer.trouble
