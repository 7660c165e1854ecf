from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.voice.framing import FRAME_SAMPLES, Framer, Samples, to_stereo, tone_frame


@given(st.lists(st.integers(0, 3000), max_size=20))
def test_frames_hold_the_same_sound_whatever_its_pieces_were(lengths: list[int]) -> None:
    pieces: list[Samples] = []
    position = 0
    for length in lengths:
        pieces.append(np.arange(position, position + length, dtype=np.int64).astype(np.int16))
        position += length
    framer = Framer()
    frames = [frame for piece in pieces for frame in framer.push(piece)] + framer.flush()
    assert all(len(frame) == FRAME_SAMPLES for frame in frames)
    whole = np.concatenate([np.zeros(0, np.int16), *pieces])
    framed = np.concatenate([np.zeros(0, np.int16), *frames])
    assert np.array_equal(framed[: len(whole)], whole)
    assert not framed[len(whole) :].any()
    assert len(framed) - len(whole) < FRAME_SAMPLES


def test_a_second_flush_has_nothing_left() -> None:
    framer = Framer()
    framer.push(np.ones(10, np.int16))
    assert len(framer.flush()) == 1
    assert framer.flush() == []


@pytest.mark.parametrize("wrong", [np.zeros((960, 2), np.int16), np.zeros(960, np.float32)])
def test_anything_but_mono_int16_is_a_mistake_of_the_caller(wrong: Samples) -> None:
    with pytest.raises(ValueError, match="mono int16"):
        Framer().push(wrong)


def test_a_tone_has_its_energy_at_its_frequency_and_no_click_between_frames() -> None:
    sound = np.concatenate([tone_frame(number, 1000.0) for number in range(50)])
    spectrum = np.abs(np.fft.rfft(sound.astype(np.float64)))
    assert int(spectrum.argmax()) == 1000
    assert spectrum[1000] > 1000 * np.median(spectrum)


def test_every_layout_becomes_two_channels() -> None:
    mono = np.arange(4, dtype=np.int16)
    assert to_stereo(mono).tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]
    assert to_stereo(mono.reshape(4, 1)).tolist() == to_stereo(mono).tolist()
    assert to_stereo(np.arange(12, dtype=np.int16).reshape(2, 6)).tolist() == [[0, 1], [6, 7]]
