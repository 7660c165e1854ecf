"""What real STUN and TURN servers say, good and bad, and whether a person can act on it."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioice import Candidate, Connection
from aioice.mdns import create_mdns_hostname, create_mdns_protocol

from peer.engine.ice import relay
from peer.engine.ice.allocation import reflexive, relayed
from peer.engine.ice.mdns import resolve
from peer.engine.ice.servers import ServerAddress, parse_server
from peer.facts import Trouble
from signaling.config import Ice, TurnServers
from signaling.turn import Turn
from tests.end_to_end.coturn import PASSWORD, SECRET, USER, Coturn, coturn, given_back
from tests.peer.engine.ice.turn_server import Receiver

pytestmark = pytest.mark.end_to_end

TIMEOUT = 5.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Coturn]:
    async with coturn(tmp_path) as running:
        yield running


def address(url: str, user: str = USER, password: str = PASSWORD) -> ServerAddress:
    parsed = parse_server(url, user, password)
    assert isinstance(parsed, ServerAddress)
    return parsed


async def ask(
    server: ServerAddress,
    coturn: Coturn | None = None,
    timeout: float = TIMEOUT,
    lost: list[Trouble] | None = None,
) -> Candidate | Trouble:
    """Allocate a relay and give it back."""
    connection = Connection(ice_controlling=True)
    answer = await relayed(
        connection,
        server,
        timeout,
        lost=(lost if lost is not None else []).append,
        tls=None if coturn is None else coturn.trust,
    )
    return await given_back(answer)


@asynccontextmanager
async def host_socket() -> AsyncIterator[Connection]:
    connection = Connection(ice_controlling=True)
    await connection.get_component_candidates(1, ["127.0.0.1"])
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_relay_is_given_over_udp_tcp_and_tls(server: Coturn, transport: str) -> None:
    candidate = await ask(address(server.url(transport)), server)
    assert isinstance(candidate, Candidate)
    assert (candidate.type, candidate.host) == ("relay", "127.0.0.1")


async def test_a_stun_server_says_how_a_socket_looks_from_there(server: Coturn) -> None:
    async with host_socket() as connection:
        found = await reflexive(connection._protocols[0], address(f"stun:127.0.0.1:{server.port}"), TIMEOUT)
        assert isinstance(found, Candidate)
        assert (found.type, found.port) == ("srflx", connection._protocols[0].local_candidate.port)


async def test_a_wrong_password_is_told_as_such(server: Coturn) -> None:
    trouble = await ask(address(f"turn:127.0.0.1:{server.port}", password="wrong"))
    assert isinstance(trouble, Trouble)
    assert trouble.code == 401
    assert "credentials" in trouble.text


async def test_credentials_from_a_shared_secret_are_good_until_their_end(tmp_path: Path) -> None:
    async with coturn(tmp_path, secret=True) as server:
        url = f"turn:127.0.0.1:{server.port}"
        turn = Turn(Ice(turn=[TurnServers([url], [SECRET])], turn_lifetime=600.0))
        for unix_now, expected in ((_unix_now(), Candidate), (_unix_now() - 700, Trouble)):
            (made,) = turn.servers("ada", unix_now)
            answer = await ask(address(url, made.username, made.credential))
            assert isinstance(answer, expected)
        assert isinstance(answer, Trouble)
        assert answer.code == 401
        assert "have expired: ask for new ones" in answer.text


async def test_an_allocation_outlives_the_credentials_that_it_was_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MIN_RENEWAL", 1.0)
    monkeypatch.setattr(relay, "LIFETIME", 3)
    async with coturn(tmp_path, "--max-allocate-lifetime=3", secret=True) as server:
        turn = Turn(Ice(turn=[TurnServers([server.url()], [SECRET])], turn_lifetime=600.0))
        (made,) = turn.servers("ada", _unix_now() - 598)
        where = address(server.url(), made.username, made.credential)
        lost: list[Trouble] = []
        answer = await relayed(Connection(ice_controlling=True), where, TIMEOUT, lost=lost.append)
        assert not isinstance(answer, Trouble)
        await asyncio.sleep(5)
        assert lost == []
        trouble = await ask(where)
        assert isinstance(trouble, Trouble)
        assert "expired" in trouble.text
        await answer[1].close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_data_goes_from_relay_to_relay(server: Coturn, transport: str) -> None:
    sides = []
    for _ in range(2):
        receiver = Receiver()
        where = address(server.url(transport))
        answer = await relayed(receiver, where, TIMEOUT, lost=pytest.fail, tls=server.trust)
        assert not isinstance(answer, Trouble)
        sides.append((receiver, *answer))
    (here, ours, ourselves), (there, theirs, themselves) = sides
    # Each must have spoken first, so that the server lets the other one in.
    for turn in range(40):
        ourselves.transport.sendto(b"from here %d" % turn, (theirs.host, theirs.port))
        themselves.transport.sendto(b"from there %d" % turn, (ours.host, ours.port))
        await asyncio.sleep(0.05)
        if len(here.received) > 9 and len(there.received) > 9:
            break
    assert here.received[-1].startswith(b"from there")
    assert there.received[-1].startswith(b"from here")
    await asyncio.gather(ourselves.close(), themselves.close())


async def test_a_peer_that_the_server_does_not_send_to_costs_only_that_path(tmp_path: Path) -> None:
    async with coturn(tmp_path, "--denied-peer-ip=192.0.2.0-192.0.2.255") as server:
        lost: list[Trouble] = []
        receiver = Receiver()
        answer = await relayed(receiver, address(server.url()), TIMEOUT, lost=lost.append)
        assert not isinstance(answer, Trouble)
        candidate, protocol = answer
        for _ in range(10):
            protocol.transport.sendto(b"hello?", ("192.0.2.77", 9))
            protocol.transport.sendto(b"hello, me", (candidate.host, candidate.port))
            await asyncio.sleep(0.05)
        assert receiver.received[0] == b"hello, me"
        assert lost == []
        await protocol.close()


async def test_a_certificate_that_is_not_trusted_is_told_as_such(server: Coturn) -> None:
    trouble = await ask(address(f"turns:localhost:{server.tls_port}"))
    assert isinstance(trouble, Trouble)
    assert trouble.code == 0
    assert "certificate" in trouble.text


async def test_a_quota_that_is_used_up_is_told_as_such(tmp_path: Path) -> None:
    async with coturn(tmp_path, "--user-quota=1") as server:
        where = address(f"turn:127.0.0.1:{server.port}")
        first = await relayed(Connection(ice_controlling=True), where, TIMEOUT, lost=[].append)
        assert not isinstance(first, Trouble)
        trouble = await ask(where)
        assert isinstance(trouble, Trouble)
        assert trouble.code == 486
        await first[1].close()


async def test_a_port_where_nobody_listens_is_told_at_once_and_a_silent_one_after_a_while() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        for url in (f"turn:127.0.0.1:{port}", f"turn:127.0.0.1:{port}?transport=tcp"):
            trouble = await ask(address(url), timeout=0.3)
            assert isinstance(trouble, Trouble)
            assert trouble.code == 701
        async with host_socket() as connection:
            found = await reflexive(connection._protocols[0], address(f"stun:127.0.0.1:{port}"), 0.3)
            assert isinstance(found, Trouble)
            assert "answer" in found.text


async def test_a_name_that_is_nobodys_is_told_as_such() -> None:
    trouble = await ask(address("turn:nobody.invalid"), timeout=10.0)
    assert isinstance(trouble, Trouble)
    assert trouble.code == 701


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_giving_a_relay_back_to_a_server_that_is_gone_takes_no_longer_than_a_second(
    server: Coturn, transport: str
) -> None:
    lost: list[Trouble] = []
    where = address(f"turn:127.0.0.1:{server.port}?transport={transport}")
    answer = await relayed(Connection(ice_controlling=True), where, TIMEOUT, lost=lost.append)
    assert not isinstance(answer, Trouble)
    await server.kill()
    async with asyncio.timeout(1.5):
        await answer[1].close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_relay_whose_server_dies_is_told_as_lost(server: Coturn, transport: str) -> None:
    lost: asyncio.Queue[Trouble] = asyncio.Queue()
    where = address(server.url(transport))
    receiver = Connection(ice_controlling=True)
    answer = await relayed(receiver, where, TIMEOUT, lost=lost.put_nowait, tls=server.trust)
    assert not isinstance(answer, Trouble)
    await server.kill()
    # Over UDP it shows with the next thing that is sent.
    answer[1].transport.sendto(b"hello?", ("127.0.0.1", 9))
    async with asyncio.timeout(5):
        trouble = await lost.get()
    assert (trouble.url, trouble.code) == (where.url, 701)
    assert trouble.text.startswith("the relay is gone: ")
    await answer[1].close()


async def test_a_name_of_the_local_network_has_an_address() -> None:
    somebody = await create_mdns_protocol()
    try:
        name = create_mdns_hostname()
        await somebody.publish(name, "192.0.2.7")
        assert await resolve(name) == "192.0.2.7"
    finally:
        await somebody.close()


@pytest.mark.needs("unshare")
async def test_a_machine_without_a_network_knows_no_names_and_raises_nothing() -> None:
    asking = (
        "import asyncio; from peer.engine.ice.mdns import resolve; print(asyncio.run(resolve('a.local')))"
    )
    process = await asyncio.create_subprocess_exec(
        "unshare", "--user", "--map-root-user", "--net", sys.executable, "-Werror", "-Xdev", "-c", asking,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (out, err) == (b"None\n", b"")


async def test_one_that_is_given_up_leaves_no_socket_behind() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        where = address(f"turn:127.0.0.1:{silent.getsockname()[1]}")
        before = _open_files()
        for _ in range(5):
            await ask(where, timeout=0.05)
        await asyncio.sleep(0)
        assert _open_files() <= before


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _unix_now() -> float:
    return time.time()
