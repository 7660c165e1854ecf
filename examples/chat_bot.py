"""A bot in the chat of a room: it greets who comes, and answers who asks for the time.

python examples/chat_bot.py http://localhost:8080 demo
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime

from peer.channels.kinds import RELIABLE
from peer.errors import PeerlaneError
from peer.events import Broadcasted
from peer.room import RemotePeer, join


async def main(url: str, room_name: str, name: str = "clock") -> None:
    async with join(url, room_name, name=name) as room, asyncio.TaskGroup() as tasks:

        @room.on(Broadcasted)
        def told(event: Broadcasted[RemotePeer]) -> None:
            print(event.peer.name, "tells everybody", event.value, flush=True)

        print("in", room.name, flush=True)
        async for peer in room.peers():
            tasks.create_task(talk(peer))


async def talk(peer: RemotePeer) -> None:
    chat = await peer.open("chat", RELIABLE)
    try:
        await chat.send(said(f"Hello {peer.name or 'stranger'}! Ask me for the time."))
        async for message in chat:
            if "time" in text_of(message):
                await chat.send(said(f"It is {datetime.now():%H:%M}."))
    except PeerlaneError as error:
        print(peer.name, "has gone:", error, flush=True)


def said(text: str) -> str:
    return json.dumps({"text": text})


def text_of(message: str | bytes) -> str:
    """What a chat message says; empty when it is none, because anybody may send anything."""
    try:
        return str(json.loads(message)["text"])
    except (ValueError, KeyError, TypeError):
        return ""


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
