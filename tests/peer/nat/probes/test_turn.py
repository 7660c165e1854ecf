"""TURN servers that relay, that refuse, and that nobody should meet: what is said of each, and in time."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any

import msgspec
import pytest
from aioice.stun import Class, Message, Method

from peer.engine.ice.servers import ServerAddress
from peer.nat.observations import TurnAnswer
from peer.nat.probes.turn import probe_turn
from tests.peer.engine.ice.turn_server import TurnServer
from tests.peer.nat.turn_servers import (
    GARBAGE,
    HUGE,
    WEB,
    Forgetful,
    Forging,
    Insatiable,
    Lonely,
    Misplaced,
    Mumbling,
    Relaying,
    Speaking,
    serving,
)

PATIENCE = 0.4
MARGIN = 0.4
"""Seconds that a busy machine may add."""


async def probe(
    server: ServerAddress, timeout: float = PATIENCE, tls: ssl.SSLContext | None = None
) -> TurnAnswer:
    """Within its time, whatever happens."""
    began = time.monotonic()
    answer = await probe_turn(server, timeout, tls)
    assert time.monotonic() - began < timeout + MARGIN
    return answer


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_datagram_goes_through_the_relay_and_comes_back(transport: str) -> None:
    server = Relaying()
    async with serving(server, transport) as url:
        answer = await probe(url, 5.0)
    assert answer.permitted is True
    assert answer.echo_rtt is not None
    assert answer.relayed == "192.0.2.1:1"
    assert (answer.code, answer.trouble, answer.transport) == (0, "", transport)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_relay_is_given_back(transport: str) -> None:
    server = Relaying()
    async with serving(server, transport) as url:
        await probe(url, 5.0)
    (refresh,) = server.asked(Method.REFRESH)
    assert refresh.attributes["LIFETIME"] == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [(401, "credentials"), (486, "quota"), (508, "no room"), (403, "forbids"), (400, "is it a TURN server")],
)
async def test_a_refusal_is_told_in_words(code: int, words: str) -> None:
    server = Relaying()
    server.refuses[Method.ALLOCATE] = (code, "")
    async with serving(server) as url:
        answer = await probe(url)
    assert answer.allocated is None
    assert answer.code == code
    assert words in answer.trouble


async def test_a_password_that_has_expired_is_told_as_such() -> None:
    server = Relaying()
    server.refuses[Method.ALLOCATE] = (401, "")
    async with serving(server) as url:
        answer = await probe(msgspec.structs.replace(url, username="1500000000:ana"))
    assert "have expired" in answer.trouble


async def test_a_server_that_does_not_relay_to_itself_is_told_and_how_to_mend_it() -> None:
    server = Relaying()
    server.refuses[Method.CREATE_PERMISSION] = (403, "")
    async with serving(server) as url:
        answer = await probe(url)
    assert answer.allocated is not None
    assert answer.permitted is False
    assert "allowed-peer-ip" in answer.trouble


async def test_a_relay_that_lets_no_data_through_is_not_a_relay() -> None:
    async with serving(TurnServer()) as url:
        answer = await probe(url, 0.8)
    assert answer.permitted is True
    assert answer.echo_rtt is None
    assert "no data comes through" in answer.trouble


async def test_a_relay_that_others_reach_but_not_itself_helps_one_peer_alone() -> None:
    loop = asyncio.get_running_loop()
    outside, relayed = await loop.create_datagram_endpoint(Relayed, local_addr=("127.0.0.1", 0))
    server = relayed.server = Lonely(outside.get_extra_info("sockname")[1])
    try:
        async with serving(server) as url:
            answer = await probe(url, 3.0)
    finally:
        outside.close()
    assert answer.permitted is False
    assert answer.echo_rtt is not None
    assert "cannot meet" in answer.trouble


class Relayed(asyncio.DatagramProtocol):
    """The relay's own socket: hands on what comes there."""

    server: TurnServer

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        attributes = {"XOR-PEER-ADDRESS": addr, "DATA": data}
        self.server.send(bytes(Message(Method.DATA, Class.INDICATION, None, attributes)))


async def test_a_relay_at_an_address_that_is_none_is_told() -> None:
    async with serving(Misplaced()) as url:
        answer = await probe(url)
    assert answer.relayed == "0.0.0.0:4000"
    assert answer.permitted is None
    assert "external-ip" in answer.trouble


@pytest.mark.parametrize("code", [401, 438])
async def test_a_server_that_always_wants_another_nonce_is_left(code: int) -> None:
    server = Insatiable(code)
    async with serving(server) as url:
        answer = await probe(url)
    assert answer.code == code
    assert server.asked_again < 6


@pytest.mark.parametrize(
    ("transport", "server", "words"),
    [
        ("udp", Speaking(b""), "does not answer over UDP"),
        ("tcp", Speaking(b""), "does not answer over TCP"),
        ("udp", Speaking(GARBAGE), "no STUN or TURN server"),
        ("tcp", Speaking(GARBAGE), "no STUN or TURN server"),
        ("tcp", Speaking(WEB), "no STUN or TURN server"),
        ("tcp", Speaking(HUGE), "does not answer over TCP"),
        ("tcp", Speaking(b"", closes=True), "closed the connection"),
        ("tls", Speaking(b"", closes=True), "closed the connection"),
        ("tls", Speaking(WEB), "no TLS is spoken"),
        ("tls", Speaking(b""), "does not answer over TLS"),
        ("udp", Mumbling(), "no STUN or TURN server"),
        ("tcp", Mumbling(), "no STUN or TURN server"),
        ("udp", Forgetful(), "no STUN or TURN server"),
        ("udp", Forging(), "does not answer over UDP"),
    ],
)
async def test_a_server_that_does_not_behave_is_told_in_words(
    transport: str, server: TurnServer, words: str
) -> None:
    async with serving(server, transport) as url:
        answer = await probe(url)
    assert answer.allocated is None
    assert words in answer.trouble


async def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    for transport in ("udp", "tcp"):
        async with serving(Relaying(), transport) as url:
            pass
        began = time.monotonic()
        answer = await probe_turn(url, 5.0, None)
        assert "nobody listens" in answer.trouble
        assert time.monotonic() - began < 2.0


async def test_a_name_that_does_not_exist_is_told() -> None:
    async with serving(Relaying()) as url:
        answer = await probe(msgspec.structs.replace(url, host="nowhere.invalid"), 2.0)
    assert "does not resolve" in answer.trouble


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_of_several_addresses_one_that_answers_is_enough(transport: str) -> None:
    async with serving(Relaying(), transport) as url:
        answer = await probe(msgspec.structs.replace(url, host="localhost"), 5.0)
    assert answer.echo_rtt is not None, answer.trouble
