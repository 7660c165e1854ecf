"""Two Python peers over real WebRTC on loopback: long messages, many messages, sound and pictures."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable
from fractions import Fraction

import av
import msgspec
import numpy as np
import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from peer.channels.kinds import LATEST, RELIABLE
from peer.errors import Closed, Full
from peer.voice.runner import tone
from signaling.protocol.signals import PeerPayload, PleaseOffer
from tests.peer.pair import End, connected, pair

pytestmark = pytest.mark.end_to_end
BOTH = pytest.mark.parametrize("by_offerer", [True, False], ids=["by the offerer", "by the answerer"])


class Picture(MediaStreamTrack):
    """One colour, 15 times a second; ``colour`` is red, green, blue."""

    kind = "video"

    def __init__(self, colour: tuple[int, int, int]) -> None:
        super().__init__()
        self._pixels = np.full((120, 160, 3), colour, np.uint8)
        self._numbers = itertools.count()

    async def recv(self) -> av.VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(1 / 15)
        frame = av.VideoFrame.from_ndarray(self._pixels, format="rgb24")
        frame.pts, frame.time_base = next(self._numbers) * 6000, Fraction(1, 90_000)
        return frame


async def next_track(end: End) -> tuple[str, MediaStreamTrack]:
    async with asyncio.timeout(15):
        return await anext(end.connection.tracks())


async def loudest_hz(track: MediaStreamTrack) -> float:
    """The strongest frequency of the next second, after the first moments."""
    heard = []
    async with asyncio.timeout(15):
        for _ in range(75):
            frame = await track.recv()
            assert isinstance(frame, av.AudioFrame)
            heard.append(frame.to_ndarray().reshape(-1, 2)[:, 0])
    samples = np.concatenate(heard[25:]).astype(float)
    assert np.abs(samples).max() > 1000, "silence"
    return float(np.abs(np.fft.rfft(samples)).argmax() * 48_000 / len(samples))


async def until_it_ends(track: MediaStreamTrack) -> None:
    try:
        async with asyncio.timeout(10):
            while True:
                await track.recv()
    except MediaStreamError:
        pass  # as it should


async def until_it_looks(track: MediaStreamTrack, is_it: Callable[[np.ndarray], bool]) -> None:
    """``is_it`` gets the mean red, green and blue of each picture."""
    async with asyncio.timeout(15):
        while True:
            frame = await track.recv()
            assert isinstance(frame, av.VideoFrame)
            if is_it(frame.to_ndarray(format="rgb24").reshape(-1, 3).mean(axis=0)):
                return


@BOTH
async def test_a_message_of_a_mebibyte_arrives(by_offerer: bool) -> None:
    async with pair() as (offerer, answerer):
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        channel = await here.connection.open("files", RELIABLE)
        message = bytes(range(256)) * 4096
        async with asyncio.timeout(60):
            await channel.send(message)
            theirs = await anext(there.connection.channels())
            assert await anext(theirs) == message


@BOTH
async def test_two_thousand_messages_arrive_in_order(by_offerer: bool) -> None:
    async with pair() as (offerer, answerer):
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        channel = await here.connection.open("log", RELIABLE)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:

            async def send_all() -> None:
                for number in range(2000):
                    await channel.send(f"{number} ".encode() + bytes(number % 300))

            tasks.create_task(send_all())
            theirs = await anext(there.connection.channels())
            for number in range(2000):
                message = await anext(theirs)
                assert isinstance(message, bytes)
                assert message.startswith(f"{number} ".encode())


async def test_a_sender_waits_for_room_and_send_now_says_that_there_is_none() -> None:
    async with pair() as (offerer, answerer):
        channel = await offerer.connection.open("files", RELIABLE)
        async with asyncio.timeout(60):
            await channel.wait_open()
            for _ in range(10):
                channel.send_now(bytes(100_000))
            with pytest.raises(Full):
                channel.send_now(bytes(100_000))
            sending = asyncio.create_task(channel.send(bytes(1_000_000)))
            await asyncio.sleep(0.001)
            assert not sending.done()
            theirs = await anext(answerer.connection.channels())
            while len(await anext(theirs)) != 1_000_000:
                pass
            await sending


async def test_a_send_that_is_cancelled_leaves_the_next_message_whole() -> None:
    async with pair() as (offerer, answerer):
        channel = await offerer.connection.open("files", RELIABLE)
        async with asyncio.timeout(60):
            await channel.wait_open()
            sending = asyncio.create_task(channel.send(b"a" * 4_000_000))
            await asyncio.sleep(0.05)
            sending.cancel()
            await channel.send(b"b" * 50_000)
            theirs = await anext(answerer.connection.channels())
            messages = [await anext(theirs), await anext(theirs)]
        assert messages == [b"a" * 4_000_000, b"b" * 50_000]


async def test_a_reader_of_latest_sees_ever_newer_values_and_few_of_a_burst() -> None:
    async with pair() as (offerer, answerer):
        moves = await offerer.connection.open("moves", LATEST)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            await moves.wait_open()
            for number in range(3000):
                moves.send_now(number.to_bytes(2, "big") + bytes(1000))
            assert moves.statistics().replaced > 2900

            async def go_on() -> None:
                for number in range(3000, 4000):
                    moves.send_now(number.to_bytes(2, "big"))
                    await asyncio.sleep(0.01)

            sending = tasks.create_task(go_on())
            theirs = await anext(answerer.connection.channels())
            newest = -1
            while newest < 3020:
                message = await anext(theirs)
                assert isinstance(message, bytes)
                assert int.from_bytes(message[:2], "big") > newest
                newest = int.from_bytes(message[:2], "big")
            sending.cancel()


@BOTH
async def test_a_tone_is_heard_at_its_frequency(by_offerer: bool) -> None:
    track = tone(440.0)

    def publish(offerer: End, answerer: End) -> None:
        (offerer if by_offerer else answerer).connection.publish("microphone", track)

    async with pair(publish) as (offerer, answerer):
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        slot, heard = await next_track(there)
        assert slot == "microphone"
        assert there.slots[-1] == {"microphone": "live"}
        assert await loudest_hz(heard) == pytest.approx(440, abs=4)
        here.connection.unpublish("microphone")
        await until_it_ends(heard)
    assert track.readyState == "live", "the application's track was stopped"


@BOTH
async def test_a_picture_that_is_published_late_arrives_in_its_colour(by_offerer: bool) -> None:
    async with pair() as (offerer, answerer):
        await connected(offerer, answerer)
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        here.connection.publish("camera", Picture((220, 30, 40)))
        slot, seen = await next_track(there)
        assert slot == "camera"
        await until_it_looks(seen, lambda rgb: bool(rgb[0] > 180 and rgb[1] < 80 and rgb[2] < 90))
        # Another track in the same slot: no new negotiation, no new track.
        here.connection.publish("camera", Picture((30, 40, 220)))
        await until_it_looks(seen, lambda rgb: bool(rgb[2] > 180 and rgb[0] < 80))
    assert any(isinstance(payload, PleaseOffer) for payload in here.sent) is not by_offerer


async def test_both_hear_each_other_and_one_track_goes_to_many() -> None:
    mine, theirs = tone(500.0), tone(800.0)

    def publish(offerer: End, answerer: End) -> None:
        offerer.connection.publish("microphone", mine)
        answerer.connection.publish("microphone", theirs)

    async with pair(publish) as (a, b), pair(publish) as (c, d):
        tracks = [(await next_track(end))[1] for end in (a, b, c, d)]
        heard = await asyncio.gather(*map(loudest_hz, tracks))
        assert heard == [pytest.approx(hertz, abs=4) for hertz in (800, 500, 800, 500)]


async def test_a_call_goes_on_after_a_rebuild() -> None:
    def publish(offerer: End, answerer: End) -> None:
        answerer.connection.publish("microphone", tone(600.0))

    async with pair(publish) as (offerer, _):
        _, heard = await next_track(offerer)
        assert await loudest_hz(heard) == pytest.approx(600, abs=4)
        offerer.connection.receive(PleaseOffer(generation=1, rebuild=True))
        await offerer.until(lambda: offerer.states[-2:] == ["interrupted", "connected"])
        assert await loudest_hz(heard) == pytest.approx(600, abs=4)


async def test_what_nobody_listens_to_is_not_kept() -> None:
    def publish(offerer: End, answerer: End) -> None:
        offerer.connection.publish("microphone", tone(600.0))

    async with pair(publish) as (_, answerer):
        _, heard = await next_track(answerer)
        await asyncio.sleep(2)
        started = asyncio.get_running_loop().time()
        for _ in range(50):
            await heard.recv()
        assert asyncio.get_running_loop().time() - started < 0.2
        # A hundred frames have come in two seconds; the rest was dropped, and these have to be waited for.
        for _ in range(25):
            await heard.recv()
        assert asyncio.get_running_loop().time() - started > 0.3


async def test_when_the_other_side_is_killed_nothing_here_hangs() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.end_to_end.remote_end",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    end = End("the offerer", you_offer=True)
    decoder: msgspec.json.Decoder[PeerPayload] = msgspec.json.Decoder(PeerPayload)

    async def carry() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            end.connection.receive(decoder.decode(line))

    carrying = asyncio.create_task(carry())
    try:
        end.connection.start()
        async with asyncio.timeout(20):
            await end.until(lambda: bool(end.sent))
            process.stdin.write(msgspec.json.encode(end.sent[0]) + b"\n")
            channel = await end.connection.open("chat", RELIABLE)
            await channel.send("are you there?")
        process.kill()
        await process.wait()
        waiting = asyncio.create_task(channel.send(bytes(5_000_000)))
        await asyncio.sleep(0.1)
        started = asyncio.get_running_loop().time()
        await end.connection.close()
        assert asyncio.get_running_loop().time() - started < 7
        with pytest.raises(Closed):
            await waiting
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await carrying
