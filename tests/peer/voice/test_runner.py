from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from peer.voice.framing import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples, tone_frame
from peer.voice.media_file import read_sound
from peer.voice.runner import Recorder, SoundTrack, VideoTrack, audio_frame, file_sound, tone
from tests.peer.voice.test_media_file import loudest_hz, write_video, write_wav


def three_frames() -> Iterator[Samples]:
    return (np.full(FRAME_SAMPLES, value, np.int16) for value in (1, 2, 3))


async def values(track: SoundTrack, count: int) -> list[int]:
    return [int((await track.recv()).to_ndarray()[0, 0]) for _ in range(count)]


async def test_a_track_plays_one_frame_each_20_ms_and_then_ends() -> None:
    track = SoundTrack(three_frames)
    started = asyncio.get_running_loop().time()
    frames = [await track.recv() for _ in range(3)]
    assert asyncio.get_running_loop().time() - started >= 2 * FRAME_SECONDS - 0.001
    assert [frame.pts for frame in frames] == [0, FRAME_SAMPLES, 2 * FRAME_SAMPLES]
    assert {(frame.samples, frame.sample_rate, frame.format.name) for frame in frames} == {
        (FRAME_SAMPLES, SAMPLE_RATE, "s16")
    }
    with pytest.raises(MediaStreamError):
        await track.recv()
    assert track.ended.is_set()
    assert track.seconds_played == pytest.approx(0.06)


async def test_a_loop_begins_again() -> None:
    track = SoundTrack(three_frames, loop=True)
    assert await values(track, 7) == [1, 2, 3, 1, 2, 3, 1]
    track.stop()


async def test_a_loop_over_nothing_ends() -> None:
    track = SoundTrack(lambda: iter(()), loop=True)
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_a_tone_has_no_end_and_its_frequency() -> None:
    track = tone(500.0)
    sound = np.concatenate([(await track.recv()).to_ndarray()[0] for _ in range(10)])
    assert abs(loudest_hz(sound) - 500) <= 5
    track.stop()


async def test_a_sound_file_is_played(tmp_path: Path) -> None:
    track = file_sound(write_wav(tmp_path / "a.wav", 16_000, 1, 0.1, 440.0))
    assert await count_to_the_end(track) in (5, 6)


async def count_to_the_end(track: SoundTrack) -> int:
    count = 0
    try:
        while await track.recv():
            count += 1
    except MediaStreamError:
        return count
    return count


async def test_pictures_are_shown_at_their_times_and_a_loop_goes_on_in_time(tmp_path: Path) -> None:
    track = VideoTrack(write_video(tmp_path / "v.mp4", count=3, rate=50), loop=True)
    times = [float((await track.recv()).time or 0.0) for _ in range(7)]
    assert all(after > before for before, after in itertools.pairwise(times))
    track.stop()


class Voice(MediaStreamTrack):
    """What another peer says: frames as fast as they are read."""

    kind = "audio"

    def __init__(self, frames: list[Samples]) -> None:
        super().__init__()
        self._frames = enumerate(frames)

    async def recv(self) -> av.AudioFrame:
        for number, samples in self._frames:
            return audio_frame(samples, number)
        raise MediaStreamError


async def test_a_recording_mixes_all_voices_and_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    async with Recorder(path) as recorder:
        async with asyncio.TaskGroup() as tasks:
            for voice, frequency_hz in (("ana", 500.0), ("ben", 2000.0)):
                frames = [tone_frame(number, frequency_hz) for number in range(10)]
                tasks.create_task(recorder.listen(voice, Voice(frames)))
        await tone_for(0.2)
    assert recorder.seconds_heard == pytest.approx({"ana": 0.2, "ben": 0.2}, abs=0.021)
    sound = np.concatenate(list(read_sound(path)))
    spectrum = np.abs(np.fft.rfft(sound[: SAMPLE_RATE // 10].astype(np.float64)))
    assert {round(float(bin_) * 10) for bin_ in spectrum.argsort()[-2:]} == {500, 2000}


async def tone_for(seconds: float) -> None:
    """Let time pass in the way of this house: by playing something."""
    track = tone()
    for _ in range(round(seconds / FRAME_SECONDS) + 1):
        await track.recv()
    track.stop()


async def test_a_full_disk_is_not_kept_a_secret(tmp_path: Path) -> None:
    (tmp_path / "full.wav").symlink_to("/dev/full")
    recorder = Recorder(tmp_path / "full.wav")
    await recorder.__aenter__()
    await recorder.listen("ana", Voice([tone_frame(number) for number in range(5)]))
    await tone_for(0.1)
    with pytest.raises(OSError, match="No space left"):
        await recorder.__aexit__(None, None, None)
