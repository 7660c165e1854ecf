"""What waits to be written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.outbox import MAX_FRAME_BYTES, Outbox
from signaling.protocol.messages import MAX_BATCH_MESSAGES


@given(st.lists(st.integers(1, 40_000), max_size=200))
def test_everything_comes_out_once_in_order_in_frames_within_their_bounds(sizes: list[int]) -> None:
    outbox = Outbox(1_000, 10_000_000)
    messages = [bytes([n % 256]) * size for n, size in enumerate(sizes)]
    assert all(outbox.put(message) for message in messages)
    assert outbox.bytes == sum(sizes)
    written: list[bytes] = []
    while outbox:
        frame = outbox.take()
        assert 1 <= len(frame) <= MAX_BATCH_MESSAGES
        assert len(frame) == 1 or sum(map(len, frame)) <= MAX_FRAME_BYTES
        written += frame
        assert outbox.bytes == sum(sizes) - sum(map(len, written))
    assert written == messages


def test_it_is_full_by_count_and_by_bytes() -> None:
    by_count, by_bytes = Outbox(2, 1_000), Outbox(1_000, 10)
    assert [by_count.put(b"x") for _ in range(3)] == [True, True, False]
    assert [by_bytes.put(b"x" * 5) for _ in range(3)] == [True, True, False]
    assert by_bytes.bytes == 10


def test_who_has_had_no_time_to_read_is_not_behind_until_it_is_too_many_bytes() -> None:
    outbox = Outbox(2, 10)
    assert [outbox.put(b"x", is_behind=False) for _ in range(11)] == [True] * 10 + [False]


def test_an_empty_one_takes_a_message_of_any_size() -> None:
    assert Outbox(1, 10).put(b"x" * 100)


def test_last_words_fit_into_a_full_one() -> None:
    outbox = Outbox(1, 10)
    outbox.put(b"x")
    outbox.put_last_words(b"bye")
    assert outbox.take() == [b"x", b"bye"]


def test_a_replay_longer_than_the_limit_leaves_as_much_room_as_ever() -> None:
    outbox = Outbox(2, 1_000)
    outbox.put_replay([b"r"] * 5)
    assert [outbox.put(b"x") for _ in range(3)] == [True, True, False]
    outbox.take()
    assert [outbox.put(b"x") for _ in range(3)] == [True, True, False]
