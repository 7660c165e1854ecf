"""Pages in trouble: the server is killed, a tab sleeps, a tab crashes. Nobody has to reload."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page

from tests.end_to_end.conftest import OpenPage, ServerProcess, StartServer, eventually, until
from tests.end_to_end.looks import connected, hears, is_, me, names, reads, sees, states, write
from tests.end_to_end.wire import Wire

pytestmark = pytest.mark.end_to_end

# Marks this document, so that a reload would show, and notes what becomes of the line to the server.
WATCH = """() => {
  window.restored = [];
  window.left = [];
  window.peerlane.room.on("restored", ({ resumed }) => window.restored.push(resumed));
  window.peerlane.room.on("peer-left", ({ peer }) => window.left.push(peer.name));
}"""


async def status(page: Page) -> str:
    return await page.locator("[data-testid=status]").text_content() or ""


async def test_the_call_goes_on_while_the_server_is_killed_and_started_again(
    open_page: OpenPage, server: ServerProcess
) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    ids = await me(ana), await me(bob)
    await sees(bob, ids[0])
    for page in (ana, bob):
        await page.evaluate(WATCH)
    server.kill()
    for page in (ana, bob):
        await until(page, "window.peerlane.room.state === 'interrupted'")
        assert "Reconnecting" in await status(page)
    await sees(ana, ids[1])
    await hears(bob, ids[0])
    await write(ana, "nobody in between")
    await reads(bob, "nobody in between")
    server.restart()
    for page in (ana, bob):
        await until(page, "window.peerlane.room.state === 'open'")
        await eventually(lambda page=page: is_(status(page), "Connected, 2 people"), "the page says so")
    assert (await me(ana), await me(bob)) == ids
    assert await names(ana) == {"Bob"}
    assert await names(bob) == {"Ana"}
    await sees(bob, ids[0])
    await write(bob, "and on it goes")
    await reads(ana, "and on it goes")
    cem = await open_page("garden", "Cem")
    await connected(ana, bob, cem)
    for page in (ana, bob):
        assert await page.evaluate("window.restored") == [False]
        assert await page.evaluate("window.left") == []


async def test_who_does_not_come_back_after_a_restart_is_lost_in_the_end(
    open_page: OpenPage, start_server: StartServer
) -> None:
    server = start_server(PEERLANE_SESSION_SETTLE="2")
    ana = await open_page("garden", "Ana", server=server)
    bob = await open_page("garden", "Bob", server=server)
    await connected(ana, bob)
    await ana.evaluate(WATCH)
    server.kill()
    await bob.context.close()
    server.start()
    await until(ana, "window.restored.length === 1")
    await eventually(lambda: is_(names(ana), set()), "the list is empty", 5.0)


async def test_a_tab_that_sleeps_resumes_its_session_when_it_wakes(
    open_page: OpenPage, start_server: StartServer
) -> None:
    server = start_server(PEERLANE_SESSION_PING_INTERVAL="1", PEERLANE_SESSION_PING_TIMEOUT="1")
    ana = await open_page("garden", "Ana", server=server)
    bob = await open_page("garden", "Bob", server=server)
    await connected(ana, bob)
    await ana.evaluate(WATCH)
    await ana.evaluate("""() => {
      window.heard = [];
      window.peerlane.room.on("broadcast", ({ payload }) => window.heard.push(payload));
    }""")
    # Headless tabs are never put to sleep; one whose scripts are halted is as good as asleep.
    devtools = await ana.context.new_cdp_session(ana)
    await devtools.send("Debugger.enable")
    await devtools.send("Debugger.pause")
    away = "window.peerlane.room.roster[0].away"
    await until(bob, away)
    await bob.evaluate("[1, 2, 3].forEach((each) => window.peerlane.room.broadcast(each))")
    await asyncio.sleep(2)
    await devtools.send("Debugger.resume")
    await until(ana, "window.restored.length > 0")
    await until(ana, "window.heard.length >= 3")
    await until(bob, f"!{away}")
    assert await ana.evaluate("window.restored") == [True]
    assert await ana.evaluate("window.heard") == [1, 2, 3]
    await connected(ana, bob)


# Broadcasts go through the server: 250 of them, one each 100 ms.
SPEAK = """() => {
  window.heard = [];
  window.peerlane.room.on("broadcast", ({ payload }) => window.heard.push(payload));
  let next = 0;
  const timer = setInterval(() => {
    window.peerlane.room.broadcast(next);
    next += 1;
    if (next === 250) clearInterval(timer);
  }, 100);
}"""


async def test_a_page_whose_link_is_dead_for_20_seconds_misses_nothing_and_doubles_nothing(
    open_page: OpenPage, start_server: StartServer
) -> None:
    server = start_server(PEERLANE_SESSION_PING_INTERVAL="2", PEERLANE_SESSION_PING_TIMEOUT="1")
    async with Wire(server.port)() as wire:
        ana = await open_page("garden", "Ana", server=wire, camera="0", microphone="0")
        bob = await open_page("garden", "Bob", server=server, camera="0", microphone="0")
        await connected(ana, bob)
        await ana.evaluate(WATCH)
        for page in (ana, bob):
            await page.evaluate(SPEAK)
        await asyncio.sleep(2)
        wire.hold()
        await until(bob, "window.peerlane.room.roster[0].away")
        await asyncio.sleep(20)
        wire.mend()
        for page in (ana, bob):
            await until(page, "window.heard.length >= 250", 40)
        await asyncio.sleep(1)
        for page in (ana, bob):
            assert await page.evaluate("window.heard") == list(range(250))
        assert await ana.evaluate("window.restored") == [True]


async def test_a_tab_that_crashes_is_away_at_once_and_lost_after_the_window(
    open_page: OpenPage, start_server: StartServer
) -> None:
    server = start_server(PEERLANE_SESSION_RESUME_WINDOW="3")
    ana = await open_page("garden", "Ana", server=server)
    bob = await open_page("garden", "Bob", server=server)
    await connected(ana, bob)
    devtools = await bob.context.new_cdp_session(bob)
    crashing = asyncio.create_task(devtools.send("Page.crash"))
    await until(ana, "window.peerlane.room.roster[0]?.away")
    await eventually(lambda: is_(states(ana), []), "the list is empty", 5.0)
    assert await names(ana) == set()
    crashing.cancel()
    await asyncio.gather(crashing, return_exceptions=True)
