"""PeerJS, as it is: pages of a real browser call each other by id through our server."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from tests.doors.conftest import OpenBundle, StartReference
from tests.doors.sides import both, scenario
from tests.end_to_end.conftest import ServerProcess, StartServer, until

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("chromium-headless-shell")]
CLIENT = "peerjs 1.5.5"
PAGE = """
import { Peer } from "peerjs";

window.told = [];
window.errors = [];
window.connections = {};

const watch = (connection) => {
  window.connections[connection.label] = connection;
  connection.on("open", () => window.told.push(["open", connection.label]));
  connection.on("data", (data) => window.told.push([connection.label, shown(data)]));
  connection.on("close", () => window.told.push(["close", connection.label]));
};
const shown = (data) => (data instanceof ArrayBuffer || ArrayBuffer.isView(data)
  ? { bytes: [...new Uint8Array(data.buffer ?? data)].slice(0, 4), length: data.byteLength } : data);
const heard = (stream) => { window.tracks = stream.getTracks().map((track) => track.kind).sort(); };
const camera = () => navigator.mediaDevices.getUserMedia({ audio: true, video: true });

window.come = (port, id, token) => {
  const options = { host: "localhost", port, path: "/peerjs", config: { iceServers: [] } };
  if (token) options.token = token;
  const peer = id ? new Peer(id, options) : new Peer(options);
  window.peer = peer;
  peer.on("open", (known) => window.told.push(["here", known]));
  peer.on("error", (error) => window.errors.push(error.type));
  peer.on("disconnected", () => window.told.push(["disconnected"]));
  peer.on("connection", watch);
  peer.on("call", async (call) => { call.on("stream", heard); call.answer(await camera()); });
};
window.connect = (id, label, serialization) => {
  watch(window.peer.connect(id, { label, serialization, reliable: true }));
};
window.call = async (id) => window.peer.call(id, await camera()).on("stream", heard);
window.has = (entry) => window.told.some((each) => JSON.stringify(each) === JSON.stringify(entry));
window.big = (length) => Uint8Array.from({ length }, (_, n) => n % 251).buffer;
"""


@pytest.fixture
def port(side: str, request: pytest.FixtureRequest) -> int:
    if side == "ours":
        ours: ServerProcess = request.getfixturevalue("doors")
        return ours.port
    start: StartReference = request.getfixturevalue("start_reference")
    return start("peer").port


async def come(open_bundle: OpenBundle, port: int, peer: str, token: str = "") -> Any:
    page = await open_bundle(PAGE)
    await page.evaluate(f"come({port}, {json.dumps(peer)}, {json.dumps(token)})")
    return page


def has(*entry: Any) -> str:
    return f"has({json.dumps(entry)})"


@both
@scenario(CLIENT, "data in binary, json and raw")
async def test_pages_exchange_data_in_each_serialisation(port: int, open_bundle: OpenBundle) -> None:
    ana, ben = [await come(open_bundle, port, each) for each in ("ana", "ben")]
    for page, peer in ((ana, "ana"), (ben, "ben")):
        await until(page, has("here", peer))
    for kind in ("binary", "json", "raw"):
        await ana.evaluate(f"connect('ben', '{kind}', '{kind}')")
        await until(ana, has("open", kind))
        await until(ben, has("open", kind))
        value = "'text 🙂'" if kind == "raw" else "{ text: 'text 🙂', list: [1, -2.5, true, null] }"
        await ana.evaluate(f"void connections.{kind}.send({value})")
        await until(ben, f"told.some((each) => each[0] === '{kind}')")
        told = await ben.evaluate(f"told.find((each) => each[0] === '{kind}')[1]")
        assert told == ("text 🙂" if kind == "raw" else {"text": "text 🙂", "list": [1, -2.5, True, None]})
        await ben.evaluate(f"void connections.{kind}.send('back')")
        await until(ana, has(kind, "back"))
    await ana.evaluate("void connections.binary.send(big(200000))")
    await until(ben, has("binary", {"bytes": [0, 1, 2, 3], "length": 200_000}))


@both
@scenario(CLIENT, "a media call")
async def test_pages_call_each_other_and_see_each_other(port: int, open_bundle: OpenBundle) -> None:
    ana, ben = [await come(open_bundle, port, each) for each in ("ana", "ben")]
    for page, peer in ((ana, "ana"), (ben, "ben")):
        await until(page, has("here", peer))
    await ana.evaluate("void call('ben')")
    for page in (ana, ben):
        await until(page, 'JSON.stringify(window.tracks) === \'["audio","video"]\'')


@both
@scenario(CLIENT, "an id that is taken")
async def test_an_id_that_another_has_is_refused(port: int, open_bundle: OpenBundle) -> None:
    ana = await come(open_bundle, port, "ana")
    await until(ana, has("here", "ana"))
    thief = await come(open_bundle, port, "ana")
    await until(thief, "errors.includes('unavailable-id')")
    assert await ana.evaluate("peer.open && !peer.disconnected")


@both
@scenario(CLIENT, "a peer that is not there")
async def test_a_peer_that_is_not_there_is_unavailable(port: int, open_bundle: OpenBundle) -> None:
    ana = await come(open_bundle, port, "ana")
    await until(ana, has("here", "ana"))
    await ana.evaluate("connect('nobody', 'x', 'json')")
    await until(ana, "errors.includes('peer-unavailable')")


@both
@scenario(CLIENT, "an id from the server")
async def test_who_brings_no_id_is_given_one(port: int, open_bundle: OpenBundle) -> None:
    ana = await come(open_bundle, port, "")
    await until(ana, "told.some((each) => each[0] === 'here' && each[1].length === 36)")


@both
@scenario(CLIENT, "reconnects after it has disconnected")
async def test_a_page_that_has_disconnected_comes_back_with_its_id(
    port: int, open_bundle: OpenBundle
) -> None:
    ana, ben = [await come(open_bundle, port, each) for each in ("ana", "ben")]
    for page, peer in ((ana, "ana"), (ben, "ben")):
        await until(page, has("here", peer))
    await ana.evaluate("connect('ben', 'before', 'json')")
    await until(ben, has("open", "before"))
    await ana.evaluate("peer.disconnect()")
    await until(ana, has("disconnected"))
    await ana.evaluate("peer.reconnect()")
    await until(ana, "told.filter((each) => each[0] === 'here').length === 2")
    # What was open stays open, and the id is reachable again.
    await ana.evaluate("void connections.before.send('still here')")
    await until(ben, has("before", "still here"))
    await ben.evaluate("connect('ana', 'after', 'json')")
    await until(ana, has("open", "after"))


@both
@scenario(CLIENT, "what it is told over HTTP")
async def test_ids_over_http(port: int) -> None:
    async with aiohttp.ClientSession(f"http://localhost:{port}") as http:
        async with http.get("/peerjs/peerjs/id") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert len(await answer.text()) == 36
        async with http.get("/peerjs/peerjs/peers") as answer:
            assert (answer.status, await answer.text()) == (401, "Unauthorized")
        async with http.get("/peerjs") as answer:
            assert set(await answer.json()) == {"name", "description", "website"}


@scenario(CLIENT, "hostile frames beside a witness")
async def test_hostile_frames_end_nothing_for_others(start_server: StartServer) -> None:
    # Its own server ends with some of these where nobody listens for its errors.
    server = start_server(PEERLANE_DOORS_OPEN="peerjs")
    address = f"ws://localhost:{server.port}/peerjs/peerjs?key=peerjs&token=t&id="
    hostile = ["null", '"text"', "[]", "{", '{"type":5}', '{"type":"OFFER","dst":{}}', "x" * 70_000]
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(address + "ana") as ana,
        http.ws_connect(address + "ben") as ben,
    ):
        assert await ana.receive_json(timeout=5) == {"type": "OPEN"}
        assert await ben.receive_json(timeout=5) == {"type": "OPEN"}
        for number, frame in enumerate(hostile):
            async with http.ws_connect(address + f"hostile{number}") as attacker:
                await attacker.receive(timeout=5)
                with suppress(ConnectionError):
                    for _ in range(5):
                        await attacker.send_str(frame)
            await ana.send_json({"type": "OFFER", "dst": "ben", "payload": number})
            told = await ben.receive_json(timeout=5)
            assert told == {"type": "OFFER", "src": "ana", "dst": "ben", "payload": number}
