"""What a STUN datagram deserves: Binding (RFC 8489), and the examination of NATs (RFC 5780).

UDP sources can be forged, so an answer is small and goes nowhere but to the address that asked. A server
without a second address answers with at most 2.2 times what it was sent. One with two adds at most
48 bytes over IPv4 and 96 over IPv6: where it is, where its other address is, and what it sees of the
client in the clear as well, which shows routers that meddle with addresses. PADDING is answered with as
much as came.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from aioice import stun

from signaling.metrics import StunResult

Address = tuple[str, int]

MAX_DATAGRAM_BYTES = 548
"""RFC 8489 §6.1: what passes every path; real Binding requests have 20 to 100 bytes."""
MAX_PADDED_BYTES = 2_300
"""PADDING is to make a datagram larger than an Ethernet frame, and no more than that (RFC 5780 §7.6)."""

CHANGE_REQUEST = 0x0003
MESSAGE_INTEGRITY = 0x0008
UNKNOWN_ATTRIBUTES = 0x000A
MESSAGE_INTEGRITY_SHA256 = 0x001C
PADDING = 0x0026
RESPONSE_PORT = 0x0027
FINGERPRINT = 0x8028
COMPREHENSION_OPTIONAL = 0x8000
CHANGE_ADDRESS, CHANGE_PORT = 0x04, 0x02
# RFC 8489 §18.3, and PRIORITY and USE-CANDIDATE of RFC 8445.
UNDERSTOOD = frozenset(
    {0x0001, 0x0006, 0x0008, 0x0009, 0x000A, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E, 0x0020, 0x0024, 0x0025}
)
# Who asks for an answer from another address must learn that there is none.
UNDERSTOOD_WITH_TWO = UNDERSTOOD | {CHANGE_REQUEST, PADDING, RESPONSE_PORT}


class Place(NamedTuple):
    """Where a datagram came in, and the address and port that both differ from it."""

    here: Address
    other: Address


class Answer(NamedTuple):
    """What a datagram deserves; no ``data`` means silence."""

    result: StunResult
    data: bytes = b""
    origin: Address | None = None
    """Send it from there; None: from where the request came in."""
    port: int | None = None
    """Send it to this port of who asked; None: to where the request came from."""


IGNORED = Answer("ignored")


def answer(data: bytes, source: Address, place: Place | None = None) -> Answer:
    """Judge one datagram from ``source``; ``place`` is for a server with two addresses. Never raises."""
    limit = MAX_DATAGRAM_BYTES if place is None else MAX_PADDED_BYTES
    if not stun.HEADER_LENGTH <= len(data) <= limit:
        return IGNORED
    if data[0] & 0xC0 or data[4:8] != stun.COOKIE.to_bytes(4, "big"):
        return IGNORED
    try:
        request = stun.parse_message(data)
    except (ValueError, struct.error):
        return IGNORED
    if request.message_method != stun.Method.BINDING or request.message_class != stun.Class.REQUEST:
        return IGNORED
    # Who sends an attribute twice means the first (RFC 8489 §14).
    asked = dict(reversed(list(_attributes(data))))
    if len(data) > MAX_DATAGRAM_BYTES and PADDING not in asked:
        return IGNORED
    understood = UNDERSTOOD if place is None else UNDERSTOOD_WITH_TWO
    unknown = [kind for kind, _ in _attributes(data) if _is_unknown(kind, understood)]
    if unknown:
        # Each took 4 bytes of the request and takes 2 here.
        listed = _attribute(UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(unknown)}H", *unknown))
        return Answer("unknown-attribute", _error(request, 420, listed))
    if place is None:
        return Answer("answered", _success(request, source))
    return _examined(request, asked, source, place)


def _examined(request: stun.Message, asked: dict[int, bytes], source: Address, place: Place) -> Answer:
    """The answer of a server with two addresses."""
    change, response_port = asked.get(CHANGE_REQUEST), asked.get(RESPONSE_PORT)
    # RFC 5780 §7.5 can be read so that the two bytes of padding belong to the value, as coturn does.
    is_odd = (
        (change is not None and len(change) != 4)
        or (response_port is not None and (len(response_port) not in (2, 4) or not any(response_port[:2])))
        # RFC 5780 §7.6: large answers go only to where large requests come from.
        or (response_port is not None and PADDING in asked)
    )
    if is_odd:
        return Answer("bad-request", _error(request, 400))
    flags = 0 if change is None else change[3]
    here, other = place
    origin = (
        (other if flags & CHANGE_ADDRESS else here)[0],
        (other if flags & CHANGE_PORT else here)[1],
    )
    padding = _attribute(PADDING, bytes(len(asked[PADDING]))) if PADDING in asked else b""
    return Answer(
        "answered" if origin == here else "answered-elsewhere",
        _success(request, source, Place(origin, other), padding),
        origin,
        None if response_port is None else int.from_bytes(response_port[:2], "big"),
    )


def _success(request: stun.Message, source: Address, place: Place | None = None, more: bytes = b"") -> bytes:
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
    response.attributes["XOR-MAPPED-ADDRESS"] = source
    if place is not None:
        response.attributes["MAPPED-ADDRESS"] = source
        response.attributes["RESPONSE-ORIGIN"], response.attributes["OTHER-ADDRESS"] = place
    return _finished(request, bytes(response) + more)


def _error(request: stun.Message, code: int, more: bytes = b"") -> bytes:
    """A refusal, with attributes that aioice cannot write (RFC 8489 §6.3.1)."""
    error = stun.Message(stun.Method.BINDING, stun.Class.ERROR, request.transaction_id)
    error.attributes["ERROR-CODE"] = (code, "")
    return _finished(request, bytes(error) + more)


def _finished(request: stun.Message, data: bytes) -> bytes:
    """With its length, and signed if the request was.

    FINGERPRINT is for whom asks with it: without it an answer to the shortest request stays small.
    """
    data = stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)
    if "FINGERPRINT" in request.attributes:
        data += struct.pack("!HHI", FINGERPRINT, 4, stun.message_fingerprint(data))
        data = stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)
    return data


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(stun.padding_length(len(value)))


def _is_unknown(kind: int, understood: frozenset[int]) -> bool:
    return kind < COMPREHENSION_OPTIONAL and kind not in understood


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes that count; aioice's parser keeps only those it knows."""
    position = stun.HEADER_LENGTH
    while position + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, position)
        yield kind, data[position + 4 : position + 4 + length]
        if kind in (MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256):
            return  # RFC 8489 §14.5: what follows is to be ignored.
        position += 4 + length + stun.padding_length(length)
