"""The sockets of the STUN responder: which there are, and which of them an answer leaves from."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from aioice import stun

from signaling.limits import AddressBuckets
from signaling.metrics import Metrics
from signaling.stun_server import Responder, StunServer, arrange, public_pair, start_stun


def binding_request(*listed: tuple[int, bytes]) -> bytes:
    data = bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))
    for kind, value in listed:
        data += struct.pack("!HH", kind, len(value)) + value + bytes(stun.padding_length(len(value)))
    return stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)


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
    with pytest.raises(OSError, match="no address of this machine"):
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
    assert (metrics.stun["answered"], metrics.stun["limited"], sum(metrics.stun.values())) == (6, 95, 101)


def test_nothing_is_sent_to_port_0() -> None:
    transport = Sent()
    responder = Responder(Metrics(), AddressBuckets(rate=1.0, burst=5))
    responder.connection_made(transport)
    responder.datagram_received(binding_request(), ("192.0.2.1", 0))
    assert transport.to == []


Ends = tuple[tuple[str, int], tuple[str, int]]


async def talk_to(server: tuple[str, int], *datagrams: bytes) -> list[Ends]:
    """From a socket that hears everybody: for each answer who sent it, and what it names as its origin."""
    heard: asyncio.Queue[Ends] = asyncio.Queue(16)

    class Everybody(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            heard.put_nowait((addr[:2], stun.parse_message(data).attributes["RESPONSE-ORIGIN"]))

    local = ("::1", 0) if ":" in server[0] else ("127.0.0.1", 0)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Everybody, local_addr=local)
    try:
        for data in datagrams:
            transport.sendto(data, server)
        async with asyncio.timeout(5.0):
            return [await heard.get() for _ in datagrams]
    finally:
        transport.close()


@pytest.fixture
async def pair() -> AsyncIterator[StunServer]:
    started = await start_stun(["127.0.0.1"], 0, Metrics(), ["127.0.0.2"])
    yield started
    started.close()


async def test_each_of_four_sockets_answers_from_each_of_the_four(pair: StunServer) -> None:
    requests = [binding_request((0x0003, struct.pack("!I", flags))) for flags in (0, 2, 4, 6)]
    everywhere = {(host, pair.port + step) for host in ("127.0.0.1", "127.0.0.2") for step in (0, 1)}
    for server in sorted(everywhere):
        answers = await talk_to(server, *requests)
        assert all(sender == told for sender, told in answers)
        assert {sender for sender, _ in answers} == everywhere


async def test_an_answer_reaches_the_port_that_was_asked_for(pair: StunServer) -> None:
    loop = asyncio.get_running_loop()
    other, client = await loop.create_datagram_endpoint(Client, local_addr=("127.0.0.1", 0))
    asking, _ = await loop.create_datagram_endpoint(Client, local_addr=("127.0.0.1", 0))
    try:
        port = other.get_extra_info("sockname")[1]
        asking.sendto(binding_request((0x0027, struct.pack("!H", port))), ("127.0.0.1", pair.port))
        async with asyncio.timeout(5.0):
            response = stun.parse_message(await client.received.get())
        assert response.attributes["XOR-MAPPED-ADDRESS"] == asking.get_extra_info("sockname")
    finally:
        other.close()
        asking.close()


async def test_padding_comes_back_through_real_sockets(pair: StunServer) -> None:
    ((sender, told),) = await talk_to(("127.0.0.2", pair.port), binding_request((0x0026, bytes(1_500))))
    assert sender == told == ("127.0.0.2", pair.port)


async def test_a_second_port_in_use_moves_the_first_one_too() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.2", 0))
        port = taken.getsockname()[1]
        server = await start_stun(["127.0.0.1"], port - 1, Metrics(), ["127.0.0.2"])
        try:
            assert port < server.port <= port + 20
        finally:
            server.close()


async def test_a_second_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.77 is no address of this machine"):
        await start_stun(["192.0.2.77"], 0, Metrics(), ["192.0.2.1"])


async def test_after_the_last_port_there_is_no_second_one() -> None:
    with pytest.raises(OSError, match="last port"):
        await start_stun(["127.0.0.1"], 65_535, Metrics(), ["127.0.0.2"])


def test_without_an_alternate_the_hosts_stay_as_they_are() -> None:
    assert arrange(["0.0.0.0", "::"], [], ["203.0.113.10"]) == {"0.0.0.0": None, "::": None}


def test_everywhere_becomes_each_address_where_there_is_an_alternate() -> None:
    ours = ["10.0.0.5", "203.0.113.10", "203.0.113.11", "2001:db8::10"]
    assert arrange(["0.0.0.0", "::"], ["8.8.8.8"], ["10.0.0.5", "8.8.4.4", "8.8.8.8"]) == {
        "10.0.0.5": "8.8.8.8",
        "8.8.4.4": "8.8.8.8",
        "127.0.0.1": None,
        "8.8.8.8": "8.8.4.4",
        "::": None,
    }
    assert arrange(["::"], ["2001:DB8::11"], ours) == {
        "2001:db8::10": "2001:db8::11",
        "::1": None,
        "2001:db8::11": "2001:db8::10",
    }


@pytest.mark.parametrize(
    ("hosts", "alternates", "text"),
    [
        (["0.0.0.0"], ["203.0.113.11"], "the only such address"),
        (["203.0.113.10"], ["2001:db8::11"], "no address of the kind"),
        (["127.0.0.1"], ["203.0.113.11"], "the only such address"),
    ],
)
def test_an_alternate_without_a_first_address_is_told(
    hosts: list[str], alternates: list[str], text: str
) -> None:
    with pytest.raises(OSError, match=text):
        arrange(hosts, alternates, ["203.0.113.11"])


def test_only_a_pair_of_public_ipv4_addresses_is_found_by_itself() -> None:
    assert public_pair(["10.0.0.5", "8.8.4.4", "8.8.8.8", "2606:4700::1", "2606:4700::2"]) == ["8.8.8.8"]
    assert public_pair(["8.8.4.4", "10.0.0.5"]) == []
    assert public_pair(["8.8.4.4", "8.8.8.8", "9.9.9.9"]) == []
