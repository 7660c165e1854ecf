"""y-webrtc, as it is: documents in pages of a real browser find each other through our server."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import aiohttp
import pytest
from playwright.async_api import Page

from tests.doors.conftest import OpenBundle, StartReference
from tests.doors.sides import both, scenario
from tests.end_to_end.conftest import ServerProcess, StartServer, until

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("chromium-headless-shell")]
CLIENT = "y-webrtc 10.3.0"
# Pages of one profile would also meet over a BroadcastChannel; each here is in a profile of its own.
PAGE = """
import { WebrtcProvider } from "y-webrtc";
import * as Y from "yjs";
window.enter = (server, topic, name, password) => {
  window.document_ = new Y.Doc();
  const options = { signaling: [server], password: password ?? null, maxConns: 40 };
  window.provider = new WebrtcProvider(topic, window.document_, options);
  window.names = window.document_.getArray("names");
  window.names.push([name]);
};
"""


@pytest.fixture
def address(side: str, request: pytest.FixtureRequest) -> str:
    if side == "ours":
        ours: ServerProcess = request.getfixturevalue("doors")
        return f"ws://localhost:{ours.port}/y-webrtc"
    start: StartReference = request.getfixturevalue("start_reference")
    return f"ws://localhost:{start('y_webrtc').port}"


async def enter(open_bundle: OpenBundle, address: str, count: int, password: str | None = None) -> list[Page]:
    pages = [await open_bundle(PAGE) for _ in range(count)]
    for number, page in enumerate(pages):
        arguments = json.dumps([address, "a topic/ü", f"page {number}", password])
        await page.evaluate(f"enter(...{arguments})")
    return pages


async def converge(pages: list[Page], count: int) -> None:
    await asyncio.gather(*(until(page, f"names.length === {count}", within=60.0) for page in pages))


@both
@scenario(CLIENT, "ten pages converge")
async def test_pages_that_open_one_document_all_see_what_each_has_written(
    address: str, open_bundle: OpenBundle
) -> None:
    await converge(await enter(open_bundle, address, 10), 10)


@both
@scenario(CLIENT, "a room with a password")
async def test_pages_with_a_password_meet_those_who_know_it(address: str, open_bundle: OpenBundle) -> None:
    pages = await enter(open_bundle, address, 3, password="secret")
    (stranger,) = await enter(open_bundle, address, 1, password="another")
    await converge(pages, 3)
    assert await stranger.evaluate("names.length") == 1


@scenario(CLIENT, "the server is killed and comes back")
async def test_pages_meet_others_after_their_server_was_killed(
    doors: ServerProcess, open_bundle: OpenBundle
) -> None:
    address = f"ws://localhost:{doors.port}/y-webrtc"
    pages = await enter(open_bundle, address, 2)
    await converge(pages, 2)
    doors.restart()
    pages += await enter(open_bundle, address, 1)
    await converge(pages, 3)


@scenario(CLIENT, "hostile frames beside a witness")
async def test_hostile_frames_end_nothing_for_others(start_server: StartServer) -> None:
    # Its own server ends with the first that is no JSON, and with topics that are no array.
    server = start_server(PEERLANE_DOORS_OPEN="y-webrtc")
    address = f"ws://localhost:{server.port}/y-webrtc"
    hostile = [
        *("{", "null", '"text"', "[]", '{"type":5}', '{"type":"subscribe","topics":5}', "x" * 70_000),
        *('{"type":"subscribe","topics":[{}]}', '{"type":"publish","topic":"t"}', "\x00"),
    ]
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(address) as ana,
        http.ws_connect(address) as ben,
    ):
        for each in (ana, ben):
            await each.send_json({"type": "subscribe", "topics": ["witness"]})
            await each.send_json({"type": "ping"})
            assert await each.receive_json(timeout=5) == {"type": "pong"}
        for number, frame in enumerate(hostile):
            async with http.ws_connect(address) as attacker:
                with suppress(ConnectionError):
                    for _ in range(5):
                        await attacker.send_str(frame)
            await ana.send_json({"type": "publish", "topic": "witness", "data": number})
            told = await ben.receive_json(timeout=5)
            assert (told["topic"], told["data"], told["clients"]) == ("witness", number, 2)
