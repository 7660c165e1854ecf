"""Python peers that meet pages in a room."""

from __future__ import annotations

import asyncio

from peer.room import RemotePeer, Room
from tests.end_to_end.conftest import PATIENCE


async def the_peer(room: Room, name: str) -> RemotePeer:
    """The peer of this name, connected."""
    async with asyncio.timeout(PATIENCE):
        async for peer in room.peers():
            if peer.name == name:
                await peer.wait_connected()
                return peer
    raise AssertionError(f"{name} never came")
