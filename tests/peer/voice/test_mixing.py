from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from peer.voice.framing import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples
from peer.voice.mixing import AHEAD, DELAY, Mixer


def frame(value: int) -> Samples:
    return np.full(FRAME_SAMPLES, value, np.int16)


def test_two_voices_at_once_are_added() -> None:
    mixer = Mixer(started=100.0)
    mixer.add("ana", frame(1000), 100.0)
    mixer.add("ben", frame(200), 100.0)
    mix = mixer.finish(100.0 + FRAME_SECONDS)
    assert mix.shape == (FRAME_SAMPLES, 2)
    assert (mix == 1200).all()


def test_what_is_too_loud_is_clipped_and_never_wraps_around() -> None:
    mixer = Mixer(started=0.0)
    for voice in "abc":
        mixer.add(voice, frame(30_000), 0.0)
    assert (mixer.finish(FRAME_SECONDS) == 32_767).all()


def test_jitter_leaves_no_seam() -> None:
    mixer = Mixer(started=0.0)
    for number in range(50):
        late = 0.05 if number % 3 else 0.0
        mixer.add("ana", frame(7), number * FRAME_SECONDS + late)
    assert (mixer.finish(1.0) == 7).all()


def test_a_gap_becomes_silence() -> None:
    mixer = Mixer(started=0.0)
    mixer.add("ana", frame(7), 0.0)
    mixer.add("ana", frame(9), 2.0)
    mix = mixer.finish(3.0)[:, 0]
    assert (mix[:FRAME_SAMPLES] == 7).all()
    assert not mix[FRAME_SAMPLES : 2 * SAMPLE_RATE].any()
    assert (mix[2 * SAMPLE_RATE : 2 * SAMPLE_RATE + FRAME_SAMPLES] == 9).all()


def test_a_recording_of_nobody_is_as_long_as_the_call() -> None:
    mixer = Mixer(started=5.0)
    assert len(mixer.take(5.5)) == 0
    early = mixer.take(8.0)
    rest = mixer.finish(9.0)
    assert len(early) == (3.0 - DELAY) * SAMPLE_RATE
    assert len(early) + len(rest) == 4 * SAMPLE_RATE
    assert not early.any()
    assert not rest.any()


def test_a_voice_that_sends_faster_than_life_is_cut_and_counted() -> None:
    mixer = Mixer(started=0.0)
    for _ in range(1000):
        mixer.add("mad", frame(1), 0.0)
    assert mixer.dropped_samples == 1000 * FRAME_SAMPLES - AHEAD * SAMPLE_RATE


def test_a_voice_that_comes_back_starts_at_the_present() -> None:
    mixer = Mixer(started=0.0)
    mixer.add("ana", frame(1), 0.0)
    mixer.forget("ana")
    mixer.add("ana", frame(2), 0.1)
    mix = mixer.finish(1.0)[:, 0]
    assert mix[round(0.1 * SAMPLE_RATE)] == 2
    assert mix[FRAME_SAMPLES + 1] == 0


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0, 0.5), st.integers(0, 5000), st.booleans()),
        max_size=30,
    )
)
def test_whatever_arrives_the_recording_is_exactly_as_long_as_the_time(
    steps: list[tuple[str, float, int, bool]],
) -> None:
    mixer = Mixer(started=0.0)
    now = 0.0
    taken = 0
    for voice, wait, length, take in steps:
        now += wait
        mixer.add(voice, np.ones(length, np.int16), now)
        if take:
            taken += len(mixer.take(now))
    assert taken + len(mixer.finish(now)) == round(now * SAMPLE_RATE)
