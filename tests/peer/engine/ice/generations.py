"""IceConnections on loopback without anything above them, and a STUN server that can be told what to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aioice import Candidate, stun
from aioice.ice import CandidatePair, StunProtocol

from peer.engine.ice.connection import IceConnection
from peer.engine.ice.policy import IcePolicy
from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.sockets import open_socket
from peer.facts import Trouble

LOOPBACK = IcePolicy(addresses=("127.0.0.0/8",), loopback=True)


class Generation:
    """A connection, and what it has told."""

    def __init__(
        self, *, controlling: bool, policy: IcePolicy = LOOPBACK, servers: tuple[ServerAddress, ...] = ()
    ) -> None:
        self.data: list[bytes] = []
        self.found: list[Candidate | None] = []
        self.troubles: list[Trouble] = []
        self.ice = IceConnection(
            servers,
            policy,
            ice_controlling=controlling,
            received=self.data.append,
            found=lambda generation, candidate: self.found.append(candidate),
            troubled=self.troubles.append,
        )

    def knows(self, other: Generation) -> None:
        self.ice.remote_username = other.ice.local_username
        self.ice.remote_password = other.ice.local_password

    async def learns(self, other: Generation, *types: str) -> None:
        """All candidates of the other side, or those of some types."""
        for candidate in other.ice.local_candidates:
            if not types or candidate.type in types:
                await self.ice.add_remote_candidate(candidate)

    async def add_relay(self) -> None:
        """A socket of this machine that plays a relay: what counts is what its candidate says."""
        protocol = await open_socket(self.ice, "127.0.0.1", None)
        assert protocol is not None
        protocol.local_candidate = Candidate(
            foundation="relay",
            component=1,
            transport="udp",
            priority=1,
            host="127.0.0.1",
            port=protocol.transport.get_extra_info("sockname")[1],
            type="relay",
        )
        self.ice._protocols.append(protocol)
        self.ice._local_candidates.append(protocol.local_candidate)


@asynccontextmanager
async def two(
    policy: IcePolicy = LOOPBACK, *, relays: bool = False
) -> AsyncIterator[tuple[Generation, Generation]]:
    """The controlling one and the controlled one, gathered, who know each other's credentials."""
    sides = Generation(controlling=True, policy=policy), Generation(controlling=False, policy=policy)
    try:
        for side, other in (sides, sides[::-1]):
            side.knows(other)
            await side.ice.gather_candidates()
            if relays:
                await side.add_relay()
        yield sides
    finally:
        async with asyncio.timeout(5):
            await asyncio.gather(*(side.ice.close() for side in sides))


async def connect(*sides: Generation) -> None:
    async with asyncio.timeout(10):
        await asyncio.gather(*(side.ice.connect() for side in sides))


async def until(is_so: Callable[[], bool]) -> None:
    """Lets the event loop turn until something has come about in it."""
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 # there is nobody who could tell
            await asyncio.sleep(0)


def pairs(side: Generation) -> list[CandidatePair]:
    """All that it checks, which aioice shows nobody."""
    return side.ice._check_list


def states(side: Generation) -> list[CandidatePair.State]:
    return [pair.state for pair in pairs(side)]


def first_socket(side: Generation) -> StunProtocol:
    return side.ice._protocols[0]


def nominated(side: Generation) -> CandidatePair:
    pair = side.ice.nominated
    assert pair is not None
    return pair


class StunServer(asyncio.DatagramProtocol):
    """Answers with ``mapped``; when that is None, never."""

    def __init__(self, mapped: tuple[str, int] | None) -> None:
        self.mapped = mapped
        self.asked = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        if self.mapped is None:
            return
        request = stun.parse_message(data)
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = self.mapped
        self.transport.sendto(bytes(response), addr)


@asynccontextmanager
async def stun_server(mapped: tuple[str, int] | None) -> AsyncIterator[tuple[StunServer, str]]:
    """The server and its url."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: StunServer(mapped), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server, f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()
