"""Servers that are asked: over both kinds of addresses, by name, and when nothing works."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import msgspec
import pytest
from aioice import Candidate, Connection
from aioice.ice import StunProtocol, TransportPolicy
from aioice.stun import Method

from peer.engine.ice.allocation import REFUSED_PAUSE, reflexive, relayed
from peer.engine.ice.servers import ServerAddress, parse_server
from peer.engine.ice.sockets import open_socket
from peer.facts import Trouble
from tests.peer.engine.ice.generations import stun_server, until
from tests.peer.engine.ice.turn_server import address, relay, turn_server


@asynccontextmanager
async def host(address: str = "127.0.0.1") -> AsyncIterator[StunProtocol]:
    protocol = await open_socket(Connection(ice_controlling=True), address, None)
    assert protocol is not None
    port = protocol.transport.get_extra_info("sockname")[1]
    protocol.local_candidate = Candidate("f", 1, "udp", 1, address, port, "host")
    try:
        yield protocol
    finally:
        await protocol.close()


def stun(url: str) -> ServerAddress:
    parsed = parse_server(url)
    assert isinstance(parsed, ServerAddress)
    return parsed


def by_name(server: ServerAddress, name: str = "localhost") -> ServerAddress:
    return msgspec.structs.replace(server, host=name)


async def test_a_stun_server_says_how_a_socket_looks_from_there() -> None:
    async with stun_server(("203.0.113.9", 4711)) as (_, url), host() as protocol:
        for server in (stun(url), by_name(stun(url))):
            found = await reflexive(protocol, server, 5.0)
            assert isinstance(found, Candidate)
            assert (found.type, found.host, found.port) == ("srflx", "203.0.113.9", 4711)
            own = protocol.local_candidate
            assert (found.related_address, found.related_port) == (own.host, own.port)


async def test_a_server_of_the_other_kind_of_address_is_not_asked() -> None:
    async with stun_server(("203.0.113.9", 4711)) as (server, url), host("::1") as protocol:
        assert await reflexive(protocol, stun(url), 5.0) is None
        assert server.asked == 0


async def test_a_silent_stun_server_is_told_when_the_time_is_up() -> None:
    async with stun_server(None) as (server, url), host() as protocol:
        found = await reflexive(protocol, stun(url), 0.3)
        assert isinstance(found, Trouble)
        assert (found.url, found.code) == (url, 701)
        assert "does not answer over UDP" in found.text
        assert server.asked == 1


async def test_a_stun_server_that_wants_to_know_who_asks_is_told_as_such() -> None:
    async with turn_server() as (_, url), host() as protocol:
        found = await reflexive(protocol, stun(f"stun:127.0.0.1:{url.port}"), 5.0)
        assert isinstance(found, Trouble)
        assert found.code == 401


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("where", ["127.0.0.1", "::1"])
async def test_a_turn_server_is_asked_over_either_kind_of_address(where: str, transport: str) -> None:
    async with turn_server(where, transport) as (_, url), relay(url) as asked:
        assert asked.candidate is not None
        assert (asked.candidate.type, asked.candidate.host) == ("relay", "192.0.2.1")
        assert asked.candidate.related_address == where


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_name_leads_to_the_address_that_works(transport: str) -> None:
    async with turn_server("127.0.0.1", transport) as (_, url), relay(by_name(url)) as asked:
        assert asked.candidate is not None


async def test_a_relay_over_udp_comes_before_one_over_a_stream() -> None:
    priorities: list[int] = []
    for transport in ("udp", "tcp"):
        async with turn_server(transport=transport) as (_, url), relay(url) as asked:
            assert asked.candidate is not None
            priorities.append(asked.candidate.priority)
    assert priorities[0] > priorities[1]


async def test_a_relay_is_not_paired_with_what_its_server_cannot_reach() -> None:
    async with turn_server() as (_, url), relay(url) as asked:
        assert asked.candidate is not None
        private = Candidate("f", 1, "udp", 1, "10.1.0.2", 5000, "host")
        public = Candidate("f", 1, "udp", 1, "198.51.100.7", 5000, "srflx")
        assert not asked.candidate.can_pair_with(private)
        assert asked.candidate.can_pair_with(public)


async def test_a_server_that_knows_us_only_a_moment_later_is_asked_again() -> None:
    async with turn_server() as (server, url):
        server.refuses[Method.ALLOCATE] = (401, "")
        asyncio.get_running_loop().call_later(REFUSED_PAUSE / 2, server.refuses.clear)
        async with relay(url) as asked:
            assert asked.candidate is not None


async def test_who_relays_everything_does_not_tell_where_from() -> None:
    connection = Connection(ice_controlling=True, transport_policy=TransportPolicy.RELAY)
    async with turn_server() as (_, url):
        answer = await relayed(connection, url, 5.0, lost=pytest.fail)
        assert not isinstance(answer, Trouble)
        assert (answer[0].related_address, answer[0].related_port) == ("0.0.0.0", 9)
        await answer[1].close()


async def test_fresh_credentials_are_used_by_whoever_asks_next() -> None:
    async with turn_server() as (server, url):
        async with relay(url), relay(msgspec.structs.replace(url, username="later"), timeout=0.05):
            pass
        assert {each.attributes["USERNAME"] for each in server.requests} == {"ana", "later"}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_closed_port_is_told_at_once(transport: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with relay(address(f"turn:127.0.0.1:{port}?transport={transport}"), timeout=60.0) as asked:
        assert asked.trouble is not None
        assert asked.trouble.code == 701
        assert "nobody listens" in asked.trouble.text


async def test_a_silent_server_takes_the_time_that_it_is_given() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        async with relay(address(f"turn:127.0.0.1:{silent.getsockname()[1]}"), timeout=0.05) as asked:
            assert asked.trouble is not None
            assert "firewall" in asked.trouble.text


async def test_a_web_server_at_the_port_is_no_turn_server() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with relay(address(f"turn:127.0.0.1:{port}?transport=tcp")) as asked:
            assert asked.trouble is not None
            assert asked.trouble.code == 701
        async with relay(address(f"turns:127.0.0.1:{port}")) as asked:
            assert asked.trouble is not None
            assert "TLS" in asked.trouble.text


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "no..one"])
async def test_a_name_that_can_be_none_is_told(name: str) -> None:
    async with relay(address(f"turn:{name}")) as asked:
        assert asked.trouble is not None
        assert asked.trouble.code == 701
        assert "resolve" in asked.trouble.text


async def test_names_that_are_looked_up_for_ever_are_told() -> None:
    release = threading.Event()
    executor = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(executor)
    executor.submit(release.wait)
    try:
        async with relay(address("turn:localhost"), timeout=0.1) as asked:
            assert asked.trouble is not None
            assert "resolve" in asked.trouble.text
    finally:
        release.set()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_who_is_cancelled_at_any_moment_leaves_nothing_behind(transport: str) -> None:
    async with turn_server(transport=transport) as (_, url):
        for turns in range(25):
            asking = asyncio.create_task(
                relayed(Connection(ice_controlling=True), url, 5.0, lost=pytest.fail)
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
            if not asking.cancelled():
                answer = asking.result()
                assert not isinstance(answer, Trouble)
                await answer[1].close()
        await until(lambda: len(asyncio.all_tasks()) == 1)
