"""Trystero, as it is: pages find each other by a Nostr relay, and then need it no more."""

from __future__ import annotations

import json

import pytest

from tests.doors.conftest import OpenBundle, StartReference
from tests.doors.sides import both, scenario
from tests.end_to_end.conftest import ServerProcess, until

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("chromium-headless-shell")]
CLIENT = "@trystero-p2p/nostr 0.25.4"
PAGE = """
import { joinRoom } from "@trystero-p2p/nostr";

window.told = [];
window.enter = (url, room, password) => {
  const config = { appId: "peerlane", relayConfig: { urls: [url] }, rtcConfig: { iceServers: [] } };
  if (password) config.password = password;
  window.room = joinRoom(config, room);
  const action = window.room.makeAction("chat");
  const [send, receive] = Array.isArray(action) ? action : [action.send, action.onMessage];
  window.send = send;
  if (Array.isArray(action)) receive((text) => window.told.push(text));
  else action.onMessage = (text) => window.told.push(text);
};
"""


@pytest.fixture
def address(side: str, request: pytest.FixtureRequest) -> str:
    if side == "ours":
        ours: ServerProcess = request.getfixturevalue("doors")
        return f"ws://localhost:{ours.port}/nostr"
    start: StartReference = request.getfixturevalue("start_reference")
    return f"ws://localhost:{start('nostr').port}"


@both
@scenario(CLIENT, "three pages exchange data")
async def test_pages_of_one_room_meet_and_exchange_data(address: str, open_bundle: OpenBundle) -> None:
    pages = [await open_bundle(PAGE) for _ in range(3)]
    for page in pages:
        await page.evaluate(f"enter({json.dumps(address)}, 'garden')")
    for page in pages:
        await until(page, "Object.keys(room.getPeers()).length === 2", within=40.0)
    await pages[0].evaluate("void send('hello 🙂')")
    for page in pages[1:]:
        await until(page, "told.includes('hello 🙂')")


@both
@scenario(CLIENT, "rooms with passwords stay apart")
async def test_pages_of_other_passwords_do_not_meet(address: str, open_bundle: OpenBundle) -> None:
    pages = [await open_bundle(PAGE) for _ in range(3)]
    for page, password in zip(pages, ("one", "one", "another"), strict=True):
        await page.evaluate(f"enter({json.dumps(address)}, 'garden', {json.dumps(password)})")
    for page in pages[:2]:
        await until(page, "Object.keys(room.getPeers()).length === 1", within=40.0)
    assert await pages[2].evaluate("Object.keys(room.getPeers()).length") == 0
