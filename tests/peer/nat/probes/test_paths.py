"""Sizes, lifetimes and hops on loopback, where everything gets through and nothing is in between."""

from __future__ import annotations

import pytest
from aioice import stun

from peer.nat import stun_socket
from peer.nat.probes import binding
from peer.nat.probes.binding import probe_lifetime
from peer.nat.probes.hops import probe_hops
from peer.nat.probes.interfaces import interfaces_of, probe_interfaces
from peer.nat.probes.size import WHOLE, probe_size
from peer.nat.stun_codec import RESPONSE_PORT, packed, padding, read_answer, response_port
from peer.nat.stun_socket import Address
from tests.peer.nat.probes.stun_servers import two_addresses


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback an answer that is not there at once does not come."""
    monkeypatch.setattr(stun_socket, "SEND_EVERY", 0.05)
    monkeypatch.setattr(binding, "SEND_EVERY", 0.05)


async def test_large_datagrams_come_back_with_and_without_fragments() -> None:
    async with two_addresses() as server:
        test = await probe_size(server.primary)
        assert test is not None
        assert (test.fragments, test.largest) == (True, WHOLE[0])


async def test_a_server_that_takes_no_large_datagrams_is_no_measure() -> None:
    async with two_addresses() as server:
        server.spoil = lambda request, answer, asked: None
        assert await probe_size(server.primary) is None


async def test_a_mapping_that_outlives_the_test_has_no_end() -> None:
    async with two_addresses() as server:
        server.follows_response_port = True
        passed: list[float] = []
        test = await probe_lifetime(server.primary, (0.05, 0.1), passed.append)
        assert test is not None
        assert (test.alive_after, test.gone_after) == (0.1, None)
        assert passed
        assert passed == sorted(passed)


async def test_a_mapping_that_goes_is_seen_between_two_steps() -> None:
    async with two_addresses() as server:
        server.follows_response_port = True
        answers = 0

        def spoil(request: stun.Message, answer: stun.Message, asked: Address) -> bytes | None:
            nonlocal answers
            answers += 1
            return bytes(answer) if answers <= 6 else None

        server.spoil = spoil
        # Four sockets ask, one answer shows that it can be done at all, the first step is the sixth.
        test = await probe_lifetime(server.primary, (0.02, 0.04, 0.06), lambda passed: None)
        assert test is not None
        assert (test.alive_after, test.gone_after) == (0.02, 0.04)


async def test_a_server_that_answers_only_who_has_asked_cannot_measure_a_lifetime() -> None:
    async with two_addresses() as server:
        assert await probe_lifetime(server.primary, (0.05,), lambda passed: None) is None


async def test_there_is_no_router_on_the_way_to_this_machine() -> None:
    async with two_addresses() as server:
        assert await probe_hops(server.primary) == []


def test_attributes_stand_behind_those_that_the_codec_knows() -> None:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    data = packed(request, [response_port(4_000), padding(5)])
    assert len(data) == 20 + 8 + 4 + 8
    assert stun.parse_message(data).transaction_id == request.transaction_id
    assert data[20:28] == RESPONSE_PORT.to_bytes(2, "big") + b"\0\4" + (4_000).to_bytes(2, "big") + b"\0\0"
    assert read_answer(data) is None, "a question is no answer"


def test_interfaces_have_a_scope_and_loopback_is_none() -> None:
    class Address:
        def __init__(self, ip: str | tuple[str, int, int]) -> None:
            self.ip = ip

    class Adapter:
        name = nice_name = "eth0"
        ips = (
            Address("192.168.1.2"),
            Address(("fe80::1", 0, 2)),
            Address("127.0.0.1"),
            Address("100.64.0.1"),
        )

    found = interfaces_of([Adapter()])
    assert [(it.address, it.family, it.scope) for it in found] == [
        ("192.168.1.2", 4, "private"),
        ("fe80::1", 6, "link-local"),
        ("100.64.0.1", 4, "shared"),
    ]
    assert all(it.scope != "loopback" for it in probe_interfaces())
