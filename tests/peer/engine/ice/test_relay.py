"""Relays whose server does what it likes: who uses one is told, and nothing is raised or left behind."""

from __future__ import annotations

import asyncio
import struct

import pytest
from aioice.stun import Class, Message, Method

from peer.engine.ice import relay as module
from peer.engine.ice.allocation import relayed
from tests.peer.engine.ice.generations import until
from tests.peer.engine.ice.turn_server import PEER, USER, Receiver, relay, turn_server

BOTH = pytest.mark.parametrize("transport", ["udp", "tcp"])


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that give no time are asked again at once, and those that are silent not waited for."""
    monkeypatch.setattr(module, "MIN_RENEWAL", 0.0)
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.05)


@BOTH
async def test_what_is_sent_and_received_goes_over_a_channel(transport: str) -> None:
    async with turn_server(transport=transport) as (server, url), relay(url) as asked:
        for number in range(3):
            asked.send(bytes([number]) * 4)
        await until(lambda: len(server.data) == 3)
        assert server.data == [b"\0" * 4, b"\1" * 4, b"\2" * 4]
        asked.send(b"more")
        await until(lambda: len(server.data) == 4)
        (bound,) = server.asked(Method.CHANNEL_BIND)
        assert bound.attributes["XOR-PEER-ADDRESS"] == PEER
        server.send(struct.pack("!HH", bound.attributes["CHANNEL-NUMBER"], 4) + b"back")
        await until(lambda: asked.receiver.received == [b"back"])


async def test_a_relay_is_given_back_with_its_connection() -> None:
    async with turn_server() as (server, url), relay(url) as asked:
        assert asked.protocol is not None
        assert asked.protocol.base == "127.0.0.1"
        await asked.protocol.close()
        assert [each.attributes["LIFETIME"] for each in server.asked(Method.REFRESH)] == [0]
        await asked.protocol.close()
        asked.send(b"too late")
        assert asked.lost == []


async def test_a_relay_is_renewed_as_long_as_it_is_used() -> None:
    async with turn_server() as (server, url):
        server.lifetime = 0
        async with relay(url) as asked:
            await until(lambda: len(server.asked(Method.REFRESH)) >= 3)
            assert {each.attributes["USERNAME"] for each in server.requests} == {USER}
            assert asked.lost == []


async def test_a_renewal_that_is_refused_is_told_with_its_reason() -> None:
    async with turn_server() as (server, url):
        server.lifetime = 0
        server.refuses[Method.REFRESH] = (437, "Allocation Mismatch")
        async with relay(url) as asked:
            await until(lambda: bool(asked.lost))
            (trouble,) = asked.lost
            assert (trouble.url, trouble.code) == (url.url, 437)
            assert trouble.text.startswith("the relay is gone: ")
            asked.send(b"into nothing")


async def test_a_server_over_udp_that_is_gone_is_noticed_when_something_is_sent() -> None:
    async with turn_server() as (server, url), relay(url) as asked:
        server.transport.close()
        await asyncio.sleep(0)
        asked.send(b"hello?")
        await until(lambda: bool(asked.lost))
        assert asked.lost[0].code == 701
        assert "nobody listens" in asked.lost[0].text


async def test_a_server_over_tcp_that_hangs_up_is_noticed_at_once() -> None:
    async with turn_server(transport="tcp") as (server, url), relay(url) as asked:
        server.transport.abort()
        await until(lambda: bool(asked.lost))
        assert "closed the connection" in asked.lost[0].text


async def test_a_server_that_hangs_up_instead_of_answering_is_not_waited_for() -> None:
    async with turn_server(transport="tcp") as (server, url):
        server.accept = lambda request: server.transport.abort()  # type: ignore[method-assign] # a fake may
        async with relay(url) as asked:
            assert asked.trouble is not None
            assert "closed the connection" in asked.trouble.text


async def test_one_that_is_given_up_says_goodbye_so_that_no_quota_is_used_up() -> None:
    async with turn_server() as (server, url):
        server.ignores.add(Method.ALLOCATE)
        asking = asyncio.create_task(relayed(Receiver(), url, 5.0, lost=pytest.fail))
        await until(lambda: bool(server.asked(Method.ALLOCATE)))
        asking.cancel()
        await until(lambda: bool(server.asked(Method.REFRESH)))
        assert server.requests[-1].attributes["LIFETIME"] == 0
        assert asking.cancelled()
        assert len(asyncio.all_tasks()) == 1


async def test_giving_back_to_a_silent_server_does_not_hang() -> None:
    async with turn_server() as (server, url):
        server.ignores.add(Method.REFRESH)
        async with asyncio.timeout(5), relay(url) as asked:
            pass
        assert asked.lost == []
        assert len(asyncio.all_tasks()) == 1


async def test_only_a_few_datagrams_wait_for_a_channel() -> None:
    async with turn_server() as (server, url):
        server.ignores.add(Method.CHANNEL_BIND)
        async with relay(url) as asked:
            for number in range(100):
                asked.send(bytes([number]))
            await until(lambda: bool(server.asked(Method.CHANNEL_BIND)))
            server.accept(server.asked(Method.CHANNEL_BIND)[0])
            await until(lambda: len(server.data) == module.MAX_WAITING)
            assert server.data[-1] == bytes([99])
            assert len(server.asked(Method.CHANNEL_BIND)) == 1


async def test_a_peer_that_the_server_refuses_is_a_path_that_carries_nothing() -> None:
    async with turn_server() as (server, url):
        server.refuses[Method.CHANNEL_BIND] = (403, "Forbidden IP")
        async with relay(url) as asked:
            asked.send(b"hello?")
            await asked.round_trip()
            asked.send(b"hello?")
            await asked.round_trip()
            asked_for = [each.attributes["XOR-PEER-ADDRESS"] for each in server.asked(Method.CHANNEL_BIND)]
            assert asked_for.count(PEER) == 1, "not asked again at once"
            assert (server.data, asked.lost) == ([], [])
            assert asked.protocol is not None
            assert asked.protocol.allocation.denied == {PEER}


@pytest.mark.parametrize("code", [400, 437])
async def test_a_channel_that_is_refused_because_the_relay_is_gone_has_it_told(code: int) -> None:
    async with turn_server() as (server, url):
        server.refuses[Method.CHANNEL_BIND] = (code, "")
        server.refuses[Method.REFRESH] = (437, "Allocation Mismatch")
        async with relay(url) as asked:
            asked.send(b"hello?")
            await until(lambda: bool(asked.lost))
            assert asked.lost[0].code == 437


async def test_a_channel_that_is_refused_for_itself_takes_no_relay_along() -> None:
    async with turn_server() as (server, url):
        server.refuses[Method.CHANNEL_BIND] = (400, "")
        async with relay(url) as asked:
            asked.send(b"hello?")
            await until(lambda: bool(server.asked(Method.REFRESH)))
            await asked.round_trip()
            assert asked.lost == []


async def test_a_channel_is_renewed_while_data_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_CHANNEL_AFTER", 0.0)
    async with turn_server() as (server, url), relay(url) as asked:
        asked.send(b"one")
        await until(lambda: server.data == [b"one"])
        server.ignores.add(Method.CHANNEL_BIND)
        asked.send(b"two")
        asked.send(b"three")
        await until(lambda: len(server.asked(Method.CHANNEL_BIND)) == 2)
        await until(lambda: server.data == [b"one", b"two", b"three"])


async def test_there_is_an_end_to_the_peers_of_one_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHANNELS", 3)
    async with turn_server() as (server, url), relay(url) as asked:
        for number in range(5):
            asked.send(bytes([number]), ("192.0.2.7", 1 + number))
        await until(lambda: len(server.data) == 3)
        assert len(server.asked(Method.CHANNEL_BIND)) == 3


async def test_a_connection_that_does_not_move_takes_no_more_than_its_buffer() -> None:
    async with turn_server(transport="tcp") as (server, url), relay(url) as asked:
        asked.send(b"bind")
        await until(lambda: server.data == [b"bind"])
        server.transport.pause_reading()
        for _ in range(20_000):
            asked.send(bytes(1000))
        server.transport.resume_reading()
        asked.send(b"last")
        await until(lambda: server.data[-1] != b"bind")
        async with asyncio.timeout(5):
            while True:
                count = len(server.data)
                await asked.round_trip()
                if len(server.data) == count:
                    break
        assert count < 15_000


@BOTH
async def test_nonsense_from_a_server_raises_nothing(transport: str) -> None:
    odd = Message(Method.BINDING, Class.INDICATION)
    odd.attributes["LIFETIME"] = 1
    broken = bytes(odd)[:20] + b"\x00\x0d\x00\x02\x00\x00\x00\x00"  # a LIFETIME of two bytes
    broken = broken[:2] + struct.pack("!H", 8) + broken[4:]
    async with turn_server(transport=transport) as (server, url), relay(url) as asked:
        server.send(broken)
        server.send(struct.pack("!HH", 0x4777, 4) + b"whom")
        asked.send(b"still there")
        await until(lambda: server.data == [b"still there"])
        assert (asked.receiver.received, asked.lost) == ([], [])
