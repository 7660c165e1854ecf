"""Clients that know two nodes: one leaves, or is killed, and they go on at the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from peer import events
from peer.channels.kinds import RELIABLE
from peer.room import Room, join
from signaling.pages import web_folder
from tests.end_to_end.conftest import PATIENCE, ServerProcess, StartServer, eventually, until
from tests.peer.signaling_client.test_moving import nodes

pytestmark = pytest.mark.end_to_end

ONE_KEY = {"PEERLANE_SERVER_TICKET_KEY": "one key for all nodes, of 32 characters or more"}
BACK_WITHIN = 5.0
"""Seconds within which somebody is back whose node was killed."""


class Witness:
    """Notes what a room tells."""

    def __init__(self, room: Room) -> None:
        self.told: list[Any] = []
        for kind in (events.Interrupted, events.Restored, events.PeerLeft, events.PeerInterrupted):
            room.on(kind)(self.told.append)

    def all_of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]


async def the_peer(room: Room, name: str) -> Any:
    async with asyncio.timeout(PATIENCE):
        async for peer in room.peers():
            if peer.name == name:
                await peer.wait_connected()
                return peer
    raise AssertionError(f"{name} never came")


@pytest.mark.parametrize("end", ["leave", "kill"])
async def test_python_peers_go_on_at_another_node_and_keep_their_call(
    start_server: StartServer, end: str
) -> None:
    first, second = start_server(**ONE_KEY), start_server(**ONE_KEY)
    urls = [first.url, second.url]
    async with join(urls, "garden", name="Ana") as ana, join(urls, "garden", name="Ben") as ben:
        ids = ana.me, ben.me
        moves = await (await the_peer(ana, "Ben")).open("moves", RELIABLE)
        heard = await anext((await the_peer(ben, "Ana")).channels())
        witnesses = [Witness(ana), Witness(ben)]
        getattr(first, end)()
        ended = time.monotonic()
        await eventually(lambda: all(each.all_of(events.Restored) for each in witnesses), "they are back")
        assert time.monotonic() - ended < BACK_WITHIN
        await eventually(lambda: ana.peer(ids[1]) and ben.peer(ids[0]), "they know each other")
        assert (ana.me, ben.me) == ids
        await moves.send(b"left")
        assert await asyncio.wait_for(anext(aiter(heard)), PATIENCE) == b"left"
        for each in witnesses:
            assert not each.all_of(events.PeerInterrupted) + each.all_of(events.PeerLeft)
        async with join(second.url, "garden", name="Cem") as cem:
            assert {(await the_peer(cem, name)).id for name in ("Ana", "Ben")} == set(ids)


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[TestServer]:
    """Somebody's own site, which has the library for pages."""
    folder = web_folder()
    assert folder is not None

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>a game</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_static("/lib", folder / "lib")
    async with TestServer(app, host="localhost") as running:
        yield running


WATCH = """() => {
  window.told = [];
  const { room } = window.peerlane;
  room.on("restored", ({ resumed }) => window.told.push(`resumed: ${resumed}`));
  for (const kind of ["interrupted", "peer-left", "peer-interrupted", "closed"]) {
    room.on(kind, () => window.told.push(kind));
  }
}"""

ENTER = """async ([urls, name]) => {
  const { join } = await import("/lib/room.js");
  window.told = [];
  window.room = await join(urls, "garden", { name });
  for (const kind of ["interrupted", "restored", "peer-left", "peer-interrupted", "closed"]) {
    window.room.on(kind, () => window.told.push(kind));
  }
}"""


async def enter(browser: Browser, site: TestServer, urls: list[str], name: str) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(str(site.make_url("/")))
    await page.evaluate(ENTER, [urls, name])
    return page


async def test_a_page_and_a_python_peer_go_on_at_another_node(
    start_server: StartServer, browser: Browser, site: TestServer
) -> None:
    origin = str(site.make_url("/")).rstrip("/")
    nodes: list[ServerProcess] = [
        start_server(**ONE_KEY, PEERLANE_SERVER_ORIGINS=origin, PEERLANE_SESSION_SETTLE="10")
        for _ in range(2)
    ]
    urls = [node.url for node in nodes]
    async with AsyncExitStack() as stack:
        page = await enter(browser, site, urls, "Ana")
        ben = await stack.enter_async_context(join(urls, "garden", name="Ben"))
        await the_peer(ben, "Ana")
        await until(page, "window.room.roster[0]?.state === 'connected'")
        ids = await page.evaluate("window.room.me"), ben.me
        regions = await page.evaluate("async (url) => (await fetch(url)).json()", f"{urls[0]}/v1/regions")
        assert regions.keys() == {"region", "node", "nodes"}
        nodes[0].leave()
        await until(page, "window.told.includes('restored') && window.room.state === 'open'")
        await eventually(lambda: ben.state == "open" and ben.peer(ids[0]), "Ben is there too")
        cem = await stack.enter_async_context(join(urls[1], "garden", name="Cem"))
        assert {(await the_peer(cem, name)).id for name in ("Ana", "Ben")} == set(ids)
        assert (await page.evaluate("window.room.me"), ben.me) == ids
        assert await page.evaluate("window.told") == ["interrupted", "restored"]
        assert await page.evaluate("window.room.roster.map(({ state }) => state)") == ["connected"] * 2


async def test_the_page_of_a_node_that_leaves_goes_on_whole_at_another_that_it_was_told_of(
    browser: Browser, faults: list[str]
) -> None:
    async with nodes("eu", "eu") as (first, second):
        url = first.config.cluster.public_url
        page = await (await browser.new_context()).new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        async with join(url, "garden", name="Ben") as ben:
            await page.goto(f"{url}/?room=garden&name=Ana&join=1")
            await until(page, "window.peerlane?.room?.roster[0]?.state === 'connected'")
            await page.evaluate(WATCH)
            me = await page.evaluate("window.peerlane.room.me")
            await first.drain()
            await until(page, "window.told.length > 1 && window.peerlane.room.state === 'open'")
            assert await page.evaluate("window.told") == ["interrupted", "resumed: true"]
            assert set(second.hub.sessions) == {me, ben.me}
        await page.close()
    assert not faults
