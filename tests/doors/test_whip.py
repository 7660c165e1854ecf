"""WHIP and WHEP, by clients that know nothing of us: they publish into a room, and see who is in it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from playwright.async_api import Page

from peer.room import RemotePeer, Room, join
from peer.voice.runner import tone
from tests.doors.conftest import OpenBundle
from tests.doors.sides import PATIENCE, scenario
from tests.end_to_end.conftest import OpenPage, ServerProcess, eventually, faults, open_page, until
from tests.end_to_end.looks import sees
from tests.end_to_end.test_mixed import ColourTrack, loudness, moving_pictures, track_of

__all__ = ["faults", "open_page"]

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("chromium-headless-shell")]
CLIENT = "@eyevinn/whip-web-client 1.1.7"
BY_RFC = "a page by RFC 9725"
BY_DRAFT = "a page by draft-ietf-wish-whep-03"
PUBLISHER = """
import { WHIPClient } from "@eyevinn/whip-web-client";
window.publish = async (endpoint, video) => {
  window.client = new WHIPClient({ endpoint, opts: { iceServers: [] } });
  await client.ingest(await navigator.mediaDevices.getUserMedia({ audio: true, video }));
  window.resource = await client.getResourceUrl();
};
"""
# What the RFC and the draft say, and no more: an offer, an answer, a restart by PATCH.
BARE = """
const offered = async (endpoint) => {
  const early = [];
  pc.onicecandidate = ({ candidate }) => candidate && early.push(candidate.candidate);
  await pc.setLocalDescription(await pc.createOffer());
  const headers = { "Content-Type": "application/sdp" };
  const response = await fetch(endpoint, { method: "POST", headers, body: pc.localDescription.sdp });
  if (response.status !== 201) return response.status;
  window.resource = response.headers.get("Location");
  window.etag = response.headers.get("ETag");
  pc.onicecandidate = ({ candidate }) => candidate && trickled(candidate.candidate);
  await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
  for (const candidate of early) await trickled(candidate);
  return response.status;
};
const fragment = (sdp, ...candidates) => {
  const needed = [/^m=.*$/m, /^a=mid:.*$/m, /^a=ice-ufrag:.*$/m, /^a=ice-pwd:.*$/m];
  const lines = [...needed.map((pattern) => pattern.exec(sdp)[0]), ...candidates];
  return lines.map((line) => line.trim() + "\\r\\n").join("");
};
const patched = (body, tag) => fetch(resource, {
  method: "PATCH",
  headers: { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": tag },
  body,
});
const trickled = async (candidate) => {
  const { status } = await patched(fragment(pc.localDescription.sdp, `a=${candidate}`), etag);
  if (status === 204) window.trickles = (window.trickles ?? 0) + 1;
};
window.publish = async (endpoint) => {
  window.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  pc.addTransceiver(stream.getTracks()[0], { direction: "sendonly" });
  return offered(endpoint);
};
window.view = async (endpoint) => {
  window.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  window.video = Object.assign(document.createElement("video"), { autoplay: true, muted: true });
  video.srcObject = new MediaStream();
  document.body.append(video);
  pc.ontrack = ({ track }) => video.srcObject.addTrack(track);
  pc.addTransceiver("audio", { direction: "recvonly" });
  pc.addTransceiver("video", { direction: "recvonly" });
  return offered(endpoint);
};
window.restart = async () => {
  const before = pc.remoteDescription.sdp;
  await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
  const response = await patched(fragment(pc.localDescription.sdp), "*");
  if (response.status !== 200) return response.status;
  window.etag = response.headers.get("ETag");
  const lines = (await response.text()).split("\\r\\n");
  const named = (name) => lines.find((line) => line.startsWith(name));
  const sdp = before
    .replace(/^a=(candidate|end-of-candidates).*\\r\\n/gm, "")
    .replace(/^a=ice-ufrag:.*$/gm, named("a=ice-ufrag:"))
    .replace(/^a=ice-pwd:.*$/gm, named("a=ice-pwd:"));
  await pc.setRemoteDescription({ type: "answer", sdp });
  for (const line of lines.filter((line) => line.startsWith("a=candidate:"))) {
    await pc.addIceCandidate({ candidate: line.slice(2), sdpMLineIndex: 0 });
  }
  return response.status;
};
// Whether media takes a path that was found with the present credentials.
window.isOnNewPath = async () => {
  const reports = await pc.getStats();
  const [transport] = [...reports.values()].filter(({ type }) => type === "transport");
  const pair = reports.get(transport.selectedCandidatePairId);
  const ufrag = reports.get(pair?.localCandidateId)?.usernameFragment;
  return pair?.state === "succeeded" && pc.localDescription.sdp.includes(`a=ice-ufrag:${ufrag}`);
};
window.leave = async () => (await fetch(resource, { method: "DELETE" })).status;
"""


def endpoint(server: ServerProcess, room: str, kind: str = "whip", query: str = "") -> str:
    return f"{server.url}/{kind}/{room}{query}"


async def publisher_in(room: Room) -> RemotePeer:
    async with asyncio.timeout(PATIENCE):
        async for peer in room.peers():
            if peer.metadata.get("role") == "publisher":
                return peer
    raise AssertionError("no publisher came")


async def gone(room: Room, peer: RemotePeer) -> None:
    await eventually(lambda: peer.id not in {each.id for each in room.roster}, "it has left the room")


async def call(page: Page, function: str, *arguments: Any) -> Any:
    written = ", ".join(json.dumps(argument) for argument in arguments)
    return await page.evaluate(f"{function}({written})")


@scenario(CLIENT, "publishes to a Python peer, and leaves")
async def test_what_a_whip_client_publishes_arrives_at_a_python_peer(
    doors: ServerProcess, open_bundle: OpenBundle
) -> None:
    async with join(doors.url, "studio", name="bot") as room:
        page = await open_bundle(PUBLISHER)
        await call(page, "publish", endpoint(doors, "studio", query="?name=OBS"), True)
        publisher = await publisher_in(room)
        assert (publisher.name, publisher.metadata["dialect"]) == ("OBS", "whip")
        await moving_pictures(await track_of(publisher, "camera"))
        assert await loudness(await track_of(publisher, "microphone")) > 0.01
        await page.evaluate("client.destroy()")
        await gone(room, publisher)


@scenario(CLIENT, "publishes to a browser")
async def test_what_a_whip_client_publishes_is_seen_in_our_page(
    doors: ServerProcess, open_bundle: OpenBundle, open_page: OpenPage
) -> None:
    ana = await open_page("studio", "Ana", server=doors)
    page = await open_bundle(PUBLISHER)
    await call(page, "publish", endpoint(doors, "studio"), True)
    await until(ana, "peerlane.room.roster.some((peer) => peer.media.has('camera'))")
    await sees(ana, await ana.evaluate("peerlane.room.roster[0].id"))
    assert await ana.evaluate("peerlane.room.roster[0].state") == "connected"


@scenario(BY_RFC, "trickles, restarts ICE, and leaves")
@pytest.mark.parametrize("answerer", ["python", "browser"])
async def test_a_publisher_restarts_ice_and_its_pictures_go_on(
    doors: ServerProcess, open_bundle: OpenBundle, open_page: OpenPage, answerer: str
) -> None:
    page = await open_bundle(BARE)
    async with join(doors.url, "studio", name="bot", metadata={"whip": answerer == "python"}) as room:
        if answerer == "browser":
            ana = await open_page("studio", "Ana", server=doors)
        assert await call(page, "publish", endpoint(doors, "studio")) == 201
        await until(page, "pc.connectionState === 'connected' && window.trickles > 0")
        publisher = await publisher_in(room)
        before = await page.evaluate("[etag, pc.localDescription.sdp]")
        assert await call(page, "restart") == 200
        assert before != await page.evaluate("[etag, pc.localDescription.sdp]")
        await until(page, "isOnNewPath()")
        if answerer == "browser":
            await sees(ana, publisher.id)
        else:
            await moving_pictures(await track_of(publisher, "camera"))
        assert await call(page, "leave") == 200
        await gone(room, publisher)


class Publisher:
    """A small WHIP client: an offer with all its candidates, as encoders send it.

    ``once``: what is the same for all sections stands before them, as some libraries write it.
    """

    def __init__(self, *tracks: MediaStreamTrack, once: bool = False) -> None:
        self._once = once
        self._pc = RTCPeerConnection()
        for track in tracks:
            self._pc.addTransceiver(track, direction="sendonly")
        self._session = aiohttp.ClientSession()
        self.resource = ""

    async def publish(self, endpoint: str) -> int:
        await self._pc.setLocalDescription(await self._pc.createOffer())
        offer, headers = self._pc.localDescription.sdp, {"Content-Type": "application/sdp"}
        if self._once:
            offer = shared_once(offer)
        async with self._session.post(endpoint, data=offer, headers=headers) as response:
            if response.status == 201:
                self.resource = response.headers["Location"]
                answer = RTCSessionDescription(await response.text(), "answer")
                await self._pc.setRemoteDescription(answer)
            return response.status

    async def vanish(self) -> None:
        """As a program that ends: it closes its connection, and says nothing over HTTP."""
        await self._pc.close()

    async def leave(self) -> int:
        async with self._session.delete(self.resource) as response:
            return response.status

    async def close(self) -> None:
        await self._pc.close()
        await self._session.close()


def shared_once(sdp: str) -> str:
    prefixes = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:")
    lines = sdp.split("\r\n")
    shared = list(dict.fromkeys(line for line in lines if line.startswith(prefixes)))
    at = next(index for index, line in enumerate(lines) if line.startswith("m="))
    rest = [line for line in lines[at:] if not line.startswith(prefixes)]
    return "\r\n".join([*lines[:at], *shared, *rest])


@scenario("aiortc and aiohttp", "publishes to a Python peer, and leaves")
@pytest.mark.parametrize("once", [False, True], ids=["in each section", "once for all"])
async def test_a_program_publishes_with_all_candidates_in_its_offer(doors: ServerProcess, once: bool) -> None:
    publisher = Publisher(tone(440.0), ColourTrack(), once=once)
    try:
        async with join(doors.url, "studio", name="bot") as room:
            assert await publisher.publish(endpoint(doors, "studio")) == 201
            peer = await publisher_in(room)
            await peer.wait_connected()
            await moving_pictures(await track_of(peer, "camera"))
            assert await loudness(await track_of(peer, "microphone")) > 0.01
            assert await publisher.leave() == 200
            await gone(room, peer)
            assert await publisher.leave() == 404
    finally:
        await publisher.close()


@scenario("aiortc and aiohttp", "ends without a word")
async def test_a_publisher_that_only_ends_leaves_the_room_too(doors: ServerProcess) -> None:
    publisher = Publisher(tone(440.0))
    try:
        async with join(doors.url, "studio", name="bot") as room:
            assert await publisher.publish(endpoint(doors, "studio")) == 201
            peer = await publisher_in(room)
            await peer.wait_connected()
            await publisher.vanish()
            await gone(room, peer)
            assert await publisher.leave() == 404
    finally:
        await publisher.close()


@scenario(BY_DRAFT, "sees a Python peer")
async def test_a_viewer_sees_and_hears_a_member_of_a_room(
    doors: ServerProcess, open_bundle: OpenBundle
) -> None:
    page = await open_bundle(BARE)
    address = endpoint(doors, "studio", "whep", "?peer=bot")
    async with join(doors.url, "studio", name="another"), join(doors.url, "studio", name="bot") as room:
        await room.publish(tone(440.0), slot="microphone")
        await room.publish(ColourTrack(), slot="camera")
        assert await call(page, "view", address) == 201
        await until(page, "video.videoWidth === 320 && video.srcObject.getTracks().length === 2")
        shown = await page.evaluate("video.getVideoPlaybackQuality().totalVideoFrames")
        await until(page, f"video.getVideoPlaybackQuality().totalVideoFrames > {shown + 5}")
        assert await call(page, "leave") == 200


@scenario(BY_DRAFT, "sees a page of ours")
async def test_a_viewer_sees_a_page_of_ours(
    doors: ServerProcess, open_bundle: OpenBundle, open_page: OpenPage
) -> None:
    await open_page("studio", "Ana", server=doors)
    page = await open_bundle(BARE)
    assert await call(page, "view", endpoint(doors, "studio", "whep")) == 201
    await until(page, "video.videoWidth > 0 && video.getVideoPlaybackQuality().totalVideoFrames > 5")


@scenario(BY_DRAFT, "finds nobody")
async def test_a_viewer_of_an_empty_room_is_told_to_come_back(
    doors: ServerProcess, open_bundle: OpenBundle
) -> None:
    page = await open_bundle(BARE)
    assert await call(page, "view", endpoint(doors, "empty", "whep")) == 409
