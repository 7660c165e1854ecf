"""Bytes from anybody, and back."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.protocol.codec import CLIENT_CODECS, JSON, MSGPACK, SERVER_CODECS, Codec, Malformed
from signaling.protocol.errors import ComeBack, ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    MAX_BATCH_MESSAGES,
    MAX_DEPTH,
    MSGPACK_SUBPROTOCOL,
    Broadcast,
    Event,
    Ping,
    Request,
    Signal,
    Signalled,
)

CODECS = sorted(SERVER_CODECS)
# From one too many, over what Python's own limit would let pass here and not there, to absurd.
TOO_DEEP = [MAX_DEPTH + 1, 900, 970, 990, 3_000, 100_000]


def signal(payload: bytes) -> bytes:
    return b'{"type":"signal","to":"x","n":1,"payload":' + payload + b"}"


def packed_signal(payload: bytes) -> bytes:
    return b"\x84\xa4type\xa6signal\xa2to\xa1x\xa1n\x01\xa7payload" + payload


DEEP_PACKED = b"\x91" * (MAX_DEPTH - 1) + b"\x90"

UNREADABLE_JSON = [
    b"",
    b" ",
    b"null",
    b"{}",
    b'"ping"',
    b"{",
    b'{"type":"ping"',
    b'{"type":"ping"}{"type":"ping"}',
    b'\xef\xbb\xbf{"type":"ping"}',
    b'{"type":"nonsense"}',
    b'{"type":7}',
    b'{"type":"ping","received":"1"}',
    b'{"type":"ping","received":' + b"9" * 5_000 + b"}",
    b'{"type":"ping","received":1e400}',
    b'{"type":"ping","received":NaN}',
    b'{"type":"join","request":1,"room":"a\x00b"}',
    b'{"type":"join","request":1,"room":"\\ud800"}',
    b'{"type":"join","request":1,"room":"\\udc00"}',
    b'{"type":"join","request":1,"room":"\xff"}',
    b'{"type":"join","request":1}',
    b'{"type":"leave","request":null,"room":"x"}',
    b"[]",
    b"[[]]",
    b'[{"type":"ping"},[{"type":"ping"}]]',
    b'[{"type":"ping"},null]',
    b"[" + b",".join([b'{"type":"ping"}'] * (MAX_BATCH_MESSAGES + 1)) + b"]",
    signal(b""),
    signal(b"NaN"),
    signal(b'"\\ud800"'),
    signal(b'"\\udc00"'),
    signal(b'"\xff"'),
    signal(b'"\xed\xa0\x80"'),
    signal(b'{"a":1,}'),
    signal(b"01"),
    *(signal(b"[" * deep + b"]" * deep) for deep in TOO_DEEP),
    *(signal(b'{"":' * deep + b"1" + b"}" * deep) for deep in TOO_DEEP),
    b'{"type":"signal","to":"x","n":9007199254740993,"payload":1}',
    b'{"type":"signal","to":"x","n":1180591620717411303424,"payload":1}',
    b'{"type":"leave","request":1180591620717411303424,"room":"x"}',
    b'{"type":"signal","to":"' + b"x" * 65 + b'","n":1,"payload":1}',
    b'{"type":"hello","capabilities":{"engine":"' + b"x" * 65 + b'"}}',
]

UNREADABLE_MSGPACK = [
    b"",
    b"\xc0",
    b"\xc1",
    b"\x80",
    b"\x81\xa4type\xa4ping\xc0",
    b"\x81\xa4type\xa4pong"[:-1],
    b"\x90",
    b"\x91\x90",
    b"\xdd\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\x81\xa4type\xc7\x01\x05a",
    packed_signal(b"\xa1\xff"),
    packed_signal(b"\xa3\xed\xa0\x80"),
    packed_signal(b"\xc7\x01\x05a"),
    packed_signal(b"\x81\x91\x01\x02"),
    packed_signal(b"\x81\xc0\x02"),
    *(packed_signal(b"\x91" * deep + b"\x01") for deep in TOO_DEEP),
    *(packed_signal(b"\x81\xa0" * deep + b"\x01") for deep in TOO_DEEP),
    b"\x83\xa4type\xa5leave\xa7request\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa4room\xa1x",
]


@pytest.mark.parametrize("frame", UNREADABLE_JSON, ids=lambda frame: str(frame[:48]))
def test_a_json_frame_that_is_no_message_is_malformed(frame: bytes) -> None:
    (message,) = JSON.decode(frame)
    assert isinstance(message, Malformed)


@pytest.mark.parametrize("frame", UNREADABLE_MSGPACK, ids=lambda frame: str(frame[:48]))
def test_a_messagepack_frame_that_is_no_message_is_malformed(frame: bytes) -> None:
    (message,) = MSGPACK.decode(frame)
    assert isinstance(message, Malformed)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"ping","future":{"a":[1]}}',
        b' \n{"received":0,"type":"ping"} ',
        b'{"type":"ping","received":5,"received":0}',
        b'[{"type":"ping"}]',
    ],
)
def test_unknown_fields_and_white_space_do_no_harm(frame: bytes) -> None:
    assert JSON.decode(frame) == [Ping()]


@pytest.mark.parametrize("target", CODECS)
@pytest.mark.parametrize("frame", [signal(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH), packed_signal(DEEP_PACKED)])
def test_what_is_just_not_too_deep_can_be_written_however_deep_the_caller_is(
    target: str, frame: bytes
) -> None:
    (said,) = (JSON if frame.startswith(b"{") else MSGPACK).decode(frame)
    assert isinstance(said, Signal)

    def write(frames_below: int) -> bytes:
        if frames_below:
            return write(frames_below - 1)
        return SERVER_CODECS[target].encode(Signalled(PeerId("x"), 1, said.payload))

    (heard,) = CLIENT_CODECS[target].decode(write(300))
    assert isinstance(heard, Signalled)
    assert CLIENT_CODECS[target].read_payload(heard.payload) is not None


def test_many_brackets_beside_each_other_are_not_deep() -> None:
    (message,) = JSON.decode(signal(b"[" + b",".join([b"[]", b'"[{["', b"1e400"] * 400) + b"]"))
    assert isinstance(message, Signal)


@pytest.mark.parametrize("name", CODECS)
@given(frame=st.binary(max_size=300))
def test_no_bytes_make_decoding_raise(name: str, frame: bytes) -> None:
    assert SERVER_CODECS[name].decode(frame)
    assert CLIENT_CODECS[name].decode(frame)


@pytest.mark.parametrize("name", CODECS)
@given(data=st.data())
def test_a_damaged_message_never_makes_decoding_raise(name: str, data: st.DataObject) -> None:
    good = bytearray(SERVER_CODECS[name].encode(data.draw(messages(Event, name))))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    assert CLIENT_CODECS[name].decode(bytes(good))
    assert SERVER_CODECS[name].decode(bytes(good))


def payloads(name: str) -> st.SearchStrategy[msgspec.Raw]:
    encode = {JSON_SUBPROTOCOL: msgspec.json.encode, MSGPACK_SUBPROTOCOL: msgspec.msgpack.encode}[name]
    return plain_values.map(lambda value: msgspec.Raw(encode(value)))


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


def messages(union: Any, name: str) -> st.SearchStrategy[Any]:
    """Any message of a union, built from the types of its fields."""
    st.register_type_strategy(msgspec.Raw, payloads(name))
    kinds = get_args(union)
    return st.sampled_from(kinds).flatmap(_fields)


def _fields(kind: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{field.name: _value(field.type) for field in msgspec.structs.fields(kind)})


def _value(annotation: Any) -> st.SearchStrategy[Any]:
    if get_origin(annotation) is Annotated:
        base, meta = get_args(annotation)
        return (
            st.integers(meta.ge, meta.le) if base is int else text.map(lambda each: each[: meta.max_length])
        )
    if annotation is int:
        return st.integers(-(2**63), 2**63 - 1)
    if annotation is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if isinstance(annotation, type) and issubclass(annotation, (ErrorCode, ComeBack)):
        return st.sampled_from(list(annotation))
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return _fields(annotation)
    if getattr(annotation, "__supertype__", annotation) is str:
        return text
    arguments = get_args(annotation)
    origin = getattr(annotation, "__origin__", None)
    if origin is list:
        return st.lists(_value(arguments[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(text, plain_values, max_size=2)
    if arguments and type(None) in arguments:
        return st.none() | _value(next(each for each in arguments if each is not type(None)))
    if arguments:
        return st.sampled_from(arguments)
    return st.from_type(annotation)


@pytest.mark.parametrize("name", CODECS)
@given(data=st.data())
def test_what_one_side_writes_the_other_reads(name: str, data: st.DataObject) -> None:
    server, client = SERVER_CODECS[name], CLIENT_CODECS[name]
    event = data.draw(messages(Event, name))
    if not isinstance(getattr(event, "payload", None), msgspec.Raw) or name == JSON_SUBPROTOCOL:
        assert plain(client, client.decode(server.encode(event))[0]) == plain(client, event)
    request = data.draw(messages(Request, name))
    (read,) = server.decode(client.encode(request))
    assert plain(server, read) == plain(server, request)


def plain(codec: Codec[Any], message: Any) -> Any:
    """A message as plain values, its payload read."""
    fields = {name: getattr(message, name) for name in message.__struct_fields__}
    if "payload" in fields:
        fields["payload"] = codec.read_payload(getattr(fields["payload"], "raw", fields["payload"]))
    return type(message), fields


@pytest.mark.parametrize("target", CODECS)
@pytest.mark.parametrize("source", CODECS)
@given(value=plain_values)
def test_a_payload_keeps_its_meaning_from_any_codec_to_any(source: str, target: str, value: Any) -> None:
    encode = {JSON_SUBPROTOCOL: msgspec.json.encode, MSGPACK_SUBPROTOCOL: msgspec.msgpack.encode}[source]
    frame = CLIENT_CODECS[source].encode(Broadcast("room", msgspec.Raw(encode(value))))
    (said,) = SERVER_CODECS[source].decode(frame)
    assert isinstance(said, Broadcast)
    (heard,) = CLIENT_CODECS[target].decode(SERVER_CODECS[target].encode(Signalled("x", 1, said.payload)))  # type: ignore[arg-type]
    assert isinstance(heard, Signalled)
    assert CLIENT_CODECS[target].read_payload(heard.payload) == value


def test_bytes_become_base64_text_for_a_json_reader() -> None:
    frame = CLIENT_CODECS[MSGPACK_SUBPROTOCOL].encode(
        Broadcast("r", msgspec.Raw(msgspec.msgpack.encode(b"\x00\xff")))
    )
    (said,) = MSGPACK.decode(frame)
    assert isinstance(said, Broadcast)
    assert b'"AP8="' in JSON.encode(said)


@pytest.mark.parametrize("number", [b"1e400", b"18446744073709551616", b"-9223372036854775809", b"9" * 60])
def test_a_number_that_messagepack_cannot_say_becomes_nothing_and_spoils_nothing(number: bytes) -> None:
    (said,) = JSON.decode(signal(b"[" + number + b"]"))
    assert isinstance(said, Signal)
    (heard,) = CLIENT_CODECS[MSGPACK_SUBPROTOCOL].decode(MSGPACK.encode(Signalled("x", 1, said.payload)))  # type: ignore[arg-type]
    assert isinstance(heard, Signalled)
    assert CLIENT_CODECS[MSGPACK_SUBPROTOCOL].read_payload(heard.payload) is None


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("count", [1, 2, 15, 16, MAX_BATCH_MESSAGES])
def test_a_batch_holds_the_messages_that_were_put_in(name: str, count: int) -> None:
    client, server = CLIENT_CODECS[name], SERVER_CODECS[name]
    pings = [Ping(n) for n in range(count)]
    assert server.decode(client.join([client.encode(ping) for ping in pings])) == pings
