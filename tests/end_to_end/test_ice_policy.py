"""Two peers over real relays, and what a policy forbids them: ports, addresses, direct paths."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiortc import RTCDataChannel

from peer.channels.kinds import RELIABLE
from peer.engine.ice.policy import IcePolicy
from peer.engine.ice.route import Route
from peer.engine.peer_connection import PeerConnection
from signaling.config import Ice, TurnServers
from signaling.protocol.parts import IceServer
from signaling.protocol.signals import IceCandidateInit
from signaling.turn import Turn
from tests.end_to_end.conftest import eventually
from tests.end_to_end.coturn import PASSWORD, SECRET, USER, Coturn, coturn
from tests.peer.engine.two import LOOPBACK, Two

pytestmark = pytest.mark.end_to_end

RELAY_ONLY = msgspec.structs.replace(LOOPBACK, relay_only=True)


class Talk:
    """A connection, and one channel over it."""

    def __init__(self, two: Two, lane: RTCDataChannel) -> None:
        self.two = two
        self.lane = lane
        self.received: list[object] = []
        self._number = 0

    async def message_arrives(self, within: float = 10.0) -> None:
        self._number += 1
        text = f"message {self._number}"
        self.lane.send(text)
        await eventually(lambda: text in self.received, f"{text} arrives", within)

    def route(self) -> Route:
        route = self.two.offerer.route()
        assert route is not None
        return route


@asynccontextmanager
async def talk(servers: list[IceServer], policy: IcePolicy) -> AsyncIterator[Talk]:
    two = Two(servers, policy)
    try:
        lane = two.offerer.make_lane("talk", RELIABLE, "test")
        await two.connect()
        await eventually(lambda: two.lanes and lane.readyState == "open", "the channel is open")
        talking = Talk(two, lane)
        two.lanes[0].on("message", talking.received.append)
        yield talking
    finally:
        await two.close()


def turn(*urls: str) -> IceServer:
    return IceServer(list(urls), USER, PASSWORD)


def addresses(text: str) -> list[tuple[str, int, str]]:
    """Host, port and type of each candidate in a description."""
    found = re.findall(r"candidate:\S+ 1 udp \d+ (\S+) (\d+) typ (\w+)", text)
    return [(host, int(port), kind) for host, port, kind in found]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_who_relays_everything_tells_nothing_of_his_own_addresses(
    tmp_path: Path, transport: str
) -> None:
    async with coturn(tmp_path) as server:
        policy = msgspec.structs.replace(RELAY_ONLY, tls=server.trust)
        async with talk([turn(server.url(transport))], policy) as talking:
            await talking.message_arrives()
            route = talking.route()
            assert (route.kind, route.protocol) == ("relayed", transport)
            for pc in (talking.two.offerer, talking.two.answerer):
                told = [each for each in talking.two.gathered(pc) if each is not None]
                (candidate,) = told
                assert [kind for _, _, kind in addresses(candidate.candidate)] == ["relay"]
                assert "raddr 0.0.0.0 rport 9" in candidate.candidate
            assert talking.two.troubles == []


async def test_direct_is_preferred_where_it_works(tmp_path: Path) -> None:
    async with coturn(tmp_path) as server, talk([turn(server.url())], LOOPBACK) as talking:
        assert talking.route().kind == "direct"


async def test_dead_servers_beside_good_ones_cost_a_sentence_and_no_connection(tmp_path: Path) -> None:
    async with coturn(tmp_path) as server:
        with socket.socket(type=socket.SOCK_DGRAM) as silent, socket.socket() as closed:
            silent.bind(("127.0.0.1", 0))
            closed.bind(("127.0.0.1", 0))
            mute, shut = silent.getsockname()[1], closed.getsockname()[1]
            servers = [
                IceServer([f"stun:127.0.0.1:{mute}", "stun:nobody.invalid"]),
                turn(f"turn:127.0.0.1:{mute}", f"turn:127.0.0.1:{shut}?transport=tcp", "turn:no url"),
                IceServer([f"stun:127.0.0.1:{server.port}"]),
                turn(server.url()),
            ]
            started = time.monotonic()
            async with talk(servers, RELAY_ONLY) as talking:
                assert time.monotonic() - started < 5
                await talking.message_arrives()
                assert talking.route().kind == "relayed"
                told = {(each.url, each.code) for each in talking.two.troubles}
                assert {("turn:no url", 0), (f"turn:127.0.0.1:{shut}?transport=tcp", 701)} <= told
                await eventually(
                    lambda: f"turn:127.0.0.1:{mute}" in {each.url for each in talking.two.troubles},
                    "the silent server is told",
                )


async def test_another_relay_is_found_when_the_server_of_the_first_dies(tmp_path: Path) -> None:
    one_path, other_path = tmp_path / "one", tmp_path / "other"
    one_path.mkdir()
    other_path.mkdir()
    async with (
        coturn(one_path) as one,
        coturn(other_path) as other,
        talk([turn(one.url("tcp")), turn(other.url("tcp"))], RELAY_ONLY) as talking,
    ):
        await talking.message_arrives()
        await _of(talking.two, one, other).kill()
        await eventually(lambda: talking.two.troubles, "the loss is told")
        assert talking.two.troubles[0].text.startswith("the relay is gone: ")
        await talking.two.restart()
        await talking.message_arrives(within=15.0)
        assert talking.two.states == ["connected", "connected"]


def _of(two: Two, one: Coturn, other: Coturn) -> Coturn:
    """The server whose relay the offerer uses."""
    active = two.offerer._ice.active if two.offerer._ice is not None else None
    assert active is not None
    assert active.nominated is not None
    server = active.relays.get(active.nominated.protocol)
    assert server is not None
    return one if server.port == one.port else other


async def test_a_restart_uses_the_credentials_of_the_day(tmp_path: Path) -> None:
    async with coturn(tmp_path, secret=True) as server:
        turn = Turn(Ice(turn=[TurnServers([server.url()], [SECRET])], turn_lifetime=600.0))
        soon_over = turn.servers("ada", time.time() - 597)
        async with talk(soon_over, RELAY_ONLY) as talking:
            await talking.message_arrives()
            await asyncio.sleep(4)
            await talking.message_arrives()
            assert talking.two.troubles == []
            for pc in (talking.two.offerer, talking.two.answerer):
                pc.use_servers(turn.servers("ada", time.time()))
            await talking.two.restart()
            await talking.message_arrives()
            assert talking.two.troubles == []


async def test_ports_stay_in_their_range_and_it_is_told_when_it_is_used_up() -> None:
    first = _free_range(2)
    policy = msgspec.structs.replace(LOOPBACK, port_range=(first, first + 1))
    async with talk([], policy) as talking:
        assert talking.route().kind == "direct"
        third = Two([], policy)
        offer = await third.offer()
        assert addresses(offer) == []
        assert [each.url for each in third.troubles] == [""]
        assert f"no UDP port from {first} to {first + 1} is free" in third.troubles[0].text
        await third.close()
    fourth = Two([], policy)
    assert {port for _, port, _ in addresses(await fourth.offer())} <= {first, first + 1}
    await fourth.close()


async def test_nothing_is_sent_to_an_address_that_the_policy_denies() -> None:
    policy = msgspec.structs.replace(LOOPBACK, deny=("127.0.0.9/32",))
    with listening("127.0.0.8") as allowed, listening("127.0.0.9") as denied:
        two = Two([], policy)
        try:
            await two.answerer.apply("offer", await two.offer())
            answer = await two.answerer.make_answer()
            # Somebody who has never been anywhere, but knows the right words.
            await two.answerer.close()
            await two.offerer.apply("answer", re.sub(r"a=(candidate|end-of-candidates).*\r\n", "", answer))
            for each in (allowed, denied):
                _tell_of(two.offerer, *each.getsockname())
            await eventually(lambda: _has_received(allowed), "the allowed address is tried")
            await asyncio.sleep(0.5)
            assert not _has_received(denied)
        finally:
            await two.close()


def listening(host: str) -> socket.socket:
    bound = socket.socket(type=socket.SOCK_DGRAM)
    bound.setblocking(False)
    bound.bind((host, 0))
    return bound


def _has_received(bound: socket.socket) -> bool:
    try:
        return bool(bound.recv(2000))
    except BlockingIOError:
        return False


def _tell_of(pc: PeerConnection, host: str, port: int) -> None:
    """As if the other side had announced it, with the best of priorities."""
    pc.add_candidate(IceCandidateInit(f"candidate:x 1 udp 2130706431 {host} {port} typ host", "0", 0))


def _free_range(count: int) -> int:
    """The first of several ports in a row that were free a moment ago, below those that systems give away."""
    for first in range(20_000, 32_000, count):
        sockets = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(count)]
        try:
            for number, each in enumerate(sockets):
                each.bind(("127.0.0.1", first + number))
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
        return first
    raise AssertionError("no ports are free")
