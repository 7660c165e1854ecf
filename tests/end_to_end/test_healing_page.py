"""Pages that lose each other: another path is found, or waited for, and nobody has to do anything."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Page

from peer import events
from peer.channels.kinds import RELIABLE
from peer.room import Room, join
from tests.end_to_end.conftest import OpenPage, ServerProcess, eventually, halted, until
from tests.end_to_end.looks import connected, hears, me, sees
from tests.end_to_end.wire import Wire

pytestmark = pytest.mark.end_to_end

# Notes what the page is told, and counts aloud over a channel: 20 numbers a second.
COUNT = """async () => {
  const { RELIABLE } = await import("/lib/channels/kinds.js");
  const { room } = window.peerlane;
  const [peer] = room.roster;
  window.told = [];
  window.heard = [];
  peer.on("state", (state) => window.told.push(state));
  room.on("peer-interrupted", ({ diagnosis }) => window.told.push(diagnosis?.code ?? null));
  room.on("peer-restored", ({ after }) => window.told.push(after));
  const channel = peer.open("count", RELIABLE);
  channel.on("message", (number) => window.heard.push(Number(number)));
  let next = 0;
  window.counting = setInterval(() => {
    void channel.send(String(next));
    next += 1;
  }, 50);
  window.stopCounting = () => (clearInterval(window.counting), next);
}"""

# Which round of ICE the connection is in: the username fragment changes with each.
ROUND = """async () => {
  const report = await window.peerlane.room.roster[0].stats();
  for (const entry of report.values()) if (entry.type === "transport") return entry.iceLocalUsernameFragment;
  return null;
}"""

# As the browser says when the device is on a network again.
BACK_ONLINE = "window.dispatchEvent(new Event('online'))"


async def count(*pages: Page) -> None:
    for page in pages:
        await page.evaluate(COUNT)
    for page in pages:
        await until(page, "window.heard.length > 5")


async def all_numbers_have_come(one: Page, other: Page) -> None:
    """Each side has heard every number of the other, once and in order."""
    for speaker, listener in ((one, other), (other, one)):
        sent = await speaker.evaluate("window.stopCounting()")
        await until(listener, f"window.heard.length >= {sent}")
        assert await listener.evaluate("window.heard") == list(range(sent))


async def another_round(page: Page, before: str) -> None:
    await eventually(lambda: _differs(page, before), "there are new ICE credentials")


async def _differs(page: Page, before: str) -> bool:
    return await page.evaluate(ROUND) not in (None, before)


async def test_a_device_on_another_network_finds_another_path_and_nothing_stops(
    server: ServerProcess, open_page: OpenPage
) -> None:
    ana, ben = await open_page("garden", "Ana"), await open_page("garden", "Ben")
    await connected(ana, ben)
    await count(ana, ben)
    ids = await me(ana), await me(ben)
    for page in (ana, ben):
        rounds = [await each.evaluate(ROUND) for each in (ana, ben)]
        await page.evaluate(BACK_ONLINE)
        for each, before in zip((ana, ben), rounds, strict=True):
            await another_round(each, before)
        await until(page, "window.peerlane.room.state === 'open'")
    await sees(ana, ids[1])
    await hears(ben, ids[0])
    await all_numbers_have_come(ana, ben)
    for page in (ana, ben):
        assert await page.evaluate("window.told") == []


async def test_without_the_server_a_call_goes_on_and_another_path_waits_for_it(
    server: ServerProcess, open_page: OpenPage
) -> None:
    async with Wire(server.port)() as wire:
        ana = await open_page("garden", "Ana", server=wire)
        ben = await open_page("garden", "Ben", server=server)
        await connected(ana, ben)
        await count(ana, ben)
        ids = await me(ana), await me(ben)
        before = await ana.evaluate(ROUND)
        wire.cut()
        await until(ana, "window.peerlane.room.state === 'interrupted'")
        await ana.evaluate(BACK_ONLINE)
        await sees(ana, ids[1])
        await sees(ben, ids[0])
        assert await ana.evaluate(ROUND) == before
        assert await ana.evaluate("window.peerlane.room.roster[0].diagnosis?.code") is None
        wire.mend()
        await until(ana, "window.peerlane.room.state === 'open'")
        await another_round(ana, before)
        await sees(ben, ids[0])
        await all_numbers_have_come(ana, ben)
        for page in (ana, ben):
            assert await page.evaluate("window.told") == []


async def test_a_peer_that_is_silent_for_some_seconds_is_told_of_and_comes_back_whole(
    open_page: OpenPage, far_page: tuple[Page, list[int]]
) -> None:
    ana = await open_page("garden", "Ana")
    ben, processes = far_page
    await connected(ana, ben)
    await count(ana, ben)
    ids = await me(ana), await me(ben)
    with halted(processes):
        await until(ana, "window.peerlane.room.roster[0].state === 'reconnecting'", within=6.0)
        assert await ana.evaluate("window.peerlane.room.roster[0].healing.doing") == "restart"
        assert await ana.evaluate("window.peerlane.room.roster[0].healing.since") > 3
        await asyncio.sleep(2)
    await connected(ana, ben)
    await sees(ana, ids[1])
    await sees(ben, ids[0])
    await all_numbers_have_come(ana, ben)
    away, code, back, after = await ana.evaluate("window.told")
    assert (away, code, back) == ("reconnecting", "peer-silent", "connected")
    assert 2 <= after < 10
    # It could not hear anybody while it did not run, and knows that this says nothing about the others.
    assert await ben.evaluate("window.told") == []


@pytest.mark.parametrize("is_python_first", [False, True])
async def test_a_page_on_another_network_finds_another_path_to_a_python_peer(
    server: ServerProcess, open_page: OpenPage, is_python_first: bool
) -> None:
    async with AsyncExitStack() as stack:
        rooms: list[Room] = []
        if is_python_first:
            rooms.append(await stack.enter_async_context(join(server.url, "garden", name="bot")))
        page = await open_page("garden", "Ana", camera="0", microphone="0")
        if not is_python_first:
            rooms.append(await stack.enter_async_context(join(server.url, "garden", name="bot")))
        [room] = rooms
        told: list[type] = []
        room.on(events.PeerInterrupted)(lambda event: told.append(type(event)))
        await connected(page, page)
        await page.evaluate(COUNT)
        [peer] = room.roster
        channel = await peer.open("count", RELIABLE)
        before = await page.evaluate(ROUND)
        heard = [int(await anext(channel)) for _ in range(10)]
        await page.evaluate(BACK_ONLINE)
        await another_round(page, before)
        for number in range(50):
            await channel.send(str(number))
            heard.append(int(await anext(channel)))
        assert heard == list(range(60))
        await until(page, "window.heard.length === 50")
        assert await page.evaluate("window.heard") == list(range(50))
        assert await page.evaluate("window.told") == []
        assert told == []
        await page.evaluate("window.stopCounting()")
