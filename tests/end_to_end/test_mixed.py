"""Browsers and Python peers in one room: pictures, sound and words, whatever happens to server and peers."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack

import numpy as np
import pytest
from aiortc import MediaStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame
from playwright.async_api import Page

from peer import events
from peer.channels.channel import Channel
from peer.channels.kinds import RELIABLE
from peer.room import RemotePeer, Room, join
from peer.voice.runner import tone
from tests.end_to_end.bots import the_peer
from tests.end_to_end.conftest import PATIENCE, OpenPage, ServerProcess, StartServer, eventually, until
from tests.end_to_end.looks import connected, hears, is_, me, names, reads, sees, states, write

pytestmark = pytest.mark.end_to_end

TONE_HZ = 440.0
AWAY_SECONDS = 3.0
"""The dead-peer time of the tests: a peer without a link is gone after this."""


class ColourTrack(VideoStreamTrack):
    """A picture whose brightness moves."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        self._count += 1
        picture = np.zeros((240, 320, 3), dtype=np.uint8)
        picture[:, :, 0] = 200
        picture[:, : self._count * 4 % 320, 2] = 255
        # In the encoder's format already: two encoders that convert at once have ended a process.
        frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


async def track_of(peer: RemotePeer, slot: str) -> MediaStreamTrack:
    async with asyncio.timeout(PATIENCE):
        async for name, track in peer.tracks():
            if name == slot:
                return track
    raise AssertionError(f"{peer.name} sends no {slot}")


async def loudness(track: MediaStreamTrack, frames: int = 75) -> float:
    """The loudest of so many frames of 20 ms: 0 is silence, 1 is all there is."""
    loudest = 0.0
    async with asyncio.timeout(PATIENCE):
        for _ in range(frames):
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            loudest = max(loudest, float(np.abs(frame.to_ndarray()).max()) / 32_768)
    return loudest


async def pitch_hz(track: MediaStreamTrack) -> float:
    """The strongest frequency of a second of sound, after the first second."""
    pieces = []
    async with asyncio.timeout(PATIENCE):
        for number in range(100):
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            if number >= 50:
                pieces.append(frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0])
    samples = np.concatenate(pieces).astype(float)
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax() * frame.sample_rate / len(samples))


async def moving_pictures(track: MediaStreamTrack) -> None:
    """Pictures are decoded, and they change."""
    seen: set[bytes] = set()
    async with asyncio.timeout(PATIENCE):
        while len(seen) < 5:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            assert frame.width >= 160
            seen.add(frame.to_ndarray(format="gray").tobytes())


async def say(channel: Channel, text: str) -> None:
    await channel.send(json.dumps({"text": text}))


async def heard(channel: Channel) -> str:
    async with asyncio.timeout(PATIENCE):
        return str(json.loads(await anext(channel))["text"])


def roster(room: Room) -> dict[str, str]:
    return {peer.name: peer.state for peer in room.roster}


async def test_a_browser_and_a_python_peer_see_hear_and_write_to_each_other(
    server: ServerProcess, open_page: OpenPage
) -> None:
    page = await open_page("garden", "Ana")
    async with join(server.url, "garden", name="bot") as room:
        await room.publish(tone(TONE_HZ), slot="microphone")
        await room.publish(ColourTrack(), slot="camera")
        ana = await the_peer(room, "Ana")
        await connected(page, page)
        await sees(page, room.me)
        await hears(page, room.me)
        assert await loudness(await track_of(ana, "microphone")) > 0.01
        await moving_pictures(await track_of(ana, "camera"))
        chat = await ana.open("chat", RELIABLE)
        await say(chat, "hello from Python")
        await reads(page, "hello from Python")
        await write(page, "grüße 🎲")
        assert await heard(chat) == "grüße 🎲"


async def test_a_browser_that_joins_a_python_peer_is_served_as_well(
    server: ServerProcess, open_page: OpenPage
) -> None:
    async with join(server.url, "garden", name="bot") as room:
        await room.publish(tone(TONE_HZ), slot="microphone")
        page = await open_page("garden", "Ana", camera="0", microphone="0")
        ana = await the_peer(room, "Ana")
        await hears(page, room.me)
        # Late: the browser offers again, now with a camera.
        await page.click("#camera")
        await moving_pictures(await track_of(ana, "camera"))


