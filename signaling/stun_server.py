"""The embedded STUN responder: tells a client what address its datagrams come from (RFC 8489).

UDP sources can be forged, so it answers with about as much as it was sent, only Binding requests,
and each address only so often. Everything else is dropped without an answer and counted.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple, cast

from aioice import stun

from signaling.limits import AddressBuckets
from signaling.metrics import Metrics, StunResult

Address = tuple[str, int]

# A client asks once for each of its interfaces and repeats at most 7 times (RFC 8489 §6.2.1); an
# office behind one address asks for many clients.
REQUESTS_PER_SECOND = 50.0
REQUESTS_BURST = 200
PORTS_TO_TRY = 20
MAX_DATAGRAM_BYTES = 548
"""RFC 8489 §6.1: what passes every path; real Binding requests have 20 to 100 bytes."""

MESSAGE_INTEGRITY = 0x0008
MESSAGE_INTEGRITY_SHA256 = 0x001C
UNKNOWN_ATTRIBUTES = 0x000A
FINGERPRINT = 0x8028
COMPREHENSION_OPTIONAL = 0x8000
# RFC 8489 §18.3, and PRIORITY and USE-CANDIDATE of RFC 8445. Not CHANGE-REQUEST (0x0003): who asks
# for an answer from another address must learn that there is none.
UNDERSTOOD = frozenset(
    {0x0001, 0x0006, 0x0008, 0x0009, 0x000A, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E, 0x0020, 0x0024, 0x0025}
)


class Answer(NamedTuple):
    """What a datagram deserves; no ``data`` means silence."""

    result: StunResult
    data: bytes = b""


IGNORED = Answer("ignored")


def answer(data: bytes, source: Address) -> Answer:
    """Judge one datagram from ``source``. Never raises."""
    if not stun.HEADER_LENGTH <= len(data) <= MAX_DATAGRAM_BYTES:
        return IGNORED
    if data[0] & 0xC0 or data[4:8] != stun.COOKIE.to_bytes(4, "big"):
        return IGNORED
    try:
        request = stun.parse_message(data)
    except (ValueError, struct.error):
        return IGNORED
    if request.message_method != stun.Method.BINDING or request.message_class != stun.Class.REQUEST:
        return IGNORED
    unknown = [
        kind for kind in _attribute_types(data) if kind < COMPREHENSION_OPTIONAL and kind not in UNDERSTOOD
    ]
    # FINGERPRINT is for whom asks with it: without it an answer to the shortest request stays under
    # twice its size.
    signed = "FINGERPRINT" in request.attributes
    if unknown:
        return Answer("unknown-attribute", _refusal(request, unknown, signed))
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
    response.attributes["XOR-MAPPED-ADDRESS"] = source
    if signed:
        response.add_fingerprint()
    return Answer("answered", bytes(response))


def _attribute_types(data: bytes) -> Iterator[int]:
    """The types of the attributes that count; aioice's parser keeps only those it knows."""
    position = stun.HEADER_LENGTH
    while position + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, position)
        yield kind
        if kind in (MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256):
            return  # RFC 8489 §14.5: what follows is to be ignored.
        position += 4 + length + stun.padding_length(length)


def _refusal(request: stun.Message, unknown: list[int], signed: bool) -> bytes:
    """420 with the list of what was not understood (RFC 8489 §6.3.1), which aioice cannot write."""
    error = stun.Message(stun.Method.BINDING, stun.Class.ERROR, request.transaction_id)
    error.attributes["ERROR-CODE"] = (420, "")
    # Each took 4 bytes of the request and takes 2 here.
    listed = struct.pack(f"!{len(unknown)}H", *unknown)
    attribute = struct.pack("!HH", UNKNOWN_ATTRIBUTES, len(listed)) + listed
    data = bytes(error) + attribute + bytes(stun.padding_length(len(listed)))
    data = stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)
    if signed:
        value = stun.message_fingerprint(data)
        data += struct.pack("!HHI", FINGERPRINT, 4, value)
        data = stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)
    return data


class Responder(asyncio.DatagramProtocol):
    """Answers on one socket, each address at most so often."""

    def __init__(self, metrics: Metrics, buckets: AddressBuckets) -> None:
        self._metrics = metrics
        self._buckets = buckets
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loops' own classes are such transports without inheriting from it.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        source = (addr[0].partition("%")[0], addr[1])
        if not self._buckets.bucket(source[0]).try_take(time.monotonic()):
            self._metrics.rate_limited["stun"] += 1
            self._metrics.stun["limited"] += 1
            return
        result, reply = answer(data, source)
        self._metrics.stun[result] += 1
        # Port 0 cannot be sent to; some systems raise, some are silent.
        if reply and self._transport is not None and source[1]:
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        """An ICMP error for an earlier answer: its client has gone, and the next one is as welcome."""


class StunServer:
    """A responder that runs, at ``port`` of each of its hosts."""

    def __init__(self, port: int, transports: list[asyncio.DatagramTransport]) -> None:
        self.port = port
        self._transports = transports

    def close(self) -> None:
        """Answer no more."""
        for transport in self._transports:
            transport.close()


async def start_stun(hosts: list[str], port: int, metrics: Metrics) -> StunServer:
    """Answer at ``port`` of all ``hosts``, or at the first free one of the 20 that follow.

    ``server.port`` says which. Raises OSError when none is free, or a host is not ours.
    """
    loop = asyncio.get_running_loop()
    sockets = _bind_all(hosts, port)
    buckets = AddressBuckets(REQUESTS_PER_SECOND, REQUESTS_BURST)
    transports: list[asyncio.DatagramTransport] = []
    for each in sockets:
        transport, _ = await loop.create_datagram_endpoint(lambda: Responder(metrics, buckets), sock=each)
        transports.append(transport)
    return StunServer(sockets[0].getsockname()[1], transports)


def _bind_all(hosts: list[str], port: int) -> list[socket.socket]:
    last = min(65_535, port + PORTS_TO_TRY)
    for candidate in range(port, last + 1):
        try:
            return _bind(hosts, candidate)
        except OSError:
            if candidate == last:
                raise
    raise AssertionError("the range above is never empty")


def _bind(hosts: list[str], port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for host in hosts:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            each = socket.socket(family, socket.SOCK_DGRAM)
            bound.append(each)
            if family == socket.AF_INET6:
                # The IPv4 socket beside it has the same port.
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.setblocking(False)
            each.bind((host, port))
            port = each.getsockname()[1]
    except OSError:
        for each in bound:
            each.close()
        raise
    return bound
