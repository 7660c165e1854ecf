"""Our own gathering of candidates: within a time that a person waits, and on machines without a network."""

from __future__ import annotations

import asyncio

import aioice
from aioice.ice import TransportPolicy
from aiortc import RTCIceServer, rtcicetransport

from signaling.protocol.messages import IceServer

GATHER_TIMEOUT = 2
"""How long STUN and TURN servers may take; aioice itself waits 5 s, and nothing is sent before that.

Seconds, whole ones as in aioice. A TURN server behind TLS answers after five round trips.
"""
LOOPBACK_ADDRESSES = ["127.0.0.1"]


class GatheringConnection(aioice.Connection):
    """aioice's connection, with our limits."""

    _gathering: asyncio.Task[list[aioice.Candidate]] | None = None

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = GATHER_TIMEOUT
    ) -> list[aioice.Candidate]:
        # aioice leaves loopback out, so that a machine without any other interface has no candidates,
        # and its connection stays `new` for ever.
        if not addresses and self._transport_policy == TransportPolicy.ALL:
            addresses = LOOPBACK_ADDRESSES
        # One that is cancelled half-way would leave its sockets open: it goes on, and close() waits for it.
        self._gathering = asyncio.create_task(super().get_component_candidates(component, addresses, timeout))
        return await asyncio.shield(self._gathering)

    async def close(self) -> None:
        if self._gathering is not None:
            await asyncio.wait([self._gathering])
        await super().close()


def install() -> None:
    """Let aiortc's gatherers use our connection; they take it from this one name, which is checked."""
    setattr(rtcicetransport, "Connection", GatheringConnection)  # noqa: B010 # it is not ours to assign to


def usable_servers(servers: list[IceServer]) -> list[RTCIceServer]:
    """Those that aiortc can read; one that it cannot would raise, and cost the whole connection.

    Always a list and never None, for which aiortc would ask a server of Google.
    """
    usable = []
    for server in servers:
        urls = [url for url in server.urls if _is_usable(url)]
        if urls:
            usable.append(
                RTCIceServer(
                    urls=urls, username=server.username or None, credential=server.credential or None
                )
            )
    return usable


def _is_usable(url: str) -> bool:
    try:
        rtcicetransport.parse_stun_turn_uri(url)
    except ValueError:
        return False
    return True