async def test_two_python_peers_see_and_hear_each_other(server: ServerProcess) -> None:
    async with join(server.url, "garden", name="one") as one, join(server.url, "garden", name="two") as two:
        for room in (one, two):
            await room.publish(tone(TONE_HZ), slot="microphone")
            await room.publish(ColourTrack(), slot="camera")
        for room, other in ((one, "two"), (two, "one")):
            peer = await the_peer(room, other)
            assert await pitch_hz(await track_of(peer, "microphone")) == pytest.approx(TONE_HZ, abs=10.0)
            await moving_pictures(await track_of(peer, "camera"))


async def test_five_make_a_mesh_and_rosters_are_right_when_one_leaves_one_crashes_and_one_reloads(
    start_server: StartServer, open_page: OpenPage
) -> None:
    server = start_server(PEERLANE_SESSION_RESUME_WINDOW=str(AWAY_SECONDS))
    pages = {
        name: await open_page("garden", name, server=server, camera="0", microphone="0")
        for name in ("Ana", "Ben", "Eve")
    }
    doomed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "peerlane", "chat", server.url, "garden", "--name", "doomed", "--json"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with AsyncExitStack() as stack:
        room = await stack.enter_async_context(join(server.url, "garden", name="bot"))
        everybody = set(pages) | {"bot", "doomed"}
        for page in pages.values():
            await eventually(lambda page=page: is_(states(page), ["connected"] * 4), "a full mesh")
        await eventually(
            lambda: roster(room) == dict.fromkeys(everybody - {"bot"}, "connected"), "a full mesh for Python"
        )

        await pages["Eve"].click("#leave")
        left = everybody - {"Eve"}
        await _all_know(pages, ["Ana", "Ben"], room, left, within=2.0)

        doomed.send_signal(signal.SIGKILL)
        await doomed.wait()
        left -= {"doomed"}
        await _all_know(pages, ["Ana", "Ben"], room, left, within=AWAY_SECONDS + 1.0)

        before = await me(pages["Ben"])
        await pages["Ben"].reload()
        await until(pages["Ben"], "window.peerlane?.room?.state === 'open'")
        assert await me(pages["Ben"]) != before
        await _all_know(pages, ["Ana", "Ben"], room, left, within=AWAY_SECONDS + 1.0)
        for name in ("Ana", "Ben"):
            await eventually(lambda name=name: is_(states(pages[name]), ["connected"] * 2), "a mesh again")


async def _all_know(
    pages: dict[str, Page], present: list[str], room: Room, expected: set[str], within: float
) -> None:
    for name in present:
        await eventually(
            lambda name=name: is_(names(pages[name]), expected - {name}),
            f"{name}'s roster is {expected}",
            within,
        )
    await eventually(
        lambda: set(roster(room)) == expected - {"bot"}, f"Python's roster is {expected}", within
    )


async def test_a_call_goes_on_while_the_server_is_killed_and_started_again(
    server: ServerProcess, open_page: OpenPage
) -> None:
    page = await open_page("garden", "Ana")
    async with join(server.url, "garden", name="bot") as room:
        await room.publish(tone(TONE_HZ), slot="microphone")
        await room.publish(ColourTrack(), slot="camera")
        ana = await the_peer(room, "Ana")
        chat = await ana.open("chat", RELIABLE)
        await sees(page, room.me)
        happened: list[type] = []
        room.on(events.Interrupted)(lambda event: happened.append(type(event)))
        room.on(events.Restored)(lambda event: happened.append(type(event)))
        room.on(events.PeerInterrupted)(lambda event: happened.append(type(event)))
        ids = (await me(page), room.me)

        server.kill()
        await eventually(lambda: room.state == "interrupted", "Python notices")
        await sees(page, room.me)
        await hears(page, room.me)
        await say(chat, "without a server")
        await reads(page, "without a server")
        await write(page, "me too")
        assert await heard(chat) == "me too"

        server.start()
        await eventually(lambda: room.state == "open", "Python's signaling is back")
        await until(page, "window.peerlane.room.state === 'open'")
        await eventually(lambda: roster(room) == {"Ana": "connected"}, "Python's roster")
        await eventually(lambda: is_(names(page), {"bot"}), "the page's roster")
        assert (await me(page), room.me) == ids
        assert room.peer(ids[0]) is ana
        await sees(page, room.me)
        await say(chat, "with a server")
        await reads(page, "with a server")
        assert happened.count(events.Restored) == 1
        assert events.PeerInterrupted not in happened
