from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.wire import (
    MAX_CONTROL_BYTES,
    Ack,
    Bye,
    Close,
    ControlMessage,
    HasClosed,
    Media,
    Open,
    parse_control,
    write_control,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "open", "label": "moves", "kind": "latest"}', Open("moves", "latest")),
        ('{"type": "open", "label": "a", "kind": "bulk", "id": "0123abcd"}', Open("a", "bulk", "0123abcd")),
        ('{"type": "close", "label": "moves"}', Close("moves")),
        ('{"type": "close", "label": "moves", "id": "0123abcd"}', Close("moves", "0123abcd")),
        ('{"type": "closed", "label": "moves", "id": "0123abcd"}', HasClosed("moves", "0123abcd")),
        ('{"type": "ack", "received": {"0123abcd": [1, 2]}}', Ack({"0123abcd": [1, 2]})),
        ('{"type": "ack", "received": {"0123abcd": "nonsense"}}', Ack({"0123abcd": "nonsense"})),
        ('{"type": "media", "slots": {"camera": "live"}}', Media({"camera": "live"})),
        ('{"type": "bye", "unknown": 1}', Bye()),
    ],
)
def test_the_words_of_the_control_channel_are_read(text: str, message: ControlMessage) -> None:
    assert parse_control(text) == message
    assert parse_control(write_control(message)) == message


@pytest.mark.parametrize(
    "text", ["", "{", "7", "[]", "{}", '{"type": "open"}', '{"type": "media", "slots": {"a": "b"}}', b"{}"]
)
def test_what_is_not_one_is_ignored(text: str | bytes) -> None:
    assert parse_control(text) is None


@given(st.text() | st.binary())
def test_nothing_that_arrives_is_an_error(message: str | bytes) -> None:
    parse_control(message)


def test_depth_is_not_an_error() -> None:
    assert parse_control("[" * 100_000) is None


def test_what_is_too_long_is_not_read() -> None:
    text = '{"type": "bye", "x": "%s"}'
    assert parse_control(text % ("x" * (MAX_CONTROL_BYTES - 24))) == Bye()
    assert parse_control(text % ("x" * MAX_CONTROL_BYTES)) is None
