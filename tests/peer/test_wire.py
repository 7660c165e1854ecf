"""The words of the control channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.wire import Bye, Close, ControlMessage, Media, Open, parse_control, write_control


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Open("chat", "reliable"), '{"type":"open","label":"chat","kind":"reliable"}'),
        (Close("chat"), '{"type":"close","label":"chat"}'),
        (Media({"camera": "live"}), '{"type":"media","slots":{"camera":"live"}}'),
        (Bye(), '{"type":"bye"}'),
    ],
)
def test_control_messages_are_written_as_the_browser_writes_them(message: ControlMessage, text: str) -> None:
    assert write_control(message) == text
    assert parse_control(text) == message


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type":"dance"}', '{"type":"open"}', "[" * 100_000, b"{}"])
def test_what_is_not_a_control_message_is_none(text: str | bytes) -> None:
    assert parse_control(text) is None


@given(st.text())
def test_no_text_from_the_other_side_raises(text: str) -> None:
    parse_control(text)
