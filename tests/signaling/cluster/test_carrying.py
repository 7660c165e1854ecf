"""Payloads and events go from node to node as the client wrote them, and come out as what they were."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.cluster.carrying import carried, event_from, packed_event, payload_from
from signaling.protocol.codec import JSON, MAX_DEPTH, MSGPACK, Carried
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Broadcasted, Ping, Signalled, Word

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
WAYS = pytest.mark.parametrize("is_packed", [False, True], ids=["JSON", "MessagePack"])


def payload_of(value: Any, is_packed: bool) -> Any:
    if is_packed:
        return Carried(msgspec.Raw(msgspec.msgpack.encode(value)))
    return msgspec.Raw(msgspec.json.encode(value))


@WAYS
@given(value=values)
def test_a_payload_arrives_byte_for_byte_as_it_was_written(is_packed: bool, value: Any) -> None:
    payload = payload_of(value, is_packed)
    data, was_packed = carried(payload)
    assert was_packed == is_packed
    found = payload_from(data, was_packed)
    assert found is not None
    assert carried(found) == (data, is_packed)


@WAYS
@given(data=st.binary(max_size=60))
def test_a_payload_that_is_taken_can_be_told_to_clients_of_both_encodings(
    is_packed: bool, data: bytes
) -> None:
    payload = payload_from(data, is_packed)
    if payload is not None:
        for codec in (JSON, MSGPACK):
            codec.encode(Signalled(PeerId("p"), 1, payload))


@pytest.mark.parametrize(
    ("data", "is_packed"),
    [
        (b"", False),
        (b"", True),
        (b"[1", False),
        (b"\xc1", True),
        (b"\x81\xc0\x01", True),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), False),
        (b"\x91" * (MAX_DEPTH + 2) + b"\xc0", True),
    ],
)
def test_a_payload_that_no_client_could_read_is_none(data: bytes, is_packed: bool) -> None:
    assert payload_from(data, is_packed) is None


@WAYS
@given(value=values, n=st.integers(1, 2**53))
def test_a_kept_event_arrives_as_it_was(is_packed: bool, value: Any, n: int) -> None:
    event = Signalled(PeerId("ana"), n, payload_of(value, is_packed))
    was_packed, data = packed_event(event)
    assert was_packed == is_packed
    found = event_from(was_packed, data)
    assert isinstance(found, Signalled)
    assert (found.sender, found.n, carried(found.payload)) == (event.sender, n, carried(event.payload))


@WAYS
def test_what_is_no_numbered_event_is_none(is_packed: bool) -> None:
    codec = MSGPACK if is_packed else JSON
    nothing = payload_of(None, is_packed)
    words: list[Word] = [
        Broadcasted("room", PeerId("ana"), nothing),
        Broadcasted("room", PeerId("eve"), nothing),
    ]
    many = codec.join([codec.encode(word) for word in words])
    assert event_from(is_packed, many) is None
    assert event_from(is_packed, codec.encode(Ping(3))) is None
    assert event_from(is_packed, b"nonsense") is None
