"""A real coturn is asked for a relay: what is said when it works, and when it does not."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from peer.engine.ice.servers import ServerAddress, parse_server
from peer.nat.audit.plan import rest_credentials
from peer.nat.observations import TurnAnswer
from peer.nat.probes.turn import probe_turn
from tests.end_to_end.coturn import PASSWORD, SECRET, USER, coturn

pytestmark = pytest.mark.end_to_end

TIMEOUT = 5.0


async def probe(
    url: str, username: str = USER, password: str = PASSWORD, tls: ssl.SSLContext | None = None
) -> TurnAnswer:
    server = parse_server(url, username, password)
    assert isinstance(server, ServerAddress)
    began = time.monotonic()
    answer = await probe_turn(server, TIMEOUT, tls)
    assert time.monotonic() - began < TIMEOUT + 0.5
    return answer


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_datagram_comes_back_through_the_relay(tmp_path: Path, transport: str) -> None:
    async with coturn(tmp_path) as server:
        answer = await probe(server.url(transport), tls=server.trust)
    assert answer.trouble == ""
    assert answer.permitted is True
    assert answer.echo_rtt is not None
    assert answer.relayed.startswith("127.0.0.1:")
    assert answer.transport == transport


async def test_no_relay_stays_behind(tmp_path: Path) -> None:
    """Of one user at a time this server gives one."""
    async with coturn(tmp_path, "--user-quota=1") as server:
        for _ in range(3):
            answer = await probe(server.url("tcp"))
            assert answer.echo_rtt is not None, answer.trouble


async def test_a_server_that_forbids_its_own_address_is_told(tmp_path: Path) -> None:
    async with coturn(tmp_path, "--denied-peer-ip=127.0.0.1") as server:
        answer = await probe(server.url())
    assert answer.permitted is False
    assert "allowed-peer-ip" in answer.trouble


async def test_wrong_and_expired_credentials_are_told_apart(tmp_path: Path) -> None:
    async with coturn(tmp_path, secret=True) as server:
        now = int(time.time())
        right = await probe(server.url(), *rest_credentials(SECRET, "ana", now + 600))
        wrong = await probe(server.url(), f"{now + 600}:ana", "wrong")
        expired = await probe(server.url(), *rest_credentials(SECRET, "ana", now - 60))
    assert right.echo_rtt is not None
    assert wrong.code == expired.code == 401
    assert "compare its secret" in wrong.trouble
    assert "have expired" in expired.trouble


async def test_what_is_wrong_with_a_certificate_is_told(tmp_path: Path) -> None:
    async with coturn(tmp_path) as server:
        untrusted = await probe(server.url("tls"))
        # The certificate is for localhost and 127.0.0.1.
        other_name = await probe(f"turns:127.1:{server.tls_port}", tls=server.trust)
    for answer in (untrusted, other_name):
        assert answer.code == 0
        assert "certificate is not trusted" in answer.trouble
    assert "self-signed" in untrusted.trouble
    assert "127.1" in other_name.trouble
