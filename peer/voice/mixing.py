"""Many voices into one recording, as long as the call was.

The mix is a line of stereo samples that starts at ``started`` and moves with the clock. A voice's
frames follow each other without a seam; when a voice has been silent for longer than
:data:`PATIENCE`, its next frame starts at the present, and the gap stays silence.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from peer.voice.framing import SAMPLE_RATE, Samples, to_stereo

PATIENCE = 0.3
"""Longer than the jitter of a call that can still be understood; shorter gaps are closed up."""
DELAY = 1.0
"""How far the finished mix is behind the clock, so that every voice has time to arrive."""
AHEAD = 2.0
"""A voice that is this far ahead of the clock is sending faster than life; the rest is dropped."""


class Mixer:
    """The mix of all voices; memory is bounded by DELAY and AHEAD, whatever arrives."""

    def __init__(self, started: float) -> None:
        self.dropped_samples = 0
        self._started = started
        self._taken = 0
        """Samples of the line that have been handed out."""
        self._line: npt.NDArray[np.int32] = np.zeros((0, 2), np.int32)
        """Everything after them; wider than int16, so that voices can be added before clipping."""
        self._ends: dict[str, int] = {}

    def add(self, voice: str, samples: Samples, now: float) -> None:
        """Put ``samples`` (48 kHz int16) behind what ``voice`` said before."""
        present = self._position(now)
        start = self._ends.get(voice, present)
        if start < present - int(PATIENCE * SAMPLE_RATE):
            start = present
        start = max(start, self._taken)
        stereo = to_stereo(samples)
        room = max(0, present + int(AHEAD * SAMPLE_RATE) - start)
        self.dropped_samples += max(0, len(stereo) - room)
        stereo = stereo[:room]
        end = start + len(stereo)
        self._reach(end)
        self._line[start - self._taken : end - self._taken] += stereo
        self._ends[voice] = end

    def forget(self, voice: str) -> None:
        """The voice has left the call."""
        self._ends.pop(voice, None)

    def take(self, now: float) -> Samples:
        """The part of the mix that nobody can change any more, stereo; empty when there is none yet."""
        return self._cut(self._position(now - DELAY))

    def finish(self, now: float) -> Samples:
        """Everything up to ``now``, and nothing after it."""
        return self._cut(self._position(now))

    def _position(self, now: float) -> int:
        return max(0, round((now - self._started) * SAMPLE_RATE))

    def _reach(self, position: int) -> None:
        missing = position - self._taken - len(self._line)
        if missing > 0:
            self._line = np.concatenate((self._line, np.zeros((missing, 2), np.int32)))

    def _cut(self, position: int) -> Samples:
        if position <= self._taken:
            return np.zeros((0, 2), np.int16)
        self._reach(position)
        count = position - self._taken
        done, self._line = self._line[:count], self._line[count:]
        self._taken = position
        return np.clip(done, -32768, 32767).astype(np.int16)
