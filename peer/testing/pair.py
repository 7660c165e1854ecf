"""Two peers in one program: real WebRTC between them, and no server.

async with pair() as (ben, ada):      # as Ada sees Ben, and as Ben sees Ada
    moves = await ben.open("moves", LATEST)
    await moves.send(b"left")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from peer.engine.ice.policy import IcePolicy
from peer.remote_peer import RemotePeer
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import PeerUpdated
from signaling.protocol.parts import Capabilities, IceServer, Peer
from signaling.protocol.signals import PeerPayload

CAPABILITIES = Capabilities(engine="aiortc", ice_restart=True, trickle=True, media=True)


class Wire:
    """Takes the signals of one side to the other, in order; while it is cut they wait."""

    def __init__(self) -> None:
        self.to: RemotePeer | None = None
        self._waiting: list[PeerPayload] = []
        self._is_cut = False

    def carry(self, payload: PeerPayload) -> None:
        self._waiting.append(payload)
        asyncio.get_running_loop().call_soon(self._deliver)

    def cut(self) -> None:
        self._is_cut = True

    def mend(self) -> None:
        self._is_cut = False
        self._deliver()

    def _deliver(self) -> None:
        while self._waiting and not self._is_cut and self.to is not None:
            self.to.receive(msgspec.Raw(msgspec.msgpack.encode(self._waiting.pop(0))))


class Signaling:
    """What stands between the two in place of a server."""

    def __init__(self, peers: tuple[RemotePeer, RemotePeer], wires: tuple[Wire, Wire]) -> None:
        self._peers = peers
        self._wires = wires

    def cut(self) -> None:
        """No signal gets through; both sides see the other as away."""
        for wire in self._wires:
            wire.cut()
        self._show(away=True)

    def mend(self) -> None:
        """What was said meanwhile arrives."""
        for wire in self._wires:
            wire.mend()
        self._show(away=False)

    def _show(self, *, away: bool) -> None:
        for peer in self._peers:
            peer.update(PeerUpdated("default/pair", peer.id, peer.name, peer.metadata, away))


@asynccontextmanager
async def pair(
    *,
    names: tuple[str, str] = ("ada", "ben"),
    ice_servers: tuple[IceServer, ...] = (),
    policy: IcePolicy | None = None,
) -> AsyncIterator[tuple[RemotePeer, RemotePeer]]:
    """Connect two; yields the second as the first sees it, and the first as the second does.

    Both are closed at the end. They connect over loopback where there is no other network.
    """
    async with pair_with_signaling(names=names, ice_servers=ice_servers, policy=policy) as (there, here, _):
        yield there, here


@asynccontextmanager
async def pair_with_signaling(
    *,
    names: tuple[str, str] = ("ada", "ben"),
    ice_servers: tuple[IceServer, ...] = (),
    policy: IcePolicy | None = None,
) -> AsyncIterator[tuple[RemotePeer, RemotePeer, Signaling]]:
    """As :func:`pair`, with a third: the signaling between them, which can be cut and mended."""
    wires = Wire(), Wire()

    def remote(name: str, me: str, *, you_offer: bool, wire: Wire) -> RemotePeer:
        return RemotePeer(
            Peer(PeerId(name), name, capabilities=CAPABILITIES, you_offer=you_offer),
            me=PeerId(me),
            ice_servers=list(ice_servers),
            policy=policy or IcePolicy(),
            send=wire.carry,
            changed=lambda peer, before: None,
        )

    one, other = names
    there = remote(other, one, you_offer=True, wire=wires[0])
    here = remote(one, other, you_offer=False, wire=wires[1])
    wires[0].to, wires[1].to = here, there
    try:
        there.start()
        here.start()
        yield there, here, Signaling((there, here), wires)
    finally:
        await asyncio.gather(there.close(), here.close())
