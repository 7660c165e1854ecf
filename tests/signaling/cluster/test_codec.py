"""Frames between nodes: what was written is read, and nothing else is believed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.cluster.codec import SIGNATURE_BYTES, VERSION_BYTE, Frame, NodeCodec
from signaling.cluster.words import (
    ALONE,
    MAX_FRAME_BYTES,
    AnyNodeWord,
    Beat,
    Cast,
    Gone,
    NodeId,
    NodeWord,
    Quit,
    Say,
)
from signaling.protocol.ids import PeerId

KEY, OTHER_KEY = "k" * 32, "o" * 32
ME, OTHER = NodeId("me"), NodeId("other")
KEYS = pytest.mark.parametrize("key", ["", KEY], ids=["unsigned", "signed"])
names = st.text(max_size=20).filter(lambda text: text.isprintable())
ids = names.map(PeerId)
counts = st.integers(0, 2**53)
words = st.one_of(
    st.builds(Say, ids, ids, counts, st.binary(max_size=50), st.booleans()),
    st.builds(Cast, names, ids, counts, st.binary(max_size=50), st.booleans()),
    st.builds(Gone, names, ids, st.sampled_from(["left", "lost", "kicked"])),
    st.builds(Beat, sessions=counts, sent=st.dictionaries(names.map(NodeId), counts, max_size=5)),
    st.builds(Quit, names),
)


def framed(codec: NodeCodec, *said: NodeWord, n: int = 1) -> bytes:
    return codec.frame(ME, OTHER, n, [codec.encode(word) for word in said])


@KEYS
@given(said=st.lists(words, max_size=5), n=counts)
def test_what_was_written_is_read(key: str, said: list[NodeWord], n: int) -> None:
    codec = NodeCodec(key)
    assert codec.decode(framed(codec, *said, n=n)) == Frame(ME, OTHER, n, said)


@KEYS
@given(data=st.binary(max_size=200))
def test_anything_else_is_read_as_nothing(key: str, data: bytes) -> None:
    codec = NodeCodec(key)
    codec.decode(data)
    found = codec.decode(VERSION_BYTE + codec._signature(data) + data)
    assert found is None or isinstance(found, Frame)


@given(place=st.integers(0), bit=st.integers(0, 7))
def test_a_signed_frame_of_which_one_bit_has_changed_is_not_believed(place: int, bit: int) -> None:
    codec = NodeCodec(KEY)
    frame = bytearray(framed(codec, Quit("default/garden")))
    frame[place % len(frame)] ^= 1 << bit
    assert codec.decode(bytes(frame)) is None


def test_a_frame_under_another_key_or_under_none_is_not_believed() -> None:
    codec, said = NodeCodec(KEY), Quit("default/garden")
    assert codec.decode(framed(NodeCodec(OTHER_KEY), said)) is None
    assert codec.decode(framed(NodeCodec(""), said)) is None
    assert codec.decode(VERSION_BYTE + bytes(SIGNATURE_BYTES - 1)) is None


def test_another_version_and_a_frame_that_is_too_long_are_not_read() -> None:
    codec = NodeCodec("")
    frame = framed(codec, Quit("default/garden"))
    assert codec.decode(b"\x02" + frame[1:]) is None
    assert codec.decode(b"") is None
    long = framed(codec, Say(PeerId("a"), PeerId("b"), 1, bytes(MAX_FRAME_BYTES), False))
    assert codec.decode(long) is None


def test_a_word_of_the_next_version_is_left_out_and_those_around_it_are_read() -> None:
    codec = NodeCodec("")
    unknown = msgspec.msgpack.encode(["sing", "la"])
    said = [codec.encode(Quit("one")), unknown, codec.encode(Quit("two"))]
    found = codec.decode(codec.frame(ME, ALONE, 3, said))
    assert found == Frame(ME, ALONE, 3, [Quit("one"), Quit("two")])


def test_a_field_of_the_next_version_at_the_end_of_a_word_is_passed_over() -> None:
    codec = NodeCodec("")
    found = codec.decode(codec.frame(ME, OTHER, 1, [msgspec.msgpack.encode(["quit", "room", "and more"])]))
    assert found == Frame(ME, OTHER, 1, [Quit("room")])


@pytest.mark.parametrize("kind", AnyNodeWord.__args__, ids=lambda kind: kind.__name__)
def test_a_word_that_is_no_more_than_its_name_is_read_only_if_nothing_else_is_needed(kind: type) -> None:
    codec = NodeCodec("")
    bare = msgspec.msgpack.encode([kind.__struct_config__.tag])  # type: ignore[attr-defined]  # a Struct
    found = codec.decode(codec.frame(ME, OTHER, 1, [bare]))
    needed = [field for field in msgspec.structs.fields(kind) if field.required]
    assert found is not None
    assert [type(word) for word in found.words] == ([] if needed else [kind])
