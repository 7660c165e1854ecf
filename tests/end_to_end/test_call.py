"""``peerlane call`` as a process: what one plays the other records, also with a page in the room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from peer.voice.framing import SAMPLE_RATE
from peer.voice.media_file import read_sound
from tests.end_to_end.commands import command
from tests.end_to_end.conftest import OpenPage, ServerProcess, eventually, until
from tests.peer.voice.test_media_file import loudest_hz, write_video, write_wav

pytestmark = pytest.mark.end_to_end

BYTES_PER_SAMPLE = 2


def heard(path: Path) -> tuple[float, int, float]:
    """How long a recording is, its loudest frequency, and for how many seconds there is sound in it."""
    samples = np.concatenate([np.zeros(0, np.int16), *read_sound(path)])
    loud = np.count_nonzero(np.abs(samples.reshape(-1, SAMPLE_RATE // 100)).max(axis=1) > 500)
    return len(samples) / SAMPLE_RATE, loudest_hz(samples), loud / 100


async def test_two_calls_hear_each_other(server: ServerProcess, tmp_path: Path) -> None:
    low = write_wav(tmp_path / "low.wav", 44_100, 2, 3.0, 500.0)
    high = write_wav(tmp_path / "high.wav", 16_000, 1, 3.0, 900.0)
    ana_heard, ben_heard = tmp_path / "ana.wav", tmp_path / "ben.ogg"
    play_low = ("--name", "ana", "--play", str(low), "--record", str(ana_heard), "--duration", "6")
    play_high = ("--name", "ben", "--play", str(high), "--record", str(ben_heard), "--json")
    async with command("call", server.url, "r", *play_low) as ana:
        await ana.noted("nobody yet")
        async with command("call", server.url, "r", *play_high) as ben:
            summary = await ben.event("summary")
            assert summary["seconds_sent"] == pytest.approx(3.0, abs=0.05)
            assert sum(summary["seconds_heard"].values()) > 2.0
            assert summary["peers"] == 1
            assert await ben.ended() == 0
        await ana.noted("ben left")
        assert await ana.ended() == 0
    length, frequency_hz, sounding = heard(ana_heard)
    assert length == pytest.approx(6.0, abs=0.5)
    assert abs(frequency_hz - 900) <= 5
    assert sounding > 2.0
    _, frequency_hz, sounding = heard(ben_heard)
    assert abs(frequency_hz - 500) <= 5
    assert sounding > 2.0


async def test_a_page_sees_and_hears_a_file_and_its_microphone_is_recorded(
    server: ServerProcess, open_page: OpenPage, tmp_path: Path
) -> None:
    page = await open_page("r", "Paula")
    video = write_video(tmp_path / "film.mp4", count=40)
    record = tmp_path / "heard.wav"
    options = ("--play", str(video), "--loop", "--record", str(record), "--duration", "8", "--name", "film")
    async with command("call", server.url, "r", *options) as film:
        await film.noted("sends microphone")
        remote = "document.querySelector('video[data-peer]:not([data-peer=me])')"
        await until(page, f"{remote}?.getVideoPlaybackQuality().totalVideoFrames > 5")
        assert await film.ended() == 0
    _, _, sounding = heard(record)
    assert sounding > 0.5  # the fake microphone beeps once a second


async def test_a_recording_is_finished_also_when_interrupted(server: ServerProcess, tmp_path: Path) -> None:
    record = tmp_path / "heard.wav"
    async with command("call", server.url, "r", "--record", str(record)) as ana:
        await ana.noted("nobody yet")
        half_a_second = SAMPLE_RATE // 2 * BYTES_PER_SAMPLE
        await eventually(lambda: record.exists() and record.stat().st_size > half_a_second, "it records")
        ana.interrupt()
        assert await ana.ended() == 130
    length, _, sounding = heard(record)
    assert length > 0.4
    assert sounding == 0


@pytest.mark.parametrize("play", ["missing.wav", "mic"])
async def test_what_cannot_be_played_is_one_clear_line(server: ServerProcess, play: str) -> None:
    async with command("call", server.url, "r", "--play", play) as ana:
        assert await ana.ended() == 1
        (line,) = ana.errors
        assert "cannot be played" in line or "microphone" in line
