"""Real browsers against our server: pages of other origins get nothing, and words of others run nowhere.

The names begin with the ids of docs/threat-model.md.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.end_to_end.conftest import ServerProcess, StartServer, eventually
from tests.end_to_end.foreign_pages import FETCH, OPEN_A_LINK, counted, elsewhere, framed
from tests.end_to_end.looks import is_

pytestmark = pytest.mark.end_to_end

REFUSED = {"heard": 0, "code": 1006}
REFUSALS = 'links_opened_total{result="origin"}'


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(browser: Browser) -> AsyncIterator[Page]:
    """A window for pages of others; it holds a cookie for the machine of our server, as of a login."""
    context = await browser.new_context()
    for host in ("localhost", "127.0.0.1"):
        await context.add_cookies([{"name": "session", "value": "ana's", "domain": host, "path": "/"}])
    yield await context.new_page()
    await context.close()


def socket_of(server: ServerProcess, host: str = "localhost") -> str:
    return f"ws://{host}:{server.port}/v1/ws"


async def test_w05_our_own_page_may_open_a_link(server: ServerProcess, stranger: Page) -> None:
    """Without this the others would prove nothing."""
    await stranger.goto(f"{server.url}/?join=0")
    assert await stranger.evaluate(OPEN_A_LINK, socket_of(server)) == {"heard": 1, "code": 1000}


# Another port of the same name gets our cookies; another name is another site; the last only looks like us.
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "insecure.test", "localhost.evil.localhost"])
async def test_w05_a_page_of_another_origin_opens_no_link(
    server: ServerProcess, stranger: Page, host: str
) -> None:
    async with elsewhere() as site:
        await stranger.goto(site.url(host))
        before = await counted(stranger, server.url, REFUSALS)
        for name in ("localhost", "127.0.0.1"):
            assert await stranger.evaluate(OPEN_A_LINK, socket_of(server, name)) == REFUSED
        # By the server, before the upgrade, and not by a browser that could not reach it.
        assert await counted(stranger, server.url, REFUSALS) == before + 2


async def test_w05_a_name_that_somebody_has_pointed_at_this_machine_is_none_of_its_own(
    server: ServerProcess, stranger: Page
) -> None:
    await stranger.goto(f"http://insecure.test:{server.port}/?join=0")
    before = await counted(stranger, server.url, REFUSALS)
    assert await stranger.evaluate(OPEN_A_LINK, socket_of(server, "insecure.test")) == REFUSED
    assert await counted(stranger, server.url, REFUSALS) == before + 1


@pytest.mark.parametrize("source", ["srcdoc", "data"])
async def test_w05_a_frame_without_an_origin_opens_no_link(
    server: ServerProcess, stranger: Page, source: str
) -> None:
    async with elsewhere(trap=framed(OPEN_A_LINK, socket_of(server), source=source)) as site:
        before = await counted(stranger, server.url, REFUSALS)
        await stranger.goto(site.url(path="/trap"))
        said = await eventually(lambda: stranger.evaluate("window.said"), "the frame has tried")
        assert said == REFUSED
        assert await counted(stranger, server.url, REFUSALS) == before + 1


async def test_w05_a_page_from_a_file_opens_no_link(
    server: ServerProcess, stranger: Page, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.html"
    saved.write_text("<!doctype html><title>a page that was sent by mail</title>")
    await stranger.goto(saved.as_uri())
    before = await counted(stranger, server.url, REFUSALS)
    assert await stranger.evaluate(OPEN_A_LINK, socket_of(server)) == REFUSED
    assert await counted(stranger, server.url, REFUSALS) == before + 1


async def test_w05_only_the_page_that_the_settings_name_may_come_from_elsewhere(
    start_server: StartServer, stranger: Page
) -> None:
    async with elsewhere() as friend, elsewhere() as other:
        server = start_server(PEERLANE_SERVER_ORIGINS=json.dumps([f"http://localhost:{friend.port}"]))
        await stranger.goto(friend.url())
        assert (await stranger.evaluate(OPEN_A_LINK, socket_of(server)))["heard"] == 1
        for url in (friend.url("127.0.0.1"), other.url()):
            await stranger.goto(url)
            assert await stranger.evaluate(OPEN_A_LINK, socket_of(server)) == REFUSED


async def test_w05_our_page_cannot_be_framed_by_others(server: ServerProcess, stranger: Page) -> None:
    frames = f'<iframe src="/"></iframe><iframe src="{server.url}/?room=garden&join=1"></iframe>'
    refusals: list[str] = []
    stranger.on("console", lambda message: refusals.append(message.text))
    async with elsewhere(trap=f"<!doctype html>{frames}") as site:
        for host in ("localhost", "127.0.0.1"):
            refusals.clear()
            await stranger.goto(site.url(host, "/trap"))
            own, ours = stranger.frames[1:]
            assert await own.title() == "elsewhere"
            assert await ours.locator("#lobby").count() == 0
            assert any("frame-ancestors" in text for text in refusals), refusals


async def test_w05_whoever_opens_our_page_has_no_hold_on_it(server: ServerProcess, stranger: Page) -> None:
    async with elsewhere() as site:
        await stranger.goto(site.url())
        async with stranger.expect_popup() as opening:
            await stranger.evaluate("(url) => { window.opened = open(url) }", f"{server.url}/?join=0")
        popup = await opening.value
        await popup.locator("#join-button").wait_for()
        assert await popup.evaluate("window.opener") is None
        await eventually(lambda: is_(stranger.evaluate("window.opened.closed"), True), "it is cut off")


READABLE = ["/v1/ice-servers", "/v1/info", "/metrics", "/healthz", "/readyz", "/", "/lib/room.js"]
WAYS = [
    {},
    {"credentials": "include"},
    {"mode": "no-cors"},
    {"mode": "no-cors", "credentials": "include"},
    {"headers": {"Authorization": "Bearer x"}, "credentials": "include"},
    {"method": "POST", "credentials": "include"},
    {"method": "POST", "mode": "no-cors", "credentials": "include", "body": "x"},
    {"method": "PUT", "credentials": "include"},
]


async def test_w06_our_own_page_may_read_what_others_may_not(server: ServerProcess, stranger: Page) -> None:
    """Without this the others would prove nothing."""
    await stranger.goto(f"{server.url}/?join=0")
    for path in READABLE:
        assert await stranger.evaluate(FETCH, [f"{server.url}{path}", {}]) == "200 true"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_w06_a_page_of_another_origin_reads_nothing(
    server: ServerProcess, stranger: Page, host: str
) -> None:
    async with elsewhere() as site:
        await stranger.goto(site.url(host))
        for path in READABLE:
            for way in WAYS:
                said = await stranger.evaluate(FETCH, [f"{server.url}{path}", way])
                assert said == "TypeError", (path, way, said)
        # What a browser throws away is not even made.
        assert await counted(stranger, server.url, 'ice_servers_total{result="given"}') == 0


async def test_w06_a_frame_without_an_origin_reads_nothing(server: ServerProcess, stranger: Page) -> None:
    asked = [f"{server.url}/v1/ice-servers", {"credentials": "include"}]
    async with elsewhere(trap=framed(FETCH, asked, source="srcdoc")) as site:
        await stranger.goto(site.url(path="/trap"))
        said = await eventually(lambda: stranger.evaluate("window.said"), "the frame has tried")
        assert said == "TypeError"


async def test_w06_nothing_of_ours_can_be_loaded_into_a_page_of_another_origin(
    server: ServerProcess, stranger: Page
) -> None:
    load = """([tag, attribute, url]) => new Promise((resolve) => {
      const made = document.createElement(tag);
      made.onload = () => resolve("loaded");
      made.onerror = () => resolve("refused");
      if (tag === "link") made.rel = "stylesheet";
      made[attribute] = url;
      document.body.append(made);
    })"""
    parts = [
        ("script", "src", "/v1/ice-servers"),
        ("script", "src", "/lib/errors.js"),
        ("img", "src", "/assets/icon.svg"),
        ("link", "href", "/assets/base.css"),
    ]
    async with elsewhere() as site:
        await stranger.goto(site.url())
        # A stream of events with the cookies of whoever visits.
        stream = """(url) => new Promise((resolve) => {
          const source = new EventSource(url, { withCredentials: true });
          source.onmessage = source.onopen = () => resolve("open");
          source.onerror = () => resolve(source.readyState);
        })"""
        assert await stranger.evaluate(stream, f"{server.url}/v1/ice-servers") == 2
        # Another port of one name is the same site, but not the same origin.
        for host in ("localhost", "127.0.0.1"):
            await stranger.goto(site.url(host))
            for tag, attribute, path in parts:
                said = await stranger.evaluate(load, [tag, attribute, f"{server.url}{path}"])
                assert said == "refused", (host, path)
        # What a browser throws away is not even made.
        assert await counted(stranger, server.url, 'ice_servers_total{result="given"}') == 0


async def test_w06_a_page_that_the_settings_name_reads_without_cookies_and_no_other_does(
    start_server: StartServer, stranger: Page
) -> None:
    async with elsewhere() as friend, elsewhere() as other:
        server = start_server(PEERLANE_SERVER_ORIGINS=json.dumps([f"http://localhost:{friend.port}"]))
        url = f"{server.url}/v1/ice-servers"
        await stranger.goto(friend.url())
        assert await stranger.evaluate(FETCH, [url, {}]) == "200 true"
        assert await stranger.evaluate(FETCH, [url, {"headers": {"Authorization": "Bearer x"}}]) == "200 true"
        # Cookies of ours mean nothing, and are not asked for.
        assert await stranger.evaluate(FETCH, [url, {"credentials": "include"}]) == "TypeError"
        await stranger.goto(other.url())
        assert await stranger.evaluate(FETCH, [url, {}]) == "TypeError"
