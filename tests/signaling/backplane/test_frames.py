"""Who says something on a bus, and what comes late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.backplane.frames import MARK_BYTES, MAX_SENDERS, SENDER_BYTES, Frames


def frames(sender: int = 1) -> Frames:
    made = Frames(sender.to_bytes(SENDER_BYTES, "big"))
    made.begin_life()
    return made


@given(st.binary())
def test_others_read_what_was_written(body: bytes) -> None:
    assert frames(2).read(frames(1).write(body)) == body


def test_our_own_are_known() -> None:
    ours = frames(1)
    assert ours.is_own(ours.write(b"x"))
    ours.begin_life()
    assert ours.is_own(ours.write(b"x"))
    assert not frames(2).is_own(ours.write(b"x"))


def test_what_comes_after_newer_things_is_dropped() -> None:
    sender, reader = frames(1), frames(2)
    old = [sender.write(b"1"), sender.write(b"2")]
    assert reader.read(old[0]) == b"1"
    sender.begin_life()
    assert reader.read(sender.write(b"3")) == b"3"
    assert reader.read(old[1]) is None
    assert reader.read(sender.write(b"4")) == b"4"


def test_late_ones_of_one_sender_do_not_touch_another() -> None:
    first, second, reader = frames(1), frames(2), frames(3)
    first.begin_life()
    assert reader.read(first.write(b"1")) == b"1"
    assert reader.read(second.write(b"2")) == b"2"


@given(st.binary(max_size=MARK_BYTES - 1))
def test_what_is_too_short_is_none_of_ours(frame: bytes) -> None:
    assert frames().read(frame) is None


def test_as_many_senders_are_remembered_as_there_is_room_for() -> None:
    reader = frames(0)
    lasting = frames(MAX_SENDERS + 1)
    for number in range(1, MAX_SENDERS + 1):
        reader.read(frames(number).write(b""))
    old = lasting.write(b"old")
    lasting.begin_life()
    reader.read(lasting.write(b"new"))
    assert len(reader._lives) == MAX_SENDERS
    assert reader.read(old) is None


@given(st.binary())
def test_whatever_comes_is_a_body_or_nothing(frame: bytes) -> None:
    body = frames().read(frame)
    assert body is None or frame.endswith(body)
