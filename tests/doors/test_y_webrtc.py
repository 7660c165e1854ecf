"""y-webrtc, as it is: documents in pages of a real browser find each other through our server."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.doors.conftest import OpenBundle, StartReference
from tests.doors.sides import both, scenario
from tests.end_to_end.conftest import ServerProcess, until

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


@both
@scenario(CLIENT, "three pages converge")
async def test_pages_that_open_one_document_all_see_what_each_has_written(
    address: str, open_bundle: OpenBundle
) -> None:
    pages = [await open_bundle(PAGE) for _ in range(3)]
    for number, page in enumerate(pages):
        await page.evaluate(f"enter({json.dumps(address)}, 'a topic/ü', 'page {number}')")
    await asyncio.gather(*(until(page, f"names.length === {len(pages)}") for page in pages))
