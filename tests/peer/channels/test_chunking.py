"""Framing, bound to the JavaScript twin by the vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.channels.chunking import Assembler, NoMessage, fragment, is_newer, to_bytes
from peer.channels.kinds import KINDS, LATEST, RELIABLE, UNRELIABLE, kind_named

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "framing.json").read_text())
WORDS = {NoMessage.PART: "part", NoMessage.DROPPED: "dropped", NoMessage.TOO_LARGE: "too-large"}


def joined(runs: list[tuple[str, int]]) -> bytes:
    return b"".join(bytes.fromhex(digits) * times for digits, times in runs)


@pytest.mark.parametrize("case", VECTORS["send"], ids=lambda case: case["name"])
def test_messages_are_framed_as_in_the_browser(case: dict[str, Any]) -> None:
    kind = kind_named(case["kind"])
    assert kind
    content = joined(case["content"])
    assert to_bytes(kind, content.decode() if case["is_text"] else content) == (case["is_text"], content)
    sequence, fragment_bytes = case.get("sequence", 0), case.get("fragment_bytes", 16_000)
    framed = fragment(kind, case["is_text"], content, sequence, fragment_bytes)
    assert framed == [joined(runs) for runs in case["framed"]]


@pytest.mark.parametrize("case", VECTORS["refuse"], ids=lambda case: case["name"])
def test_a_message_that_is_too_long_is_the_senders_mistake(case: dict[str, Any]) -> None:
    kind = kind_named(case["kind"])
    assert kind
    with pytest.raises(ValueError, match="at most"):
        to_bytes(kind, bytes(case["content_bytes"]))


@pytest.mark.parametrize("case", VECTORS["receive"], ids=lambda case: case["name"])
def test_messages_are_put_together_as_in_the_browser(case: dict[str, Any]) -> None:
    kind = kind_named(case["kind"])
    assert kind
    assembler = Assembler(kind)
    for step in case["steps"]:
        assembled = assembler.receive(joined(step["framed"]))
        if isinstance(assembled, NoMessage):
            assert WORDS[assembled] == step["is"]
        else:
            assert step["is"] == "message"
            content = joined(step["content"])
            assert assembled == (content.decode() if step["is_text"] else content)


@pytest.mark.parametrize(("a", "b", "newer"), VECTORS["newer"])
def test_numbers_are_compared_on_a_circle(a: int, b: int, newer: bool) -> None:
    assert is_newer(a, b) is newer


@given(st.sampled_from(KINDS), st.lists(st.text(max_size=275) | st.binary(max_size=1100), max_size=5))
def test_what_is_framed_arrives(kind: Any, messages: list[str | bytes]) -> None:
    assembler = Assembler(kind)
    arrived = []
    for sequence, message in enumerate(messages):
        for framed in fragment(kind, *to_bytes(kind, message), sequence):
            arrived.append(assembler.receive(framed))
    assert [message for message in arrived if not isinstance(message, NoMessage)] == messages


@given(st.binary(max_size=100_000))
def test_long_messages_arrive(message: bytes) -> None:
    assembler = Assembler(RELIABLE)
    *parts, last = [assembler.receive(framed) for framed in fragment(RELIABLE, *to_bytes(RELIABLE, message))]
    assert all(part is NoMessage.PART for part in parts)
    assert last == message


@given(st.sampled_from(KINDS), st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_from_the_other_side_raise(kind: Any, frames: list[bytes]) -> None:
    assembler = Assembler(kind)
    for frame in frames:
        assembler.receive(frame)


def test_a_view_is_copied_when_it_is_sent() -> None:
    buffer = bytearray(b"left")
    _, content = to_bytes(LATEST, memoryview(buffer))
    buffer[:] = b"down"
    assert content == b"left"


def test_only_text_and_bytes_are_messages() -> None:
    with pytest.raises(TypeError, match="int"):
        to_bytes(UNRELIABLE, 5)  # type: ignore[arg-type] # that is the point
