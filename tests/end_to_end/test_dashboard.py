"""The dashboard in a real browser: it shows what is, while it changes, and goes on after a restart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from peer.room import JoinOptions, Room, join
from tests.end_to_end.conftest import ServerProcess, StartServer, _watch
from tests.end_to_end.test_page_access import violations

pytestmark = pytest.mark.end_to_end

TOKEN = "an admin token of some length"
REFUSED = "Failed to load resource"
"""What a browser says of each 401 by itself."""

OpenDashboard = Callable[[ServerProcess], Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_dashboard(browser: Browser, start_server: StartServer) -> AsyncIterator[OpenDashboard]:
    faults: list[str] = []

    async def open_(server: ServerProcess) -> Page:
        page = await (await browser.new_context()).new_page()
        _watch(page, "dashboard", faults)
        await page.goto(f"{server.url}/dashboard")
        return page

    yield open_
    for context in browser.contexts:
        await context.close()
    assert not [fault for fault in faults if REFUSED not in fault]


@pytest.fixture
def watched(start_server: StartServer) -> ServerProcess:
    return start_server(PEERLANE_SERVER_ADMIN_TOKENS=json.dumps([TOKEN]))


@asynccontextmanager
async def member(server: ServerProcess, room: str, name: str) -> AsyncIterator[Room]:
    async with join(server.url.replace("http", "ws"), room, name=name, options=JoinOptions()) as joined:
        yield joined


async def show(page: Page, token: str = TOKEN) -> None:
    await page.fill("#token", token)
    await page.click("#gate button")


def row(page: Page, room: str) -> Any:
    return page.locator(f'#rooms tr[data-key="{room}"] td')


async def test_rooms_and_events_come_and_go_as_members_do(
    open_dashboard: OpenDashboard, watched: ServerProcess
) -> None:
    page = await open_dashboard(watched)
    async with member(watched, "garden", "Ana"):
        await show(page)
        await expect(page.locator("#state")).to_have_text("This node is ready.")
        await expect(row(page, "default/garden").first).to_have_text("1")
        async with member(watched, "garden", "<img src=x>"):
            await expect(row(page, "default/garden").first).to_have_text("2")
            await expect(page.locator("#tiles dd").first).to_have_text("2")
        await expect(row(page, "default/garden").first).to_have_text("1")
        await expect(page.locator("#events li").first).to_contain_text(
            "<img src=x> left default/garden (left)"
        )
    await expect(page.locator("#rooms-words")).to_have_text("Nobody is in any room here.")
    await expect(page.locator("#chart-people figcaption")).to_have_text("Peoplesessions 0, links 0")


async def test_a_wrong_token_is_told_with_what_to_do_and_the_right_one_stays_in_its_tab(
    open_dashboard: OpenDashboard, watched: ServerProcess
) -> None:
    page = await open_dashboard(watched)
    await show(page, "a wrong one")
    await expect(page.locator("#gate-problem")).to_contain_text("does not take this token")
    await show(page)
    await expect(page.locator("#board")).to_be_visible()
    assert TOKEN not in page.url
    await page.reload()
    await expect(page.locator("#board")).to_be_visible()
    await page.click("#forget")
    await expect(page.locator("#token")).to_be_focused()
    await page.reload()
    await expect(page.locator("#gate")).to_be_visible()
    await expect(page.locator("#board")).to_be_hidden()


async def test_a_server_without_admin_tokens_says_what_is_missing(
    open_dashboard: OpenDashboard, server: ServerProcess
) -> None:
    page = await open_dashboard(server)
    await show(page)
    await expect(page.locator("#gate-problem")).to_contain_text("set server.admin_tokens")


async def test_it_goes_on_after_a_restart_with_what_is_there_then(
    open_dashboard: OpenDashboard, watched: ServerProcess
) -> None:
    page = await open_dashboard(watched)
    async with member(watched, "garden", "Ana"):
        await show(page)
        await expect(row(page, "default/garden").first).to_have_text("1")
        about = await page.locator("#about").inner_text()
        watched.kill()
        await expect(page.locator("#line")).to_contain_text("cannot be reached")
        watched.start()
        await expect(page.locator("#line")).to_be_hidden(timeout=20_000)
        await expect(row(page, "default/garden").first).to_have_text("1", timeout=20_000)
        await expect(page.locator("#about")).not_to_have_text(about)


async def test_a_drain_is_seen_as_it_goes(open_dashboard: OpenDashboard, watched: ServerProcess) -> None:
    page = await open_dashboard(watched)
    async with member(watched, "garden", "Ana"):
        await show(page)
        await expect(page.locator("#state")).to_have_text("This node is ready.")
        watched.leave()
        await expect(page.locator('#events li[data-type="draining"]')).to_contain_text("This node leaves")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_stands_in_the_way_of_anybody(
    open_dashboard: OpenDashboard, watched: ServerProcess, scheme: Any
) -> None:
    page = await open_dashboard(watched)
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await show(page, "a wrong one")
    await expect(page.locator("#gate-problem")).to_be_visible()
    assert await violations(page) == []
    async with member(watched, "garden", "Ana"):
        await show(page)
        await expect(row(page, "default/garden").first).to_have_text("1")
        await page.click("#chart-messages summary")
        assert await violations(page) == []
        await page.set_viewport_size({"width": 320, "height": 640})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_who_pauses_the_list_reads_in_peace_and_misses_nothing(
    open_dashboard: OpenDashboard, watched: ServerProcess
) -> None:
    page = await open_dashboard(watched)
    await show(page)
    await expect(page.locator("#state")).to_have_text("This node is ready.")
    await page.click("#pause")
    async with member(watched, "garden", "Ana"):
        await expect(row(page, "default/garden").first).to_have_text("1")
        assert await page.locator("#events li").count() == 0
        await page.click("#pause")
        await expect(page.locator("#events li").first).to_contain_text("Ana joined default/garden")
