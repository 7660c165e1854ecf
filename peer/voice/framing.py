"""Sound in the one shape that travels well: 20 ms of 48 kHz mono, 960 signed 16-bit samples.

Samples are int16 arrays of shape (samples,) for mono and (samples, channels) otherwise. aiortc stamps
every Opus packet of a longer frame with the same time, so receivers drop them: hence exactly 20 ms.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 48_000
FRAME_SAMPLES = 960
FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE

Samples = npt.NDArray[np.int16]

SILENCE: Samples = np.zeros(FRAME_SAMPLES, np.int16)


class Framer:
    """Cuts sound of any length into frames; what is left over waits for more."""

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(0, np.int16)

    def push(self, samples: Samples) -> list[Samples]:
        """The frames that are full now. Raises ValueError for anything but mono int16."""
        if samples.ndim != 1 or samples.dtype != np.int16:
            raise ValueError(f"frames are made of mono int16, not {samples.dtype} of shape {samples.shape}")
        whole = np.concatenate((self._rest, samples))
        full = len(whole) - len(whole) % FRAME_SAMPLES
        self._rest = whole[full:]
        return [whole[start : start + FRAME_SAMPLES] for start in range(0, full, FRAME_SAMPLES)]

    def flush(self) -> list[Samples]:
        """The last frame, filled up with silence; none when nothing is left."""
        if not len(self._rest):
            return []
        frame = SILENCE.copy()
        frame[: len(self._rest)] = self._rest
        self._rest = self._rest[:0]
        return [frame]


def tone_frame(number: int, frequency_hz: float = 440.0, loudness: float = 0.3) -> Samples:
    """Frame ``number`` of a steady tone; frame after frame joins without a click."""
    positions = np.arange(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES, dtype=np.float64)
    wave = np.sin(2 * np.pi * frequency_hz * positions / SAMPLE_RATE)
    return np.asarray(wave * loudness * 32767, dtype=np.int16)


def to_stereo(samples: Samples) -> Samples:
    """Mono on both sides, stereo as it is, and of more channels the first two."""
    if samples.ndim == 1:
        return np.column_stack((samples, samples))
    if samples.shape[1] == 1:
        return np.repeat(samples, 2, axis=1)
    return samples[:, :2]
