"""One generation: its candidates, its data, its signs of life, and its end."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from aioice import Candidate

from peer.engine.ice import connection as module
from peer.engine.ice import consent
from peer.engine.ice.policy import IcePolicy
from peer.engine.ice.servers import ServerAddress, parse_server
from tests.peer.engine.ice.generations import (
    Generation,
    connect,
    first_socket,
    nominated,
    stun_server,
    two,
    until,
)


def server(url: str) -> ServerAddress:
    parsed = parse_server(url, "user", "secret")
    assert isinstance(parsed, ServerAddress)
    return parsed


def sockets() -> int:
    return len(os.listdir("/dev/fd"))


def remote(host: str, component: int = 1, port: int = 9, type_: str = "host") -> Candidate:
    return Candidate("f", component, "udp", 1, host, port, type_)


async def test_host_candidates_are_there_at_once_and_what_servers_find_is_told() -> None:
    async with stun_server(("198.51.100.7", 7007)) as (_, url):
        side = Generation(controlling=True, servers=(server(url),))
        await side.ice.gather_candidates()
        assert [candidate.type for candidate in side.ice.local_candidates] == ["host"]
        await until(lambda: len(side.found) == 2)
        reflexive, end = side.found
        assert reflexive is not None
        assert (reflexive.type, reflexive.host, reflexive.port) == ("srflx", "198.51.100.7", 7007)
        assert end is None
        await side.ice.close()


async def test_a_server_that_says_what_we_know_adds_nothing() -> None:
    async with stun_server(None) as (answering, url):
        side = Generation(controlling=True, servers=(server(url),))
        await side.ice.gather_candidates()
        host = side.ice.local_candidates[0]
        answering.mapped = (host.host, host.port)
        await until(lambda: bool(side.found))
        assert (side.found, side.troubles) == ([None], [])
        await side.ice.close()


async def test_a_server_that_does_not_answer_is_told_as_a_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_TIMEOUT", 0.05)
    async with stun_server(None) as (_, url):
        side = Generation(controlling=True, servers=(server(url),))
        await side.ice.gather_candidates()
        await until(lambda: bool(side.found))
        assert [(trouble.url, trouble.code) for trouble in side.troubles] == [(url, 701)]
        await side.ice.close()


async def test_a_generation_that_still_gathers_does_not_fail() -> None:
    async with stun_server(None) as (answering, url):
        side, other = Generation(controlling=True, servers=(server(url),)), Generation(controlling=False)
        side.knows(other)
        await side.ice.gather_candidates()
        await side.ice.add_remote_candidate(None)
        connecting = asyncio.create_task(connect(side))
        await until(lambda: answering.asked > 0)
        assert not connecting.done()
        await side.ice.close()
        with pytest.raises(ConnectionError):
            await connecting


async def test_closing_does_not_wait_for_servers_and_leaves_nothing_behind() -> None:
    before = sockets()
    async with stun_server(None) as (_, url):
        turn = url.replace("stun:", "turn:")
        side = Generation(controlling=True, servers=(server(url), server(turn)))
        started = asyncio.get_running_loop().time()
        await side.ice.gather_candidates()
        assert asyncio.get_running_loop().time() - started < 0.2
        await side.ice.close()
        await side.ice.close()
        assert asyncio.get_running_loop().time() - started < 1
    await until(lambda: len(asyncio.all_tasks()) == 1 and sockets() == before)
    assert side.found == []


async def test_who_is_closed_in_the_middle_of_gathering_leaves_nothing_behind() -> None:
    before = sockets()
    side = Generation(controlling=True)
    gathering = asyncio.create_task(side.ice.gather_candidates())
    await asyncio.sleep(0)
    gathering.cancel()
    await side.ice.close()
    await until(lambda: sockets() == before and len(asyncio.all_tasks()) == 1)


async def test_ports_stay_in_their_range() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    policy = IcePolicy(addresses=("127.0.0.0/8",), loopback=True, port_range=(port, port))
    side, late = Generation(controlling=True, policy=policy), Generation(controlling=True, policy=policy)
    await side.ice.gather_candidates()
    await late.ice.gather_candidates()
    assert [candidate.port for candidate in side.ice.local_candidates] == [port]
    assert late.ice.local_candidates == [], "no port was left"
    await asyncio.gather(side.ice.close(), late.ice.close())


async def test_the_public_address_is_told_in_place_of_the_own_one() -> None:
    policy = IcePolicy(
        addresses=("127.0.0.1/32",), loopback=True, public_addresses={"127.0.0.1": "203.0.113.5"}
    )
    side = Generation(controlling=True, policy=policy)
    await side.ice.gather_candidates()
    assert [(each.host, each.type) for each in side.ice.local_candidates] == [("203.0.113.5", "host")]
    await side.ice.close()


async def test_who_wants_relays_only_has_no_other_candidates() -> None:
    side = Generation(controlling=True, policy=IcePolicy(relay_only=True))
    await side.ice.gather_candidates()
    assert side.ice.local_candidates == []
    assert side.found == [None]
    await side.ice.close()


async def test_an_empty_datagram_of_a_stranger_is_nothing() -> None:
    async with two() as (one, _):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            to = first_socket(one).transport.get_extra_info("sockname")
            for datagram in (b"", b"something"):
                stranger.sendto(datagram, to)
        await until(lambda: one.data != [])
        assert one.data == [b"something"]


async def test_remote_candidates_have_limits() -> None:
    policy = IcePolicy(
        addresses=("127.0.0.0/8",), loopback=True, max_remote_candidates=2, deny=("10.0.0.0/8",)
    )
    side = Generation(controlling=True, policy=policy)
    for candidate in (
        remote("127.0.0.1", component=2),
        remote("10.1.2.3"),
        remote("169.254.169.254"),
        remote("not an address"),
        remote("127.0.0.1", port=1),
        remote("127.0.0.1", port=2),
        remote("127.0.0.1", port=3),
    ):
        await side.ice.add_remote_candidate(candidate)
    assert [each.port for each in side.ice.remote_candidates] == [1, 2]
    await side.ice.add_remote_candidate(None)
    await side.ice.add_remote_candidate(None)
    await side.ice.add_remote_candidate(remote("127.0.0.1", port=4))
    await side.ice.close()
    await side.ice.add_remote_candidate(remote("127.0.0.1", port=5))
    assert len(side.ice.remote_candidates) == 2


async def test_data_goes_both_ways() -> None:
    async with two() as (one, other):
        await one.learns(other)
        await connect(one, other)
        one.ice.send_now(b"\x80there")
        other.ice.send_now(b"\x80back")
        await until(lambda: bool(one.data and other.data))
        assert (one.data, other.data) == ([b"\x80back"], [b"\x80there"])


async def test_what_cannot_be_sent_is_lost_and_nothing_raises() -> None:
    async with two() as (one, other):
        one.ice.send_now(b"before it is connected")
        await one.learns(other)
        await connect(one, other)
        socket_ = first_socket(one)
        socket_.transport.abort()
        one.ice.send_now(b"the socket is going")
        await socket_.close()
        one.ice.send_now(b"the socket is gone")
        await one.ice.close()
        one.ice.send_now(b"it is closed")


async def test_an_idle_path_shows_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "PROBE_INTERVAL", 0.01)
    async with two() as (one, other):
        await one.learns(other)
        await connect(one, other)
        for side in (one, other):
            first = side.ice.consent
            assert first is not None
            heard_at = first.heard_at
            await until(lambda first=first, heard_at=heard_at: first.heard_at > heard_at + 0.03)  # type: ignore[misc]
            assert first.rtt is not None
            assert 0 < first.rtt < 0.2


async def test_a_path_whose_other_end_is_gone_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "PROBE_INTERVAL", 0.01)
    async with two() as (one, other):
        await one.learns(other)
        await connect(one, other)
        await other.ice.close()
        assert one.ice.consent is not None
        heard_at = one.ice.consent.heard_at
        due = one.ice.consent.probe_at
        await until(lambda: one.ice.consent is not None and one.ice.consent.probe_at > due + 0.05)
        assert one.ice.consent.heard_at == heard_at


async def test_both_sides_end_on_the_pair_of_the_controlling_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "PROBE_INTERVAL", 0.01)
    async with two(relays=True) as (controlling, controlled):
        await controlling.learns(controlled)
        await controlled.learns(controlling)
        await connect(controlling, controlled)

        def is_one_pair() -> bool:
            here, there = nominated(controlling), nominated(controlled)
            return (here.local_addr, here.remote_addr) == (there.remote_addr, there.local_addr)

        await until(is_one_pair)


async def test_no_datagram_raises() -> None:
    async with two() as (one, other):
        await one.learns(other)
        await connect(one, other)
        socket_ = first_socket(one)
        for datagram in (
            b"",
            b"\x00",
            b"\x00\x01\x00\x08\x21\x12\xa4\x42" + b"x" * 12 + b"\x00\x24\x00\x02\x00\x00\x00\x00",
            b"\x01\x01\x00\x08\x21\x12\xa4\x42" + b"x" * 12 + b"\x00\x09\x00\x04\x00\x00\x04\x01",
        ):
            socket_.datagram_received(datagram, ("127.0.0.1", 9))


async def test_the_route_is_told() -> None:
    async with two() as (one, other):
        assert one.ice.route() is None
        await one.learns(other)
        await connect(one, other)
        route = one.ice.route()
        assert route is not None
        assert (route.kind, route.protocol, route.local, route.family) == ("direct", "udp", "host", 4)
        assert one.ice.local_addresses() == {"127.0.0.1"}
