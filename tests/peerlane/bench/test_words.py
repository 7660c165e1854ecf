"""The words of a load member are those of the protocol, and what it carries is as long as it shall be."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from peerlane.bench import words
from signaling.protocol import messages

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "protocol.json").read_text())


def test_every_event_of_the_protocol_is_understood() -> None:
    kinds = {kind.__struct_config__.tag for kind in messages.Event.__args__}
    assert {kind.__struct_config__.tag for kind in words.Event.__args__} == kinds


def test_every_example_of_the_protocol_is_read() -> None:
    for example in VECTORS["events"]:
        (event,) = words.read(example["json"].encode())
        assert type(event).__struct_config__.tag == json.loads(example["json"])["type"]


def test_numbered_is_what_the_protocol_counts() -> None:
    numbered = {kind.__struct_config__.tag for kind in messages.NUMBERED_EVENTS}
    ours = {kind.__struct_config__.tag for kind in words.Event.__args__ if kind not in words.UNNUMBERED}
    assert ours == numbered


def test_a_batch_is_read_as_its_messages() -> None:
    frame = b'[{"type":"peer-joined","room":"r","peer":{"id":"x","name":"y"}},{"type":"ping"}]'
    joined, ping = words.read(frame)
    assert isinstance(joined, words.PeerJoined)
    assert joined.peer.id == "x"
    assert ping == messages.Ping()


def test_what_no_server_says_is_an_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        words.read(b'{"type":"hullo"}')


@pytest.mark.parametrize("length", [64, 200, 65_000])
def test_a_payload_is_as_long_as_it_shall_be(length: int) -> None:
    said = words.Said(123_456, 1_000_000, 1_234_567.5)
    payload = words.payload(said, length)
    assert len(payload) == length
    assert words.said(payload) == said


def test_what_others_say_is_not_counted() -> None:
    assert words.said(msgspec.Raw(b'{"kind":"chat"}')) is None
