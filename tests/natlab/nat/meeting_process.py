"""A Python peer that obeys: it meets others in rooms, one after the other, and tells how it was.

Times are CLOCK_MONOTONIC, which all namespaces share.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import msgspec

from peer.channels.kinds import RELIABLE
from peer.errors import PeerlaneError
from peer.room import RemotePeer, Room, join
from tests.natlab.actors import obey


class Actor:
    async def do_ready(self) -> None:
        """Answered when all is imported."""

    async def do_meet(self, url: str, room: str, within: float) -> dict[str, Any]:
        """Join, say hello to the first one there, and wait for theirs."""
        found: dict[str, Any] = {"joined_at": None, "first_at": None, "path": "", "offers": None, "why": ""}
        try:
            async with asyncio.timeout(within), join(url, room) as joined:
                found["joined_at"] = time.monotonic()
                await self._talk(joined, found)
        except (PeerlaneError, TimeoutError) as error:
            found["why"] = f"{type(error).__name__}: {error}"
        return found

    async def _talk(self, room: Room, found: dict[str, Any]) -> None:
        async for peer in room.peers():
            found["offers"] = room.me < peer.id
            try:
                channel = await peer.open("hello", RELIABLE)
                await channel.send(b"hello")
                messages = aiter(channel)
                await anext(messages)
                found["first_at"] = time.monotonic()
                found |= _path(peer)
                await channel.send(b"goodbye")
                # Who leaves first would take the other's words along.
                await anext(messages, None)
            finally:
                if peer.diagnosis is not None:
                    found["why"] = peer.diagnosis.code
            return


def _path(peer: RemotePeer) -> dict[str, Any]:
    statistics = msgspec.to_builtins(peer.statistics())
    return {"path": statistics["route"], "protocol": statistics["protocol"]}


if __name__ == "__main__":
    import uvloop

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    uvloop.run(obey(Actor()))
