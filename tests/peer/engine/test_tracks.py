from __future__ import annotations

import asyncio
import logging
from fractions import Fraction

import av
import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from peer.engine.tracks import MAX_UNREAD_AUDIO_FRAMES, ReceivedTrack, SlotTrack, drain


def frame_of(number: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="mono", samples=960)
    frame.pts, frame.sample_rate, frame.time_base = number, 48_000, Fraction(1, 48_000)
    return frame


class Counting(MediaStreamTrack):
    """Frames that are numbered in ``pts``; ends after ``count``."""

    kind = "audio"

    def __init__(self, count: int = 1_000_000, first: int = 0) -> None:
        super().__init__()
        self.next_number = first
        self._end = first + count

    async def recv(self) -> av.AudioFrame:
        if self.next_number >= self._end:
            raise MediaStreamError
        self.next_number += 1
        return frame_of(self.next_number - 1)


async def numbers(track: MediaStreamTrack, count: int) -> list[int | None]:
    async with asyncio.timeout(1):
        return [(await track.recv()).pts for _ in range(count)]


async def test_a_slot_plays_what_is_published() -> None:
    slot = SlotTrack("audio")
    slot.play(Counting())
    assert await numbers(slot, 3) == [0, 1, 2]
    slot.stop()


async def test_two_slots_of_one_track_both_get_every_frame() -> None:
    track, slots = Counting(), [SlotTrack("audio"), SlotTrack("audio")]
    for slot in slots:
        slot.play(track)
    heard = await asyncio.gather(*(numbers(slot, 10) for slot in slots))
    assert heard == [list(range(10)), list(range(10))]
    for slot in slots:
        slot.stop()
    assert track.readyState == "live", "the application's track was stopped"


async def test_a_track_is_read_only_when_somebody_sends_it() -> None:
    track, slot = Counting(), SlotTrack("audio")
    slot.play(track)
    for _ in range(10):
        await asyncio.sleep(0)
    assert track.next_number == 0
    await numbers(slot, 2)
    assert track.next_number <= 3
    slot.stop()


async def test_another_track_takes_over_at_once() -> None:
    class Silent(MediaStreamTrack):
        kind = "audio"

        async def recv(self) -> av.AudioFrame:
            await asyncio.Event().wait()
            raise AssertionError

    slot = SlotTrack("audio")
    slot.play(Silent())
    waiting = asyncio.create_task(slot.recv())
    await asyncio.sleep(0)
    slot.play(Counting(first=100))
    async with asyncio.timeout(1):
        assert (await waiting).pts == 100
    slot.stop()


async def test_a_slot_without_a_track_waits_and_goes_on() -> None:
    slot = SlotTrack("audio")
    waiting = asyncio.create_task(slot.recv())
    await asyncio.sleep(0)
    slot.play(Counting(count=1))
    assert (await waiting).pts == 0
    waiting = asyncio.create_task(slot.recv())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done(), "a track that has ended is silence"
    slot.play(Counting(first=7))
    assert (await waiting).pts == 7
    slot.play(None)
    slot.stop()


async def test_a_stopped_slot_ends_for_whoever_waits() -> None:
    slot = SlotTrack("audio")
    waiting = asyncio.create_task(slot.recv())
    await asyncio.sleep(0)
    slot.stop()
    with pytest.raises(MediaStreamError):
        await waiting
    slot.play(Counting())
    with pytest.raises(MediaStreamError):
        await slot.recv()


async def test_a_track_that_fails_is_logged_and_silent(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(MediaStreamTrack):
        kind = "audio"

        async def recv(self) -> av.AudioFrame:
            raise RuntimeError("the application's own mistake")

    slot = SlotTrack("audio")
    slot.play(Failing())
    waiting = asyncio.create_task(slot.recv())
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            await asyncio.sleep(0)
    assert "published track failed" in caplog.text
    slot.play(Counting())
    assert (await waiting).pts == 0
    slot.stop()


async def test_what_has_been_received_is_read_in_order_and_the_oldest_goes() -> None:
    track = ReceivedTrack("audio")
    for number in range(MAX_UNREAD_AUDIO_FRAMES + 3):
        track.put(frame_of(number))
    assert await numbers(track, 2) == [3, 4]
    track.stop()
    assert await numbers(track, 1) == [5]


async def test_a_received_track_ends_for_whoever_waits() -> None:
    track = ReceivedTrack("video")
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.stop()
    with pytest.raises(MediaStreamError):
        await waiting


async def test_draining_reads_until_the_end() -> None:
    heard: list[int | None] = []
    await drain(Counting(count=5), lambda frame: heard.append(frame.pts))
    assert heard == [0, 1, 2, 3, 4]
