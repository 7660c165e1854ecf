"""Play a tone into a room for some seconds, and record what the others say.

python examples/tone.py http://localhost:8080 demo heard.wav 10
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from peer.room import RemotePeer, Room, join
from peer.voice.runner import Recorder, tone


async def main(url: str, room_name: str, path: str = "heard.wav", seconds: str = "10") -> None:
    async with join(url, room_name, name="tone") as room, Recorder(Path(path)) as recorder:
        await room.publish(tone(440.0), slot="microphone")
        print("in", room.name, flush=True)
        try:
            async with asyncio.timeout(float(seconds)):
                await listen(room, recorder)
        except TimeoutError:
            pass  # the time is over
        for name, heard in recorder.seconds_heard.items():
            print(f"heard {heard:.1f} s of {name}", flush=True)


async def listen(room: Room, recorder: Recorder) -> None:
    async with asyncio.TaskGroup() as tasks:
        async for peer in room.peers():
            tasks.create_task(listen_to(peer, recorder))


async def listen_to(peer: RemotePeer, recorder: Recorder) -> None:
    async with asyncio.TaskGroup() as tasks:
        async for slot, track in peer.tracks():
            if track.kind == "audio":
                tasks.create_task(recorder.listen(f"{peer.name} {slot}", track))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
