"""Tell everybody in a room how you move, and print how they do.

python examples/moves.py http://localhost:8080 arena
"""

from __future__ import annotations

import asyncio
import sys

from peer.channels.channel import Channel
from peer.channels.kinds import LATEST
from peer.room import RemotePeer, join

MOVES = (b"left", b"right", b"jump")
STEP = 0.1


async def main(url: str, room_name: str, name: str = "bot") -> None:
    async with join(url, room_name, name=name) as room, asyncio.TaskGroup() as tasks:
        print("in", room.name, "as", room.me, flush=True)
        async for peer in room.peers():
            tasks.create_task(meet(peer))


async def meet(peer: RemotePeer) -> None:
    moves = await peer.open("moves", LATEST)
    moving = asyncio.create_task(move(moves))
    try:
        async for message in moves:
            print(peer.name, message, flush=True)
    finally:
        moving.cancel()
        await asyncio.wait([moving])


async def move(moves: Channel) -> None:
    while True:
        for where in MOVES:
            await moves.send(where)
            await asyncio.sleep(STEP)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
