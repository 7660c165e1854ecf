"""What the page shows while connections heal, and of how they do."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page

from tests.end_to_end.conftest import OpenPage, ServerProcess, eventually, halted, until
from tests.end_to_end.looks import connected, is_
from tests.end_to_end.test_page_access import violations
from tests.end_to_end.wire import Wire

pytestmark = pytest.mark.end_to_end

ROW = "#connections-rows tr"
DOT = ".tile:not(.is-me) .quality"


async def test_the_table_of_connections_opens_with_s_and_tells_the_route(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    await ana.keyboard.press("s")
    await until(ana, f"/[1-9]\\d* kbit\\/s/.test(document.querySelector('{ROW}')?.innerText)")
    text = await ana.inner_text(ROW)
    for word in ("Bob", "connected", "direct", "UDP", "opus", " ms"):
        assert word in text
    await ana.focus("#connections-close")
    await ana.keyboard.press("Escape")
    assert await ana.is_hidden("#connections")
    assert await ana.evaluate("document.activeElement.id") == "connections-toggle"
    await ana.keyboard.press("s")
    await ana.keyboard.press("s")
    assert await ana.is_hidden("#connections")


async def test_the_table_follows_those_who_come_and_go(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana")
    await ana.click("#connections-toggle")
    assert await ana.is_visible("#connections-empty")
    bob = await open_page("garden", "Bob")
    await connected(ana, bob)
    await until(ana, f"document.querySelector('{ROW}')?.innerText.includes('direct')")
    await bob.click("#leave")
    await eventually(lambda: is_(ana.locator(ROW).count(), 0), "the row is gone")
    await until(ana, "!document.querySelector('#connections-empty').hidden")


async def test_each_tile_says_how_good_its_connection_is(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    await until(ana, f"document.querySelector('{DOT}')?.dataset.quality === 'good'")
    assert await ana.get_attribute(DOT, "aria-label") == "Good connection"
    assert await ana.get_attribute(DOT, "title") == "Good connection"
    assert await ana.is_hidden(".tile.is-me .quality")


async def test_a_server_that_is_away_is_told_above_the_call_until_it_is_back(
    open_page: OpenPage, server: ServerProcess
) -> None:
    async with Wire(server.port)() as wire:
        ana = await open_page("garden", "Ana", server=wire)
        bob = await open_page("garden", "Bob")
        await connected(ana, bob)
        assert await ana.is_hidden("#banner")
        wire.cut()
        await until(ana, "document.querySelector('#banner').textContent.includes('Trying again')")
        assert await ana.is_visible("#banner")
        said = await ana.text_content("#banner-said")
        assert said == "The server is out of reach; the call goes on."
        assert not await covered(ana)
        assert await bob.is_hidden("#banner")
        wire.mend()
        await until(ana, "document.querySelector('#banner').textContent === 'The server is back'")
        await until(ana, "document.querySelector('#banner').hidden", 4)
        assert await ana.text_content("#banner-said") == ""


async def test_a_peer_that_is_silent_is_told_of_with_what_is_done_until_it_is_back(
    open_page: OpenPage, far_page: tuple[Page, list[int]]
) -> None:
    ana = await open_page("garden", "Ana")
    ben, processes = far_page
    await connected(ana, ben)
    await ana.keyboard.press("s")
    with halted(processes):
        await asyncio.sleep(2)
        assert await ana.is_hidden("#banner")
        banner = "document.querySelector('#banner').textContent"
        await until(ana, f"/^Reconnecting to Ben… \\d s: a new path is being tried. Nothing/.test({banner})")
        assert not await covered(ana)
        said = await ana.text_content("#banner-said")
        await until(ana, f"document.querySelector('{DOT}').dataset.quality === 'none'")
        await until(ana, f"document.querySelector('{ROW}').innerText.includes('reconnecting. Nothing')")
        await asyncio.sleep(1.2)
        assert await ana.text_content("#banner-said") == said
    await until(ana, f"{banner} === 'Ben is back'")
    await until(ana, "document.querySelector('#banner').hidden", 4)
    await until(ana, f"document.querySelector('{DOT}').dataset.quality !== 'none'")


# Whether anything that can be clicked lies under the banner.
COVERED = """() => {
  const banner = document.querySelector("#banner").getBoundingClientRect();
  const controls = [...document.querySelectorAll("button, input")].filter((each) => each.checkVisibility());
  return controls.some((each) => {
    const { left, right, top, bottom } = each.getBoundingClientRect();
    return left < banner.right && right > banner.left && top < banner.bottom && bottom > banner.top;
  });
}"""


async def covered(page: Page) -> bool:
    return bool(await page.evaluate(COVERED))


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_heals_and_how_it_does_stands_in_nobodys_way(
    open_page: OpenPage, server: ServerProcess, scheme: str
) -> None:
    async with Wire(server.port)() as wire:
        ana, bob = await open_page("garden", "Ana", server=wire), await open_page("garden", "Bob")
        await ana.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        await connected(ana, bob)
        await until(ana, f"document.querySelector('{DOT}')?.dataset.quality === 'good'")
        await ana.keyboard.press("s")
        await until(ana, f"document.querySelector('{ROW}')?.innerText.includes('direct')")
        assert await violations(ana) == []
        wire.cut()
        await until(ana, "!document.querySelector('#banner').hidden")
        assert await violations(ana) == []


async def test_a_narrow_phone_shows_all_figures_and_the_way_to_them(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    await ana.set_viewport_size({"width": 320, "height": 640})
    await ana.click("#people-toggle")
    await ana.click("#connections-open")
    assert await ana.is_hidden("#panel")
    await until(ana, f"document.querySelector('{ROW}')?.innerText.includes('kbit/s')")
    assert not await ana.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert await ana.evaluate("document.querySelector('#leave').getBoundingClientRect().right <= innerWidth")
    table = "document.querySelector('#connections .scroll')"
    assert not await ana.evaluate(f"{table}.scrollWidth > {table}.clientWidth")
    assert await violations(ana) == []
    await ana.click("#connections-close")
    assert await ana.evaluate("document.activeElement.id") == "people-toggle"
