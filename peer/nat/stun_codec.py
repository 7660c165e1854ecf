"""STUN attributes that aioice does not know, put behind what it writes (RFC 8489, RFC 8656, RFC 5780)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from aioice import stun

REQUESTED_ADDRESS_FAMILY = 0x0017
PADDING = 0x0026
RESPONSE_PORT = 0x0027

CHANGE_ADDRESS, CHANGE_PORT = 0x04, 0x02
"""Of CHANGE-REQUEST (RFC 5780 section 7.2)."""


def binding_request(*, change: int = 0) -> stun.Message:
    """``change``: where the answer is to come from, as CHANGE-REQUEST has it; 0 leaves it out."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    if change:
        request.attributes["CHANGE-REQUEST"] = change
    return request


def packed(message: stun.Message, extras: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """The message with these attributes behind its own; a message without MESSAGE-INTEGRITY."""
    data = bytes(message)
    for kind, value in extras:
        data += struct.pack("!HH", kind, len(value)) + value + bytes(stun.padding_length(len(value)))
    return stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)


def response_port(port: int) -> tuple[int, bytes]:
    """Have the answer sent to this port of ours."""
    return RESPONSE_PORT, struct.pack("!HH", port, 0)


def padding(size: int) -> tuple[int, bytes]:
    """So many bytes that mean nothing."""
    return PADDING, bytes(size)


def read_answer(data: bytes) -> stun.Message | None:
    """An answer of either class; None for everything else. Never raises."""
    try:
        message = stun.parse_message(data)
    except (ValueError, struct.error, KeyError, IndexError):
        return None
    is_answer = message.message_class in (stun.Class.RESPONSE, stun.Class.ERROR)
    return message if is_answer else None
