from __future__ import annotations

import aioice
import pytest
from aioice.ice import TransportPolicy

from peer.engine.gathering import GatheringConnection, usable_servers
from signaling.protocol.messages import IceServer


async def hosts(policy: TransportPolicy) -> list[str]:
    connection = GatheringConnection(ice_controlling=True, transport_policy=policy)
    try:
        await connection.gather_candidates()
        return [candidate.host for candidate in connection.local_candidates]
    finally:
        await connection.close()


async def test_a_machine_without_a_network_has_its_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: [])
    assert await hosts(TransportPolicy.ALL) == ["127.0.0.1"]


async def test_who_wants_relays_only_gets_no_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: [])
    assert await hosts(TransportPolicy.RELAY) == []


async def test_a_machine_with_a_network_does_not_use_its_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    # 127.0.0.2 plays the network: tests stay on loopback.
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.2"])
    assert await hosts(TransportPolicy.ALL) == ["127.0.0.2"]


def test_servers_that_aiortc_cannot_read_are_left_out() -> None:
    servers = usable_servers(
        [
            IceServer(["stun:[::1]:3478", "http://example.org", "", "stun:x?transport=udp"]),
            IceServer(["nonsense", "turn:turn.example.org:3478?transport=udp"], "user", "secret"),
        ]
    )
    assert [(server.urls, server.username, server.credential) for server in servers] == [
        (["turn:turn.example.org:3478?transport=udp"], "user", "secret")
    ]


def test_without_servers_there_is_a_list_so_that_nobody_else_is_asked() -> None:
    assert usable_servers([]) == []


def test_it_is_aioices_own_connection() -> None:
    assert issubclass(GatheringConnection, aioice.Connection)
