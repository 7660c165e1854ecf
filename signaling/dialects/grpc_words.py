"""Protocol buffers ⇄ our own messages: the same under the same names, so that one rule translates all.

A frame is one message as gRPC writes it on the wire (a flag, a length, the bytes): frames that are put one
after the other are still frames, for HTTP/2 and for gRPC-Web.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.struct_pb2 import Struct, Value

from signaling.journal import AnyEvent
from signaling.protocol.codec import UNREADABLE, Carried, Malformed, as_json, check_text
from signaling.protocol.errors import ErrorCode
from signaling.protocol.messages import MAX_DEPTH, Request, Word
from signaling.protocol.proto.peerlane.v1.signaling_pb2 import (
    ConnectRequest,
    ConnectResponse,
    ListenResponse,
    WatchResponse,
)

HEADER_BYTES = 5
UNTOLD = "UNSPECIFIED"
AnyField: TypeAlias = Any
"""A descriptor of a field: of one of two implementations, which have no base in common."""
STRUCT = Struct.DESCRIPTOR.full_name
INTEGRAL = 2.0**53
"""Numbers beyond are not whole for certain: a Struct has doubles only."""

read_event = msgspec.json.Decoder(AnyEvent).decode


class GrpcCodec:
    """Requests and events of Connect, a message each. Has no memory: one serves all links."""

    subprotocol = "peerlane.v1.grpc"
    is_shared = True

    def decode(self, frame: bytes) -> list[Request | Malformed]:
        """One message, without its header. Never raises."""
        try:
            return [request_of(ConnectRequest.FromString(frame))]
        except (DecodeError, *UNREADABLE) as error:
            return [Malformed(ErrorCode.MALFORMED, str(error))]

    def encode(self, message: Word) -> bytes:
        return framed(event_of(message))

    def join(self, encoded: list[bytes]) -> bytes:
        return b"".join(encoded)


class ListenCodec(GrpcCodec):
    """The same, as Listen writes it."""

    subprotocol = "peerlane.v1.grpc-listen"

    def encode(self, message: Word) -> bytes:
        return framed(ListenResponse(event=event_of(message)))


CODEC = GrpcCodec()
LISTEN_CODEC = ListenCodec()


def framed(message: Message) -> bytes:
    """As it stands on the wire."""
    written = message.SerializeToString()
    return b"\0" + len(written).to_bytes(4, "big") + written


def unframed(frames: bytes) -> Iterator[bytes]:
    """The messages of well-formed frames, without their headers."""
    at = 0
    while at < len(frames):
        end = at + HEADER_BYTES + int.from_bytes(frames[at + 1 : at + HEADER_BYTES], "big")
        yield frames[at + HEADER_BYTES : end]
        at = end


def request_of(message: ConnectRequest) -> Request:
    """Raises one of UNREADABLE for what is none."""
    kind = message.WhichOneof("request")
    if kind is None:
        raise ValueError("a request that this server does not know, or none")
    asked: Request = msgspec.convert({"type": kind, **fields_of(getattr(message, kind))}, Request)
    return asked


def event_of(message: Word) -> ConnectResponse:
    event = ConnectResponse()
    kind = str(type(message).__struct_config__.tag).replace("-", "_")
    inner: Message = getattr(event, kind)
    inner.SetInParent()
    fill(inner, message)
    return event


def happened(kind: str, token: str, encoded: bytes) -> WatchResponse:
    """An event of the feed; ``encoded`` as the journal has it. Without a kind: nothing has happened."""
    told = WatchResponse(resume_token=token)
    if kind:
        inner: Message = getattr(told, kind.replace("-", "_"))
        inner.SetInParent()
        if kind != "gap":
            event = read_event(encoded)
            told.at = event.at
            fill(inner, event)
    return told


# Structs → messages


def fill(message: Message, value: msgspec.Struct) -> None:
    """Give a message what a struct has under the same names."""
    for field in message.DESCRIPTOR.fields:
        given = getattr(value, field.name)
        if given is None:
            continue
        if field.is_repeated:
            put_all(message, field, given)
        elif field.message_type is not None:
            inner: Message = getattr(message, field.name)
            inner.SetInParent()
            put_message(inner, given)
        else:
            setattr(message, field.name, _scalar(field, given))


def put_all(message: Message, field: AnyField, given: Any) -> None:
    row = getattr(message, field.name)
    if field.message_type is None:
        row.extend(_scalar(field, each) for each in given)
        return
    for each in given:
        put_message(row.add(), each)


def put_message(inner: Message, given: Any) -> None:
    if isinstance(inner, Struct):
        put_values(inner, given)
    else:
        fill(inner, given)


def put_values(struct: Struct, given: Mapping[str, Any]) -> None:
    """Metadata; what has no form in a Struct is left out."""
    for name, value in given.items():
        _put_value(struct.fields[_text(name)], value)


def _put_value(value: Value, given: Any) -> None:
    if given is None:
        value.null_value = 0  # type: ignore[assignment]  # its only member
    elif isinstance(given, bool):
        value.bool_value = given
    elif isinstance(given, (int, float)):
        value.number_value = _double(given)
    elif isinstance(given, str):
        value.string_value = _text(given)
    elif isinstance(given, Mapping):
        value.struct_value.SetInParent()
        put_values(value.struct_value, given)
    else:
        value.list_value.SetInParent()
        for each in given:
            _put_value(value.list_value.values.add(), each)


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _text(text: str) -> str:
    # JSON may have half a pair of surrogates, and UTF-8 has no form for one.
    return text if text.isascii() else text.encode(errors="replace").decode()


def _scalar(field: AnyField, given: Any) -> Any:
    if field.enum_type is not None:
        return _enum_number(field, str(given))
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _payload(given)
    return _text(given) if isinstance(given, str) else given


def _enum_number(field: AnyField, word: str) -> int:
    values = field.enum_type.values_by_name
    prefix = values_prefix(field)
    known = values.get(prefix + word.upper().replace("-", "_"))
    return 0 if known is None else known.number


def values_prefix(field: AnyField) -> str:
    """What all names of an enum begin with."""
    return str(field.enum_type.values_by_number[0].name).removesuffix(UNTOLD)


def _payload(given: msgspec.Raw | Carried | bytes) -> bytes:
    try:
        return given if isinstance(given, bytes) else bytes(as_json(given))
    except UNREADABLE:
        # MessagePack that JSON cannot say.
        return b"null"


# Messages → what msgspec makes structs of


def fields_of(message: Message) -> dict[str, Any]:
    """What is there, by name. Raises one of UNREADABLE."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        given = getattr(message, field.name)
        if isinstance(given, Struct):
            found[field.name] = values_of(given)
        elif field.message_type is not None:
            found[field.name] = fields_of(given)
        elif field.enum_type is not None:
            if given:
                found[field.name] = _enum_word(field, given)
        elif field.type == FieldDescriptor.TYPE_BYTES:
            found[field.name] = checked(given)
        else:
            found[field.name] = given
    return found


def _enum_word(field: AnyField, number: int) -> str:
    known = field.enum_type.values_by_number.get(number)
    return "" if known is None else known.name.removeprefix(values_prefix(field)).lower().replace("_", "-")


def checked(payload: bytes) -> msgspec.Raw:
    """A payload that is well-formed JSON. Raises one of UNREADABLE for any other."""
    msgspec.json.decode(payload, type=msgspec.Raw)
    check_text(payload)
    return msgspec.Raw(payload)


def values_of(struct: Struct, depth: int = 0) -> dict[str, Any]:
    return {name: _value_of(value, depth + 1) for name, value in struct.fields.items()}


def _value_of(value: Value, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return values_of(value.struct_value, depth)
    if kind == "list_value":
        return [_value_of(each, depth + 1) for each in value.list_value.values]
    if kind == "number_value":
        return _number(value.number_value)
    return None if kind in (None, "null_value") else getattr(value, kind)


def _number(number: float) -> int | float:
    if not math.isfinite(number):
        raise ValueError("a number that JSON does not have")
    return int(number) if number.is_integer() and abs(number) <= INTEGRAL else number
