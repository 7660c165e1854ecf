"""Two engines that exchange descriptions and candidates, as a connection does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiortc import RTCDataChannel

from peer.engine.ice.policy import IcePolicy
from peer.engine.ice.transport import Transport
from peer.engine.peer_connection import PeerConnection
from peer.facts import Trouble
from peer.streams import Bell
from signaling.protocol.parts import IceServer
from signaling.protocol.signals import IceCandidateInit

LOOPBACK = IcePolicy(addresses=("127.0.0.0/8",), loopback=True)


def transport_of(pc: PeerConnection) -> Transport:
    """What is under it, which only tests may look at."""
    assert pc._ice is not None
    return pc._ice


class Two:
    def __init__(self, servers: list[IceServer] | None = None, policy: IcePolicy = LOOPBACK) -> None:
        self.states: list[str] = []
        self.troubles: list[Trouble] = []
        self.lanes: list[RTCDataChannel] = []
        """What the other side has made."""
        self._changed = Bell()
        self._gathered: dict[PeerConnection, list[IceCandidateInit | None]] = {}
        self._servers, self._policy = servers or [], policy
        self.offerer, self.answerer = self._make(), self._make()

    def _make(self) -> PeerConnection:
        pc = PeerConnection(
            self._servers,
            policy=self._policy,
            changed=self._tell,
            lane_made=self.lanes.append,
            gathered=lambda candidate: self._gathered_by(pc, candidate),
            troubled=self.troubles.append,
        )
        self._gathered[pc] = []
        return pc

    def _gathered_by(self, pc: PeerConnection, candidate: IceCandidateInit | None) -> None:
        self._gathered[pc].append(candidate)
        other = self.answerer if pc is self.offerer else self.offerer
        other.add_candidate(candidate)

    def gathered(self, pc: PeerConnection) -> list[IceCandidateInit | None]:
        return self._gathered[pc]

    def _tell(self, state: str) -> None:
        self.states.append(state)
        self._changed.ring()

    async def offer(self) -> str:
        self.offerer.make_control()
        return await self.offerer.make_offer()

    async def answer(self, offer: str) -> None:
        await self.answerer.apply("offer", offer)
        self.answerer.make_control()
        await self.offerer.apply("answer", await self.answerer.make_answer())

    async def connect(self) -> None:
        await self.answer(await self.offer())
        await self.connected()

    async def restart(self) -> None:
        """Another generation of ICE is described on both sides."""
        await self.answerer.apply("offer", await self.offerer.make_offer(restart=True))
        await self.offerer.apply("answer", await self.answerer.make_answer())

    async def connected(self) -> None:
        await self._until(lambda: self.states.count("connected") >= 2)

    async def failed(self) -> None:
        await self._until(lambda: "failed" in self.states)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                await self._changed.wait()

    async def close(self) -> None:
        await asyncio.gather(self.offerer.close(), self.answerer.close())
