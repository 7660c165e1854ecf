"""A Python peer that obeys: ``python -m tests.natlab.peer_process URL ROOM NAME``.

It joins a room of two, and talks to the other one. Times are CLOCK_MONOTONIC, which all namespaces share.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
import time
from typing import Any

import msgspec
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from peer import events
from peer.channels.channel import Channel
from peer.channels.kinds import Kind, kind_named
from peer.channels.statistics import Statistics
from peer.room import RemotePeer, Room, join
from peer.voice.runner import tone
from tests.natlab.actors import obey
from tests.natlab.arrivals import Arrivals, first_after, numbered
from tests.natlab.sending import Sender

CONNECT_TIMEOUT = 40.0
AUDIBLE = 0.01
"""Of all the loudness there is."""
BULK_PIECE_BYTES = 64 * 1024


class Actor:
    def __init__(self, room: Room) -> None:
        self._room = room
        self._peer: RemotePeer | None = None
        self._channels: dict[str, Channel] = {}
        self._arrivals: dict[str, Arrivals] = {}
        self._senders: dict[str, Sender] = {}
        self._bulk: dict[str, asyncio.Task[float]] = {}
        self._heard: list[float] = []
        self._happened: list[tuple[float, str]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        for kind in (events.PeerInterrupted, events.PeerRestored, events.Interrupted, events.Restored):
            room.on(kind)(self._note)

    async def do_connect(self) -> float:
        """Wait for the other one, and until the connection stands; when that was."""
        async with asyncio.timeout(CONNECT_TIMEOUT):
            async for peer in self._room.peers():
                self._peer = peer
                await peer.wait_connected()
                break
        self._keep(self._listen())
        return time.monotonic()

    async def do_open(self, label: str, kind: str) -> None:
        """Both sides open a channel before anything is sent over it."""
        if label not in self._channels:
            found = kind_named(kind)
            assert isinstance(found, Kind), kind
            channel = self._channels[label] = await self._the_peer.open(label, found)
            arrivals = self._arrivals[label] = Arrivals()

            @channel.on_message
            def came(message: str | bytes) -> None:
                assert isinstance(message, bytes)
                arrivals.note(message, time.monotonic())

    async def do_send(self, label: str, rate: float, size: int) -> None:
        self._senders[label] = Sender(self._channels[label].send, rate, size)

    async def do_stop(self, label: str) -> int:
        return await self._senders.pop(label).stop()

    async def do_bulk(self, label: str, size: int) -> None:
        """Send so much, in pieces, as fast as it goes."""
        self._bulk[label] = asyncio.create_task(self._send_bulk(self._channels[label], size))

    async def do_bulk_sent_at(self, label: str) -> float | None:
        """When the last piece had been taken; None: not yet."""
        task = self._bulk[label]
        return task.result() if task.done() else None

    async def do_arrivals(self, label: str) -> Arrivals:
        return self._arrivals[label]

    async def do_resumed_at(self, label: str, moment: float) -> float | None:
        return self._arrivals[label].resumed_at(moment)

    async def do_heard_at(self, moment: float) -> float | None:
        """When there was sound for the first time after this moment; None: there was none."""
        return first_after(self._heard, moment)

    async def do_count(self, label: str) -> int:
        return len(self._arrivals[label].numbers)

    async def do_statistics(self, label: str) -> Statistics:
        return self._channels[label].statistics()

    async def do_play(self) -> None:
        await self._room.publish(tone(), slot="microphone")

    async def do_heard(self) -> list[float]:
        """When there was sound, frame by frame."""
        return self._heard

    async def do_happened(self) -> list[tuple[float, str]]:
        """What the application was told, and when."""
        return self._happened

    async def do_look(self) -> dict[str, Any]:
        peer = self._the_peer
        return {
            "room": self._room.state,
            "peer": peer.state,
            "statistics": msgspec.to_builtins(peer.statistics()),
            "diagnosis": None if peer.diagnosis is None else peer.diagnosis.code,
        }

    async def do_resources(self) -> dict[str, int]:
        gc.collect()
        return {
            "tasks": len(asyncio.all_tasks()),
            "files": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
        }

    async def close(self) -> None:
        for sender in self._senders.values():
            await sender.stop()
        tasks = [*self._tasks, *self._bulk.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _the_peer(self) -> RemotePeer:
        assert self._peer is not None, "not connected yet"
        return self._peer

    def _note(self, event: object) -> None:
        self._happened.append((time.monotonic(), type(event).__name__))

    def _keep(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self) -> None:
        async for _, track in self._the_peer.tracks():
            if track.kind == "audio":
                self._keep(self._hear(track))

    async def _hear(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                if float(np.abs(frame.to_ndarray()).max()) / 32_768 > AUDIBLE:
                    self._heard.append(time.monotonic())
        except MediaStreamError:
            pass  # it has ended

    async def _send_bulk(self, channel: Channel, size: int) -> float:
        for number in range(size // BULK_PIECE_BYTES):
            message = numbered(number, time.monotonic(), BULK_PIECE_BYTES)
            await channel.send(message)
        return time.monotonic()


async def main(url: str, room_name: str, name: str) -> None:
    async with join(url, room_name, name=name) as room:
        actor = Actor(room)
        try:
            await obey(actor)
        finally:
            await actor.close()


if __name__ == "__main__":
    import uvloop

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    uvloop.run(main(*sys.argv[1:]))
