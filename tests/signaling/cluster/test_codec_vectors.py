"""What nodes of an earlier version said, as kept in ``tests/vectors/cluster.json``, and later ones may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from signaling.cluster.codec import Header, NodeCodec
from signaling.cluster.words import MAX_FRAME_BYTES, VERSION, AnyNodeWord, NodeId, NodeWord, Who

KEPT = json.loads((Path(__file__).parents[2] / "vectors" / "cluster.json").read_text())
WORDS = [pytest.param(each["packed"], each["reads"], id=each["word"]) for each in KEPT["words"]]
ANA, BEN = NodeId("ana"), NodeId("ben")
KEY = "a key of 32 characters, if not of more"


def read(packed: bytes, key: str = "") -> list[Any]:
    """As the words of a frame."""
    codec = NodeCodec(key)
    frame = codec.decode(codec.frame(ANA, BEN, 1, [packed]))
    assert frame is not None
    return frame.words


def begins_as(now: Any, kept: Any) -> bool:
    """Whether what was kept stands where it stood, with nothing new but at ends."""
    if isinstance(kept, list):
        is_long_enough = isinstance(now, list) and len(now) >= len(kept)
        return is_long_enough and all(map(begins_as, now, kept))
    if isinstance(kept, dict):
        return isinstance(now, dict) and all(
            name in now and begins_as(now[name], kept[name]) for name in kept
        )
    return bool(now == kept)


def later(value: Any) -> Any:
    """As a later version may say it: with one field more, here and in everything within."""
    if isinstance(value, msgspec.Struct) and value.__struct_config__.array_like:
        tag = value.__struct_config__.tag
        fields = [later(getattr(value, name)) for name in value.__struct_fields__]
        return [*([] if tag is None else [tag]), *fields, {"a field": "of a later version"}]
    if isinstance(value, list | tuple):
        return [later(each) for each in value]
    if isinstance(value, dict):
        return {name: later(each) for name, each in value.items()}
    return value


def test_every_word_is_kept() -> None:
    assert KEPT["version"] == VERSION, "another version keeps vectors of its own, beside these"
    known = {word.__struct_config__.tag for word in get_args(AnyNodeWord)}
    assert known == {each["word"] for each in KEPT["words"]}


@pytest.mark.parametrize(("packed", "reads"), WORDS)
def test_a_word_of_an_earlier_version_says_the_same_today(packed: str, reads: list[Any]) -> None:
    (word,) = read(bytes.fromhex(packed))
    assert begins_as(json.loads(msgspec.json.encode(word)), reads)


@pytest.mark.parametrize(("packed", "reads"), WORDS)
def test_an_earlier_version_finds_everything_where_it_was(packed: str, reads: list[Any]) -> None:
    kept = bytes.fromhex(packed)
    (word,) = read(kept)
    assert begins_as(msgspec.msgpack.decode(NodeCodec("").encode(word)), msgspec.msgpack.decode(kept))


@pytest.mark.parametrize(("packed", "reads"), WORDS)
def test_fields_of_a_later_version_are_passed_over(packed: str, reads: list[Any]) -> None:
    (word,) = read(bytes.fromhex(packed))
    assert read(msgspec.msgpack.encode(later(word))) == [word]


def test_words_of_a_later_version_are_passed_over_and_the_others_are_read() -> None:
    codec = NodeCodec(KEY)
    unknown = msgspec.msgpack.encode(["a word of a later version", 1, {}])
    known: NodeWord = Who("default/arena")
    frame = codec.decode(codec.frame(ANA, BEN, 1, [unknown, codec.encode(known), unknown]))
    assert frame is not None
    assert frame.words == [known]


@pytest.mark.parametrize("kept", KEPT["frames"], ids=["plain", "signed"])
def test_a_frame_of_an_earlier_version_is_read(kept: dict[str, Any]) -> None:
    frame = NodeCodec(kept["key"]).decode(bytes.fromhex(kept["frame"]))
    assert frame is not None
    assert (frame.sender, frame.to, frame.n) == (kept["sender"], kept["to"], kept["n"])
    assert [word.__struct_config__.tag for word in frame.words] == kept["words"]


@pytest.mark.parametrize("kept", KEPT["frames"], ids=["plain", "signed"])
def test_a_frame_that_was_changed_or_cut_or_signed_with_another_key_is_none(kept: dict[str, Any]) -> None:
    whole = bytes.fromhex(kept["frame"])
    assert NodeCodec(KEY).decode(whole) is None
    assert NodeCodec(kept["key"]).decode(bytes((VERSION + 1,)) + whole[1:]) is None
    assert NodeCodec(kept["key"]).decode(whole + bytes(MAX_FRAME_BYTES)) is None
    for length in range(len(whole)):
        assert NodeCodec(kept["key"]).decode(whole[:length]) is None
    if kept["key"]:
        for place in range(len(whole)):
            changed = bytearray(whole)
            changed[place] ^= 1
            assert NodeCodec(kept["key"]).decode(bytes(changed)) is None


def test_what_is_no_frame_is_none() -> None:
    for body in (b"", b"\xc1", b"\x93", msgspec.msgpack.encode("text"), msgspec.msgpack.encode([1, 2, 3, 4])):
        assert NodeCodec("").decode(bytes((VERSION,)) + body) is None
    body = msgspec.msgpack.encode(Header(ANA, BEN, 1, [msgspec.Raw(msgspec.msgpack.encode(7))]))
    frame = NodeCodec("").decode(bytes((VERSION,)) + body)
    assert frame is not None
    assert frame.words == []
