from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from peer.voice.framing import FRAME_SAMPLES, SAMPLE_RATE, Samples, to_stereo, tone_frame
from peer.voice.media_file import MediaError, open_writer, read_pictures, read_sound, streams_of


def write_wav(path: Path, rate: int, channels: int, seconds: float, frequency_hz: float) -> Path:
    positions = np.arange(round(rate * seconds)) / rate
    mono = np.asarray(np.sin(2 * np.pi * frequency_hz * positions) * 10_000, dtype="<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(mono, channels).tobytes())
    return path


def write_video(path: Path, count: int = 10, rate: int = 20) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), 20 * number % 256, np.uint8), format="rgb24"
            )
            picture.pts, picture.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def loudest_hz(samples: Samples) -> int:
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
    return round(float(spectrum.argmax()) * SAMPLE_RATE / len(samples))


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (44_100, 2), (8_000, 1)])
def test_sound_of_any_rate_becomes_whole_frames_of_the_same_tone(
    tmp_path: Path, rate: int, channels: int
) -> None:
    frames = list(read_sound(write_wav(tmp_path / "a.wav", rate, channels, 1.0, 1000.0)))
    assert all(frame.shape == (FRAME_SAMPLES,) for frame in frames)
    assert len(frames) in (50, 51)
    assert abs(loudest_hz(np.concatenate(frames)) - 1000) <= 2


@pytest.mark.parametrize("name", ["heard.wav", "heard.ogg", "heard.mp4"])
def test_what_is_written_can_be_read_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    writer = open_writer(path)
    for number in range(100):
        writer.write(to_stereo(tone_frame(number, 700.0)))
    writer.close()
    sound = np.concatenate(list(read_sound(path)))
    assert abs(len(sound) / SAMPLE_RATE - 2.0) < 0.1
    assert abs(loudest_hz(sound) - 700) <= 3


def test_writing_nothing_makes_an_empty_file_that_is_whole(tmp_path: Path) -> None:
    open_writer(tmp_path / "none.wav").close()
    assert list(read_sound(tmp_path / "none.wav")) == []


def test_pictures_come_with_their_times(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4")
    times = [picture.time for picture in read_pictures(path)]
    assert times == pytest.approx([number / 20 for number in range(10)], abs=0.001)


def test_a_file_says_what_is_in_it(tmp_path: Path) -> None:
    assert streams_of(write_video(tmp_path / "v.mp4")) == (False, True)
    assert streams_of(write_wav(tmp_path / "a.wav", 8000, 1, 0.1, 440)) == (True, False)


def test_a_file_that_is_missing_or_no_media_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No such file"):
        streams_of(tmp_path / "missing.wav")
    (tmp_path / "text.wav").write_text("not a sound")
    with pytest.raises(MediaError, match=r"text\.wav cannot be played"):
        streams_of(tmp_path / "text.wav")


def test_a_place_that_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be written"):
        open_writer(tmp_path / "no" / "such" / "folder.wav")
    with pytest.raises(MediaError, match="cannot be written"):
        open_writer(tmp_path / "odd.ending")
