"""Payloads and kept events on their way from node to node: in the form in which the client wrote them."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from signaling.protocol.codec import (
    CLIENT_CODECS,
    JSON,
    MSGPACK,
    UNREADABLE,
    Carried,
    Malformed,
    check_depth,
)
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    MSGPACK_SUBPROTOCOL,
    NUMBERED_EVENTS,
    Broadcasted,
    Signalled,
    Word,
)


def carried(payload: Any) -> tuple[bytes, bool]:
    """The bytes of a payload that a client has sent, and whether they are MessagePack."""
    return (bytes(payload.raw), True) if isinstance(payload, Carried) else (bytes(payload), False)


def payload_from(data: bytes, is_packed: bool) -> msgspec.Raw | None:
    """A payload as the hub holds it; None when a client could not be told it."""
    try:
        value = (MSGPACK if is_packed else JSON).read_payload(data)
        check_depth(value)
        if is_packed:
            msgspec.json.encode(value)
    except UNREADABLE:
        return None
    return cast(msgspec.Raw, Carried(msgspec.Raw(data))) if is_packed else msgspec.Raw(data)


def packed_event(event: Word) -> tuple[bool, bytes]:
    """A kept event for a :class:`Passport`."""
    is_packed = isinstance(event, (Signalled, Broadcasted)) and isinstance(event.payload, Carried)
    return is_packed, (MSGPACK if is_packed else JSON).encode(event)


def event_from(is_packed: bool, data: bytes) -> Word | None:
    """None for what is no numbered event."""
    codec = CLIENT_CODECS[MSGPACK_SUBPROTOCOL if is_packed else JSON_SUBPROTOCOL]
    (event, *more) = codec.decode(data)
    if more or isinstance(event, Malformed) or not isinstance(event, NUMBERED_EVENTS):
        return None
    if isinstance(event, (Signalled, Broadcasted)):
        payload = payload_from(bytes(event.payload), is_packed)
        if payload is None:
            return None
        event.payload = payload
    return event
