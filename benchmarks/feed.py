"""How much less a server carries while a thousand programs read its event feed.

The same as in ``relay``: 100 pairs that are as busy as the server lets them be. Beside them members come and
go, so that there is something to tell; once nobody reads it, once a thousand do. Rounds take turns. Every
reader must have got every event.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
from collections import defaultdict
from contextlib import ExitStack
from typing import cast

from picows import ws_connect

from benchmarks import processes
from benchmarks.relay import CONTESTANTS, UNTHROTTLED, Round, play_round
from benchmarks.relay_links import OurLink, Tally
from benchmarks.report import Figure, Report, median

READERS = 1_000
COMINGS_PER_SECOND = 10
"""Each is three events: a room opens, its member comes, and has lost its link."""
TOKEN = secrets.token_hex(16)
PATIENCE = 10.0


class Reader(asyncio.Protocol):
    """One of many; it counts, as a program that does something with events would have its own core."""

    def __init__(self) -> None:
        self.events = 0
        self.is_there = asyncio.Event()
        self._transport: asyncio.WriteTransport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.write(
            b"GET /v1/feed?types=room-opened,member-joined,member-changed HTTP/1.1\r\n"
            b"Host: localhost\r\nAuthorization: Bearer %b\r\n\r\n" % TOKEN.encode()
        )

    def data_received(self, data: bytes) -> None:
        self.is_there.set()
        data = self._rest + data
        self.events += data.count(b"\nevent: ")
        self._rest = data[-8:]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    import uvloop

    rounds, warm_up, seconds = (1, 0.5, 1.0) if quick else (7, 1.0, 4.0)
    readers = READERS // 10 if quick else READERS
    processes.pin(processes.GENERATOR_CORE)
    gc.disable()
    found: dict[str, list[float]] = defaultdict(list)
    settings = {**UNTHROTTLED, "server_admin_tokens": f'["{TOKEN}"]', "limits_max_rooms": 1_000_000}
    with ExitStack() as stack:
        server = stack.enter_context(processes.our_server(**settings))
        for number in range(rounds):
            # In turns first and second: what comes later in a pair is not always the same.
            for count in (0, readers) if number % 2 else (readers, 0):
                played, events = uvloop.run(_round(server, number, count, warm_up, seconds))
                name = f"{count:,} readers"
                found[f"{name}: signals"].append(played.signals_per_second)
                found[f"{name}: server CPU"].append(played.server_us_per_signal)
                found[f"{name}: generator core"].append(100 * played.generator_share)
                if count:
                    found[f"{name}: events for each"].append(events)
    units = {"signals": "1/s", "server CPU": "us/signal", "generator core": "%", "events for each": ""}
    figures = {what: Figure(median(values), units[what.split(": ")[1]]) for what, values in found.items()}
    with_readers, without = figures[f"{readers:,} readers: signals"], figures["0 readers: signals"]
    return Report("feed", figures, {"nobody reads": with_readers.value / without.value})


async def _round(
    server: processes.Process, number: int, count: int, warm_up: float, seconds: float
) -> tuple[Round, int]:
    loop = asyncio.get_running_loop()
    readers = [Reader() for _ in range(count)]
    for reader in readers:
        await loop.create_connection(lambda reader=reader: reader, "127.0.0.1", server.port)
    await asyncio.wait_for(asyncio.gather(*(reader.is_there.wait() for reader in readers)), PATIENCE)
    told_before = {reader.events for reader in readers}
    coming = asyncio.create_task(_come_and_go(server.port))
    try:
        played = await play_round(CONTESTANTS[0], server, number, warm_up, seconds)
    finally:
        coming.cancel()
        await asyncio.wait([coming])
    async with asyncio.timeout(PATIENCE):
        await asyncio.sleep(0.5)
        while len({reader.events for reader in readers}) > 1:  # noqa: ASYNC110 # a look at all of them
            await asyncio.sleep(0.1)
    told = max((reader.events for reader in readers), default=0)
    if readers and (told == 0 or len(told_before) != 1):
        raise RuntimeError("readers were not told the same")
    for reader in readers:
        reader.close()
    return played, told


async def _come_and_go(port: int) -> None:
    run = secrets.token_hex(4)
    tally = Tally()
    number = 0
    while True:
        number += 1
        link = OurLink(f"{run}v{number}-a", tally)
        await ws_connect(lambda link=link: link, f"ws://127.0.0.1:{port}/v1/ws")
        await asyncio.wait_for(link.ready.wait(), PATIENCE)
        await asyncio.sleep(1 / COMINGS_PER_SECOND)
        link.transport.disconnect(graceful=False)
