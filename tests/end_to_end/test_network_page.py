"""The network test in a real browser, with real STUN and TURN servers, good and bad ones."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest
import pytest_asyncio
from aioice import stun
from playwright.async_api import Page

from peer.nat.build import report as build
from peer.nat.report import Report
from tests.end_to_end.conftest import OpenPage, StartServer, eventually, until
from tests.end_to_end.coturn import PASSWORD, USER, Coturn, coturn
from tests.end_to_end.test_page_access import violations

pytestmark = pytest.mark.end_to_end

LIMIT = 5.0
"""Seconds that a whole run may take."""

# Whatever connection the page makes, so that one left open would show.
WATCH = """() => {
  window.made = [];
  const Made = window.RTCPeerConnection;
  window.RTCPeerConnection = function (...given) {
    const pc = new Made(...given);
    window.made.push(pc);
    return pc;
  };
}"""


class OpenNetwork(Protocol):
    async def __call__(self, *servers: dict[str, Any], path: str = "/network") -> Page: ...


@pytest_asyncio.fixture(loop_scope="session")
async def turn(tmp_path: Path) -> AsyncIterator[Coturn]:
    folder = tmp_path / "coturn"
    folder.mkdir()
    async with coturn(folder) as running:
        yield running


@pytest.fixture
def open_network(start_server: StartServer, open_page: OpenPage) -> OpenNetwork:
    """Open the network test of a server that names these STUN and TURN servers."""

    async def open_(*servers: dict[str, Any], path: str = "/network") -> Page:
        server = start_server(PEERLANE_ICE_SERVERS=json.dumps(servers))
        page = await open_page("garden", "Ana", server=server, join="0", camera="0", microphone="0")
        await page.context.add_init_script(f"({WATCH})()")
        await page.goto(f"{server.url}{path}")
        return page

    return open_


def relays_of(turn: Coturn) -> dict[str, Any]:
    urls = [turn.url(), turn.url("tcp")]
    return {"urls": urls, "username": USER, "credential": PASSWORD}


def stun_of(turn: Coturn) -> dict[str, Any]:
    return {"urls": [f"stun:127.0.0.1:{turn.port}"]}


async def run(page: Page) -> Report:
    """The report of one run, which Python must make of the same observations, word for word."""
    await page.click("#run")
    return await finished(page)


async def finished(page: Page) -> Report:
    await until(page, "window.peerlane?.report != null")
    written = await page.evaluate("JSON.stringify(window.peerlane.report)")
    said = msgspec.json.decode(written, type=Report)
    assert msgspec.to_builtins(build(said.observations)) == json.loads(written)
    assert said.observations.observer == "browser"
    assert said.observations.took <= LIMIT
    return said


async def rows(page: Page, title: str) -> dict[str, str]:
    """What stands in one section of the page: label → value and note."""
    section = page.locator("#sections section").filter(
        has=page.get_by_role("heading", name=title, exact=True)
    )
    return {
        await row.locator("th").inner_text(): " ".join(await row.locator("td").all_inner_texts())
        for row in await section.locator("tbody tr").all()
    }


async def ask(page: Page, servers: str, user: str = "", password: str = "") -> None:
    if not await page.is_visible("#servers-input"):
        await page.click("#servers summary")
    for id_, text in (("servers", servers), ("username", user), ("credential", password)):
        await page.fill(f"#{id_}-input", text)


async def test_a_good_network_is_told_as_such_with_every_server_and_its_time(
    open_network: OpenNetwork, turn: Coturn
) -> None:
    page = await open_network(stun_of(turn), relays_of(turn))
    said = await run(page)
    assert said.verdict.exit_code == 0
    assert await page.text_content("#verdict") == f"✓Good: {said.verdict.sentence}"
    assert "TURN over UDP and TCP works" in said.verdict.sentence
    seen = said.observations
    assert [asked.mapped.split(":")[0] for asked in seen.stun] == ["127.0.0.1"]
    assert [(asked.transport, asked.permitted) for asked in seen.turn] == [("udp", True), ("tcp", True)]
    assert all(asked.allocated and asked.echo_rtt is not None for asked in seen.turn)
    answers, relays = await rows(page, "STUN servers"), await rows(page, "TURN servers")
    assert " ms " in answers[f"stun:127.0.0.1:{turn.port}"]
    for transport in ("udp", "tcp"):
        assert "Ready after" in relays[turn.url(transport)]
    (server,) = (await rows(page, "Peerlane servers")).values()
    assert "WebSocket opens in" in server
    assert "Filtering" in await rows(page, "Not asked")
    assert len(await rows(page, "What to expect with a peer in")) == len(said.expectations) > 10


async def test_nothing_is_asked_before_somebody_wants_it_and_nothing_stays_open(
    open_network: OpenNetwork, turn: Coturn
) -> None:
    page = await open_network(stun_of(turn), relays_of(turn))
    await until(page, "document.querySelector('#command').textContent !== ''")
    assert await page.evaluate("window.made.length") == 0
    await run(page)
    assert await page.evaluate("window.made.length") > 3
    assert await page.evaluate("window.made.every((pc) => pc.signalingState === 'closed')")


async def test_whoever_follows_a_link_to_a_run_gets_it_with_or_without_a_slash(
    open_network: OpenNetwork, turn: Coturn
) -> None:
    page = await open_network(stun_of(turn), path="/network/#run")
    await finished(page)
    link = await page.get_attribute("a.brand", "href")
    assert link == "/"
    await page.click("a.brand")
    await page.click("#network-link")
    await page.wait_for_url("**/network")
    assert await page.locator("#run").inner_text() == "Test this network"


async def test_a_wrong_password_and_dead_servers_are_named_in_time(
    open_network: OpenNetwork, turn: Coturn
) -> None:
    page = await open_network(stun_of(turn))
    with silent() as port:
        dead = [f"stun:127.0.0.1:{port}", f"turn:127.0.0.1:{port}", "stun:nobody.invalid"]
        await ask(page, " ".join([turn.url(), turn.url("tcp"), *dead]), USER, "wrong")
        began = time.monotonic()
        said = await run(page)
    assert time.monotonic() - began < LIMIT + 1
    assert said.verdict.code == "refused"
    assert any("user name and the password" in advice for advice in said.verdict.advice)
    relays, answers = await rows(page, "TURN servers"), await rows(page, "STUN servers")
    for transport in ("udp", "tcp"):
        assert "refused" in relays[turn.url(transport)]
    assert "no answer" in relays[dead[1]]
    assert "no answer" in answers[dead[0]]
    assert "name not known" in answers[dead[2]]


async def test_a_relay_through_which_nothing_comes_is_told_as_such(
    open_network: OpenNetwork, tmp_path: Path
) -> None:
    async with coturn(tmp_path, "--denied-peer-ip=127.0.0.1") as strict:
        page = await open_network({"urls": [strict.url()], "username": USER, "credential": PASSWORD})
        said = await run(page)
    (asked,) = said.observations.turn
    assert asked.allocated is not None
    assert asked.echo_rtt is None
    assert "lost" in (await rows(page, "TURN servers"))[strict.url()]


async def test_a_server_that_is_gone_is_told_as_such(start_server: StartServer, open_page: OpenPage) -> None:
    server = start_server()
    page = await open_page("garden", "Ana", server=server, join="0", camera="0", microphone="0")
    await page.goto(f"{server.url}/network")
    await until(page, "document.querySelector('#command').textContent !== ''")
    server.kill()
    said = await run(page)
    assert (said.verdict.code, said.verdict.exit_code) == ("no-connectivity", 4)
    assert "no answer" in (await rows(page, "Peerlane servers"))[server.url]
    assert "STUN and TURN" in await rows(page, "Not asked")


async def test_servers_that_see_different_ports_mean_a_symmetric_nat(open_network: OpenNetwork) -> None:
    async with translating(1) as one, translating(2) as two:
        page = await open_network({"urls": [f"stun:127.0.0.1:{one}", f"stun:localhost:{two}"]})
        said = await run(page)
    assert [behaviour.mapping for behaviour in said.behaviour] == ["endpoint-dependent"]
    assert "symmetric" in (await rows(page, "The NAT over IPv4"))["Mapping"]
    assert said.verdict.exit_code == 3


async def test_servers_that_see_the_same_port_mean_a_good_nat(open_network: OpenNetwork) -> None:
    async with translating(1) as one, translating(1) as two:
        page = await open_network({"urls": [f"stun:127.0.0.1:{one}", f"stun:localhost:{two}"]})
        said = await run(page)
    assert [behaviour.mapping for behaviour in said.behaviour] == ["endpoint-independent"]


async def test_a_report_is_copied_without_names_and_downloaded_with_them(
    open_network: OpenNetwork, turn: Coturn
) -> None:
    page = await open_network(stun_of(turn), relays_of(turn))
    said = await run(page)
    await page.click("#copy")
    copied = await eventually(lambda: page.evaluate("navigator.clipboard.readText()"), "the report is copied")
    assert copied.startswith(said.verdict.sentence)
    assert "127.0.0.1" not in copied
    assert "localhost" not in copied
    assert USER not in json.loads(copied.splitlines()[-1])["verdict"]["sentence"]
    async with page.expect_download() as download:
        await page.click("#download")
    file = await download.value
    assert file.suggested_filename == "peerlane-network.json"
    written = await asyncio.to_thread(Path(await file.path()).read_text)
    assert msgspec.json.decode(written, type=Report) == said
    # Credentials are asked with, and told to nobody.
    assert PASSWORD not in written


async def test_what_is_no_server_is_told_before_anybody_is_asked(
    open_network: OpenNetwork, turn: Coturn
) -> None:
    page = await open_network(stun_of(turn))
    await ask(page, "https://example.org")
    await page.click("#run")
    problem = page.locator("#servers-problem")
    assert "peerlane nat check https://example.org" in await problem.inner_text()
    assert await page.evaluate("window.peerlane.report") is None
    await ask(page, "")
    await run(page)
    assert await problem.is_hidden()


async def test_a_browser_without_webrtc_says_so(open_network: OpenNetwork) -> None:
    page = await open_network()
    await page.evaluate("delete window.RTCPeerConnection")
    await page.click("#run")
    assert "WebRTC is switched off" in await page.inner_text("#servers-problem")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_stands_in_the_way_of_anybody(
    open_network: OpenNetwork, turn: Coturn, scheme: str
) -> None:
    page = await open_network(stun_of(turn), relays_of(turn))
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    assert await violations(page) == []
    await ask(page, turn.url(), USER, "wrong")
    await run(page)
    assert await violations(page) == []
    await page.set_viewport_size({"width": 320, "height": 640})
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert await violations(page) == []


async def test_keys_alone_are_enough_and_the_verdict_is_heard(
    open_network: OpenNetwork, turn: Coturn
) -> None:
    page = await open_network(stun_of(turn))
    focused = "document.activeElement.id || document.activeElement.tagName"
    for stop in ("A", "SUMMARY", "run"):
        await page.keyboard.press("Tab")
        assert await page.evaluate(focused) == stop
    await page.keyboard.press("Enter")
    said = await finished(page)
    assert await page.evaluate(focused) == "run"
    assert await page.text_content("#said") == said.verdict.sentence
    await page.keyboard.press("Tab")
    assert await page.evaluate(focused) == "copy"
    await page.keyboard.press("Enter")
    await until(page, "document.querySelector('#toast').textContent.includes('copied')")


async def test_the_table_of_connections_leads_to_a_run_beside_the_call(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", camera="0", microphone="0")
    await ana.keyboard.press("s")
    async with ana.expect_popup() as popup:
        await ana.click("#connections-test")
    test = await popup.value
    await until(test, "window.peerlane?.report != null")
    assert await ana.evaluate("window.peerlane.room.state") == "open"


@contextmanager
def silent() -> Iterator[int]:
    """The port of a UDP socket at which nobody answers."""
    with socket.socket(type=socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class Translating(asyncio.DatagramProtocol):
    """A STUN server that sees everybody at another port, as behind a NAT."""

    def __init__(self, further: int) -> None:
        self._further = further
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = stun.parse_message(data)
        reply = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        reply.attributes["XOR-MAPPED-ADDRESS"] = (addr[0], addr[1] % 60_000 + self._further)
        assert self._transport is not None
        self._transport.sendto(bytes(reply), addr)


@asynccontextmanager
async def translating(further: int) -> AsyncIterator[int]:
    """Its port."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Translating(further), local_addr=("127.0.0.1", 0)
    )
    yield transport.get_extra_info("sockname")[1]
    transport.close()
