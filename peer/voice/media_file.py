"""Sound and pictures from a file and back into one, through PyAV and the standard library.

Everything here blocks: :mod:`peer.voice.runner` calls it in a thread.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.audio.resampler import AudioResampler

from peer.errors import PeerlaneError
from peer.voice.framing import FRAME_SAMPLES, SAMPLE_RATE, Framer, Samples


class MediaError(PeerlaneError):
    """A file is not there, or nothing in it can be played, or it cannot be written."""


def streams_of(path: Path) -> tuple[bool, bool]:
    """Whether the file has sound, and whether it has pictures. Raises MediaError."""
    try:
        with av.open(str(path)) as container:
            sound, pictures = bool(container.streams.audio), bool(container.streams.video)
    except (OSError, av.FFmpegError) as error:
        raise MediaError(f"{path} cannot be played: {_reason(error)}") from error
    if not sound and not pictures:
        raise MediaError(f"{path} cannot be played: there is neither sound nor video in it")
    return sound, pictures


def read_sound(path: Path) -> Iterator[Samples]:
    """The file's sound as frames of :mod:`peer.voice.framing`. Raises MediaError."""
    framer = Framer()
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(audio=0):
                for resampled in resampler.resample(frame):
                    yield from framer.push(samples_of(resampled))
            for resampled in resampler.resample(None):
                yield from framer.push(samples_of(resampled))
    except (OSError, av.FFmpegError) as error:
        raise MediaError(f"{path} cannot be played: {_reason(error)}") from error
    yield from framer.flush()


def samples_of(frame: av.AudioFrame) -> Samples:
    """All samples of a packed 16-bit frame in one row; the channels of a moment stand side by side."""
    return np.asarray(frame.to_ndarray(), dtype=np.int16).reshape(-1)


def read_pictures(path: Path) -> Iterator[av.VideoFrame]:
    """The file's video frames; their ``time`` is seconds from its start. Raises MediaError."""
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                if frame.time is not None:
                    yield frame
    except (OSError, av.FFmpegError) as error:
        raise MediaError(f"{path} cannot be played: {_reason(error)}") from error


class SoundWriter(Protocol):
    def write(self, samples: Samples) -> None:
        """Stereo samples of 48 kHz, after what was written before."""

    def close(self) -> None: ...


def open_writer(path: Path) -> SoundWriter:
    """A file that takes sound: WAV as it is, anything else as its ending says (``.mp4``, ``.ogg`` …).

    Raises MediaError when the file cannot be made.
    """
    try:
        return _WavWriter(path) if path.suffix.lower() == ".wav" else _CodedWriter(path)
    except (OSError, ValueError, av.FFmpegError) as error:
        raise MediaError(f"{path} cannot be written: {_reason(error)}") from error


class _WavWriter:
    def __init__(self, path: Path) -> None:
        # Opened here: a Wave_write that could not open its file complains when it is collected.
        self._raw = path.open("wb")
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115  # close() closes both
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(SAMPLE_RATE)

    def write(self, samples: Samples) -> None:
        self._file.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())

    def close(self) -> None:
        try:
            self._file.close()
        finally:
            self._raw.close()


class _CodedWriter:
    """Through PyAV, with the codec that the container prefers for sound."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path), "w")
        codec = "libopus" if path.suffix.lower() in (".ogg", ".opus", ".webm") else "aac"
        stream = self._container.add_stream(codec, rate=SAMPLE_RATE, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        self._stream = stream
        self._position = 0

    def write(self, samples: Samples) -> None:
        for start in range(0, len(samples), FRAME_SAMPLES):
            piece = np.ascontiguousarray(samples[start : start + FRAME_SAMPLES])
            frame = av.AudioFrame.from_ndarray(piece.reshape(1, -1), format="s16", layout="stereo")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = self._position
            frame.time_base = Fraction(1, SAMPLE_RATE)
            self._position += len(piece)
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
