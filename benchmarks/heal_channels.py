"""What a 20 MiB send does to a 60 Hz stream on the same connection, on loopback, in one process."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable

from benchmarks.heal import figures
from benchmarks.report import Report, percentile

BULK_BYTES = 20 * 1024 * 1024
PIECE_BYTES = 64 * 1024
PERIOD = 1 / 60
QUIET = 5.0
MESSAGE_BYTES = 64


def run(quick: bool) -> Report:
    import uvloop

    size = BULK_BYTES // (4 if quick else 1)
    quiet, busy, seconds = uvloop.run(_ours(size))
    bare_quiet, bare_busy, bare_seconds = uvloop.run(_bare(size))
    moved, bare_moved = busy - quiet, bare_busy - bare_quiet
    found = {
        "60 Hz p99 alone": (1000 * quiet, "ms"),
        "60 Hz p99 beside bulk": (1000 * busy, "ms"),
        "60 Hz p99 moved by bulk": (1000 * moved, "ms"),
        "bulk": (size / seconds / 2**20, "MiB/s"),
        "bare aiortc, 60 Hz p99 alone": (1000 * bare_quiet, "ms"),
        "bare aiortc, 60 Hz p99 moved by bulk": (1000 * bare_moved, "ms"),
        "bare aiortc, bulk": (size / bare_seconds / 2**20, "MiB/s"),
    }
    return Report("heal", figures("channels", found), {"bare aiortc, 60 Hz p99 moved": moved / bare_moved})


class Stream:
    """Sends the time 60 times a second, and notes how old it is when it comes."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send
        self.delays: list[float] = []

    def received(self, message: bytes | str) -> None:
        assert isinstance(message, bytes)
        self.delays.append(time.monotonic() - struct.unpack_from("!d", message)[0])

    async def run(self) -> None:
        next_at = time.monotonic()
        while True:
            self._send(struct.pack("!d", time.monotonic()).ljust(MESSAGE_BYTES))
            next_at += PERIOD
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    async def p99_during(self, work: Awaitable[object]) -> float:
        self.delays.clear()
        await work
        return percentile(self.delays, 99)


async def _measure(stream: Stream, bulk: Callable[[], Awaitable[None]]) -> tuple[float, float, float]:
    sending = asyncio.create_task(stream.run())
    try:
        await asyncio.sleep(1.0)
        quiet = await stream.p99_during(asyncio.sleep(QUIET))
        started = time.monotonic()
        busy = await stream.p99_during(bulk())
        return quiet, busy, time.monotonic() - started
    finally:
        sending.cancel()
        await asyncio.wait([sending])


async def _ours(size: int) -> tuple[float, float, float]:
    from peer.channels.kinds import BULK, UNRELIABLE
    from peer.testing.pair import pair

    async with asyncio.timeout(200), pair() as (ben, ada):
        moves = await ben.open("moves", UNRELIABLE)
        file = await ben.open("file", BULK)
        await moves.wait_open()
        channels = {
            channel.label: channel for channel in [await anext(ada.channels()), await anext(ada.channels())]
        }
        stream = Stream(moves.send_now)
        channels["moves"].on_message(stream.received)

        async def bulk() -> None:
            reading = asyncio.create_task(_read(channels["file"], size))
            for _ in range(size // PIECE_BYTES):
                await file.send(bytes(PIECE_BYTES))
            await reading

        return await _measure(stream, bulk)


async def _read(channel: object, size: int) -> None:
    received = 0
    async for message in channel:  # type: ignore[attr-defined] # a Channel
        received += len(message)
        if received >= size:
            return


async def _bare(size: int) -> tuple[float, float, float]:
    from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection

    configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    one, two = RTCPeerConnection(configuration), RTCPeerConnection(configuration)
    moves = one.createDataChannel("moves", ordered=False, maxRetransmits=0)
    file = one.createDataChannel("file")
    opened = asyncio.Event()
    file.on("open", opened.set)
    stream = Stream(moves.send)
    received, done = [0], asyncio.Event()

    def take(message: bytes) -> None:
        received[0] += len(message)
        if received[0] >= size:
            done.set()

    two.on("datachannel", lambda lane: lane.on("message", stream.received if lane.label == "moves" else take))
    try:
        async with asyncio.timeout(200):
            await one.setLocalDescription(await one.createOffer())
            await two.setRemoteDescription(one.localDescription)
            await two.setLocalDescription(await two.createAnswer())
            await one.setRemoteDescription(two.localDescription)
            await opened.wait()

            async def bulk() -> None:
                for _ in range(size // PIECE_BYTES):
                    # As its documentation does it: everything at once, and the library buffers.
                    file.send(bytes(PIECE_BYTES))
                    await asyncio.sleep(0)
                await done.wait()

            return await _measure(stream, bulk)
    finally:
        await asyncio.gather(one.close(), two.close())
