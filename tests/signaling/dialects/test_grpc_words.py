"""Protocol buffers ⇄ our own messages, without any call."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("grpc")

from signaling.dialects.grpc_words import CODEC, fill, framed, happened, request_of, unframed, values_of
from signaling.journal import AnyEvent
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import ErrorCode
from signaling.protocol.messages import (
    Event,
    Hello,
    Joined,
    Ping,
    Refused,
    Request,
    Signal,
    Signalled,
    Welcome,
)
from signaling.protocol.parts import Limits, Peer, RoomSettings
from signaling.protocol.permissions import Permission
from signaling.protocol.proto.peerlane.v1 import signaling_pb2 as words

ROOT = Path(__file__).parents[3]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def told(encoded: bytes) -> words.ConnectResponse:
    (only,) = unframed(encoded)
    return words.ConnectResponse.FromString(only)


@pytest.mark.parametrize(("kinds", "message"), [(Request, "ConnectRequest"), (Event, "ConnectResponse")])
def test_every_message_of_the_native_protocol_is_in_the_proto_with_all_its_fields(
    kinds: object, message: str
) -> None:
    oneof = getattr(words, message).DESCRIPTOR.fields_by_name
    tags = {str(kind.__struct_config__.tag).replace("-", "_"): kind for kind in get_args(kinds)}
    assert set(oneof) == set(tags)
    for tag, kind in tags.items():
        assert {field.name for field in oneof[tag].message_type.fields} == set(kind.__struct_fields__), kind


def test_every_event_of_the_feed_is_in_the_proto_with_all_its_fields() -> None:
    oneof = words.WatchResponse.DESCRIPTOR.oneofs_by_name["event"].fields
    kinds = {str(kind.__struct_config__.tag).replace("-", "_"): kind for kind in get_args(AnyEvent)}
    assert {field.name for field in oneof} == {*kinds, "gap"}
    for field in oneof:
        if field.name != "gap":
            assert {each.name for each in field.message_type.fields} | {"at"} == set(
                kinds[field.name].__struct_fields__
            )


@pytest.mark.parametrize(("kind", "enum"), [(ErrorCode, words.ErrorCode), (Permission, words.Permission)])
def test_every_word_of_a_list_has_its_number(kind: type[ErrorCode] | type[Permission], enum: object) -> None:
    names = {name.partition("_")[2] for name in enum.keys()}  # type: ignore[attr-defined]  # noqa: SIM118
    wanted = {each.upper().replace("-", "_") for each in kind}
    assert {name.removeprefix("CODE_") for name in names} == wanted | {"UNSPECIFIED"}


def test_what_a_request_leaves_out_is_as_in_the_native_protocol() -> None:
    assert CODEC.decode(words.ConnectRequest(hello=words.Hello()).SerializeToString()) == [Hello()]
    update = words.ConnectRequest(update=words.Update(request=1, room="a"))
    assert request_of(update).name is None  # type: ignore[union-attr]


def test_a_payload_goes_through_as_it_came() -> None:
    payload = b'{"big": 12345678901234567890, "b":  1.0}'
    request = words.ConnectRequest(signal=words.Signal(to="ana", n=1, payload=payload))
    (signal,) = CODEC.decode(request.SerializeToString())
    assert isinstance(signal, Signal)
    assert bytes(signal.payload) == payload
    assert told(CODEC.encode(Signalled("ben", 1, signal.payload))).signal.payload == payload


@pytest.mark.parametrize("payload", [b"", b"{", b'"\xff"', b"[" * 200 + b"]" * 200, b"1 2"])
def test_a_payload_that_is_no_json_is_malformed(payload: bytes) -> None:
    request = words.ConnectRequest(signal=words.Signal(to="ana", n=1, payload=payload))
    assert isinstance(CODEC.decode(request.SerializeToString())[0], Malformed)


@pytest.mark.parametrize(
    "request_",
    [
        words.ConnectRequest(),
        words.ConnectRequest(ack=words.Ack(to="a" * 65, n=1)),
        words.ConnectRequest(ack=words.Ack(to="a", n=2**60)),
        words.ConnectRequest(bye=words.Bye(come_back=77)),  # type: ignore[arg-type]
    ],
)
def test_what_the_native_protocol_refuses_is_malformed(request_: words.ConnectRequest) -> None:
    assert isinstance(CODEC.decode(request_.SerializeToString())[0], Malformed)


@given(st.binary(max_size=300))
def test_no_bytes_raise(frame: bytes) -> None:
    assert len(CODEC.decode(frame)) == 1


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_metadata_is_the_same_when_it_was_a_struct(metadata: dict[str, object]) -> None:
    peer = words.Peer()
    fill(peer, Peer("ana", metadata=metadata))  # type: ignore[arg-type]
    again = words.Peer.FromString(peer.SerializeToString())
    assert values_of(again.metadata) == metadata


def test_events_have_what_they_had() -> None:
    limits = Limits(1, 2, 3, 4.5)
    welcome = Welcome("me", "e", False, 0, "t", 1.0, 2.0, 3.0, 4.0, 5.0, limits, can=[Permission.KICK])
    written = told(CODEC.encode(welcome)).welcome
    assert (written.you, written.limits.messages_per_second, list(written.can)) == (
        "me",
        4.5,
        [words.PERMISSION_KICK],
    )
    joined = told(CODEC.encode(Joined(3, "a/b", [Peer("ben", name="Ben")], 9, RoomSettings(9)))).joined
    assert [(peer.name, peer.publishes) for peer in joined.peers] == [("Ben", True)]
    assert not joined.settings.HasField("owner")
    refused = told(CODEC.encode(Refused(ErrorCode.ROOM_FULL, "hint", request=4))).refused
    assert (refused.code, refused.request, refused.HasField("to")) == (words.ERROR_CODE_ROOM_FULL, 4, False)


def test_frames_that_are_put_together_come_apart_again() -> None:
    frames = [CODEC.encode(Ping(received=each)) for each in (1, 2)]
    apart = [words.ConnectResponse.FromString(each).ping.received for each in unframed(CODEC.join(frames))]
    assert apart == [1, 2]
    assert framed(words.SayResponse()) == b"\0\0\0\0\0"


def test_a_feed_has_its_tokens_and_its_signs_of_life() -> None:
    event = {"type": "node-lost", "at": 3.5, "node": "n"}
    lost = happened("node-lost", "b-1", msgspec.json.encode(event))
    assert (lost.resume_token, lost.at, lost.node_lost.node) == ("b-1", 3.5, "n")
    assert happened("", "b-1", b"alive").WhichOneof("event") is None
    assert happened("gap", "b-1", b"{}").WhichOneof("event") == "gap"


def test_the_python_of_the_proto_is_what_the_proto_says() -> None:
    pytest.importorskip("grpc_tools")
    command = [sys.executable, str(ROOT / "scripts" / "protos"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
