"""The STUN responder says where a datagram came from, and nothing else to anybody."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from signaling.limits import AddressBuckets
from signaling.metrics import Metrics
from signaling.stun_server import Responder, StunServer, answer, start_stun

V4 = ("192.0.2.7", 54_321)
V6 = ("2001:db8::7", 54_321)


def binding_request(signed: bool = False) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    if signed:
        request.add_fingerprint()
    return bytes(request)


def with_attribute(data: bytes, kind: int, value: bytes = b"") -> bytes:
    data += struct.pack("!HH", kind, len(value)) + value + bytes(stun.padding_length(len(value)))
    return stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("source", [V4, V6])
def test_a_binding_request_is_told_its_source(source: tuple[str, int], signed: bool) -> None:
    request = binding_request(signed)
    result, data = answer(request, source)
    response = stun.parse_message(data)
    assert result == "answered"
    assert response.message_class == stun.Class.RESPONSE
    assert response.transaction_id == request[8:20]
    assert response.attributes["XOR-MAPPED-ADDRESS"] == source
    assert ("FINGERPRINT" in response.attributes) is signed


def test_the_address_is_written_as_the_rfc_writes_it() -> None:
    # RFC 5769 §2.2: the sample response, mapped address 192.0.2.1 port 32853.
    transaction = bytes.fromhex("b7e7a701bc34d686fa87dfae")
    request = struct.pack("!HHI12s", 1, 0, stun.COOKIE, transaction)
    assert answer(request, ("192.0.2.1", 32_853)).data[20:] == bytes.fromhex("00200008 0001a147e112a643")
    v6 = ("2001:db8:1234:5678:11:2233:4455:6677", 32_853)
    expected = bytes.fromhex("00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9")
    assert answer(request, v6).data[20:] == expected


@pytest.mark.parametrize("signed", [False, True])
def test_what_it_does_not_understand_is_answered_with_420_and_named(signed: bool) -> None:
    data = with_attribute(with_attribute(binding_request(), 0x7FFF, b"12345678"), 0x0003, bytes(4))
    if signed:
        data = with_attribute(data, 0x8028, struct.pack("!I", stun.message_fingerprint(data)))
    result, reply = answer(data, V4)
    response = stun.parse_message(reply)
    assert result == "unknown-attribute"
    assert response.error_code == 420
    assert struct.pack("!HHHH", 0x000A, 4, 0x7FFF, 0x0003) in reply
    assert ("FINGERPRINT" in response.attributes) is signed


def test_an_optional_attribute_that_it_does_not_know_is_passed_over() -> None:
    assert answer(with_attribute(binding_request(), 0xC001, b"network"), V4).result == "answered"


def test_what_follows_message_integrity_is_passed_over() -> None:
    data = with_attribute(with_attribute(binding_request(), 0x0008, bytes(20)), 0x7FFF)
    assert answer(data, V4).result == "answered"


def other_classes() -> list[bytes]:
    return [
        bytes(stun.Message(method, kind))
        for method in (stun.Method.BINDING, stun.Method.ALLOCATE, stun.Method.SEND)
        for kind in stun.Class
        if (method, kind) != (stun.Method.BINDING, stun.Class.REQUEST)
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        binding_request()[:19],
        binding_request() + b"\x00\x00\x00\x00",
        binding_request()[:4] + b"\x00\x00\x00\x00" + binding_request()[8:],
        b"\x80" + binding_request()[1:],
        with_attribute(binding_request(), 0x8028, b"\x00\x00\x00\x00"),
        with_attribute(binding_request(), 0x8022, b"\xff\xfe"),
        with_attribute(binding_request(), 0x8029, b"\x01"),
        with_attribute(binding_request(), 0xC001, bytes(600)),
        *other_classes(),
    ],
)
def test_anything_but_a_binding_request_is_met_with_silence(data: bytes) -> None:
    assert answer(data, V4) == ("ignored", b"")


attributes = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=12)


@given(st.one_of(st.binary(max_size=700), attributes.map(lambda listed: crafted(listed))))
def test_no_datagram_makes_it_raise_or_answer_much_more_than_it_was_sent(data: bytes) -> None:
    for source in (V4, V6):
        reply = answer(data, source).data
        assert len(reply) <= 2.2 * len(data)


@given(st.integers(0, 19), st.integers(0, 255))
def test_a_request_with_one_wrong_byte_does_not_make_it_raise(position: int, value: int) -> None:
    data = bytearray(binding_request())
    data[position] = value
    answer(bytes(data), V4)


def crafted(listed: list[tuple[int, bytes]]) -> bytes:
    data = binding_request()
    for kind, value in listed:
        data = with_attribute(data, kind, value)
    return data


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue(16)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received.put_nowait(data)


async def ask(host: str, port: int, *datagrams: bytes) -> tuple[stun.Message, tuple[str, int]]:
    """Send these; the first answer, and where this client really is."""
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(Client, remote_addr=(host, port))
    try:
        for data in datagrams:
            transport.sendto(data)
        async with asyncio.timeout(5.0):
            reply = await client.received.get()
        return stun.parse_message(reply), transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()


@pytest.fixture
async def server() -> AsyncIterator[StunServer]:
    started = await start_stun(["127.0.0.1"], 0, Metrics())
    yield started
    started.close()


async def test_a_client_on_this_machine_learns_its_own_address(server: StunServer) -> None:
    response, own = await ask("127.0.0.1", server.port, binding_request())
    assert response.attributes["XOR-MAPPED-ADDRESS"] == own


async def test_garbage_before_a_request_does_not_matter(server: StunServer) -> None:
    response, _ = await ask("127.0.0.1", server.port, b"", b"\xff" * 1_400, binding_request())
    assert response.message_class == stun.Class.RESPONSE


async def test_ipv4_and_ipv6_are_answered_at_one_port() -> None:
    server = await start_stun(["127.0.0.1", "::1"], 0, Metrics())
    try:
        for host in ("127.0.0.1", "::1"):
            response, own = await ask(host, server.port, binding_request())
            assert response.attributes["XOR-MAPPED-ADDRESS"] == own
    finally:
        server.close()


async def test_a_port_in_use_is_passed_over_for_the_next_free_one() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        server = await start_stun(["127.0.0.1"], port, Metrics())
        try:
            assert port < server.port <= port + 20
        finally:
            server.close()


async def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(OSError, match="assign"):
        await start_stun(["192.0.2.1"], 0, Metrics())


class Sent(asyncio.DatagramTransport):
    """Remembers what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.to: list[object] = []

    def sendto(self, data: bytes, addr: object = None) -> None:  # type: ignore[override]  # any address will do
        self.to.append(addr)


def test_a_hasty_address_is_answered_only_so_often_and_the_others_as_ever() -> None:
    metrics, transport = Metrics(), Sent()
    responder = Responder(metrics, AddressBuckets(rate=0.001, burst=5))
    responder.connection_made(transport)
    for port in range(1, 101):
        responder.datagram_received(binding_request(), ("192.0.2.1", port))
    responder.datagram_received(binding_request(), ("192.0.2.2", 1))
    assert len(transport.to) == 6
    assert transport.to[-1] == ("192.0.2.2", 1)
    assert metrics.stun == {"answered": 6, "unknown-attribute": 0, "ignored": 0, "limited": 95}


def test_nothing_is_sent_to_port_0() -> None:
    transport = Sent()
    responder = Responder(Metrics(), AddressBuckets(rate=1.0, burst=5))
    responder.connection_made(transport)
    responder.datagram_received(binding_request(), ("192.0.2.1", 0))
    assert transport.to == []
