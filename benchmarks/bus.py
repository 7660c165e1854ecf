"""How long 300 bytes take from one process to another over each bus, and what they cost.

The sender keeps to its rate whatever happens (an open loop), and each message carries the time at which it
was due, so that stalls are counted. Both processes read one clock. Beside the buses: a plain TCP socket.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import shutil
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from struct import Struct
from typing import Any

from benchmarks import processes
from benchmarks.report import Figure, Report, median, percentile
from signaling.backplane.base import Backplane
from signaling.backplane.buses import make_backplane

RATES = (10, 100, 1_000, 10_000)
BODY_BYTES = 300
WARM_UP = 0.5
STEP = 0.001
"""At more messages a second than steps, each step sends several."""
INBOX = "bench.inbox"
BACK = "bench.back"
END = b"end"
LISTENERS = 50
SAID_TO_ALL = 500
"""Messages that each of the listeners hears."""
ROOMS = 50_000
OPENED_AT_ONCE = 500
LONGEST_LINE = 16 * 1024 * 1024

_HEAD = Struct(">Id")
_LENGTH = Struct(">I")
Take = Callable[[bytes], None]


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """Measure each bus at each rate, in turns; a figure is the median of its rounds."""
    import uvloop

    chosen = [name for name in ("socket", "redis", "nats") if not only or name in only]
    found: dict[str, list[float]] = {}
    units: dict[str, str] = {}
    with ExitStack() as stack:
        brokers = {name: stack.enter_context(broker_of(name)) for name in chosen}
        for _ in range(1 if quick else 3):
            for name, (url, broker) in brokers.items():
                measured = uvloop.run(_rates(name, url, broker, quick))
                if broker is not None:
                    measured |= uvloop.run(_rooms(name, url))
                    measured |= uvloop.run(_listeners(name, url, broker))
                for what, figure in measured.items():
                    found.setdefault(what, []).append(figure.value)
                    units[what] = figure.unit
    figures = {what: Figure(median(values), units[what]) for what, values in found.items()}
    ratios = {
        f"a plain socket, {name} {what}": figures[f"{name}: {what}"].value / figures[f"socket: {what}"].value
        for name in ("redis", "nats")
        for what in ("p50 at 1000/s", "p99 at 1000/s", "sender at 10000/s", "listener at 10000/s")
        if {"socket", name} <= {*chosen}
    }
    return Report("bus", figures, ratios)


@contextmanager
def broker_of(name: str, core: int = processes.SERVER_CORE) -> Iterator[tuple[str, processes.Process | None]]:
    """The URL of a real broker that nobody else uses, and its process; of a plain socket, a free port."""
    port = processes.free_port()
    if name == "socket":
        yield f"socket:{port}", None
        return
    with tempfile.TemporaryDirectory() as folder:
        command = {
            "redis": [_program("redis-server"), "--port", str(port), "--save", "", "--dir", folder],
            "nats": [_program("nats-server"), "--addr", "127.0.0.1", "--port", str(port)],
        }[name]
        with processes.running(name, command, port, core=core) as broker:
            yield f"{name}://127.0.0.1:{port}", broker


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise RuntimeError(f"{name} is missing: run scripts/install-system")
    return found


async def _rates(name: str, url: str, broker: processes.Process | None, quick: bool) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for rate in RATES:
        seconds = (2.0 if rate < 100 else 0.5) if quick else (5.0 if rate < 100 else 3.0)
        spent = broker.cpu_seconds() if broker else 0.0
        found = await _at_rate(url, rate, seconds)
        spent = (broker.cpu_seconds() if broker else 0.0) - spent
        delays = found["delays"]
        if found["count"] != found["sent"]:
            raise RuntimeError(f"{name} at {rate}/s: {found['sent']} sent, {found['count']} heard")
        figures |= {
            f"{name}: p50 at {rate}/s": Figure(percentile(delays, 50) * 1e6, "µs"),
            f"{name}: p99 at {rate}/s": Figure(percentile(delays, 99) * 1e6, "µs"),
        }
        if rate >= 1000:
            figures |= {
                f"{name}: sender at {rate}/s": Figure(
                    found["sender_cpu"] / found["sent"] * 1e6, "µs CPU/message"
                ),
                f"{name}: listener at {rate}/s": Figure(found["cpu"] / found["sent"] * 1e6, "µs CPU/message"),
            }
            if broker:
                figures[f"{name}: broker at {rate}/s"] = Figure(spent / found["sent"] * 1e6, "µs CPU/message")
    return figures


async def _at_rate(url: str, rate: int, seconds: float) -> dict[str, Any]:
    """What the listener has found, and what the sender has spent."""
    async with _child(url, "listen") as out:
        await out.readline()
        async with _end(url, listens=False) as end:
            await asyncio.sleep(WARM_UP)
            spent = time.process_time()
            sent = await _send(end, rate, seconds)
            spent = time.process_time() - spent
            end.send(END)
            found = json.loads(await out.readline())
    return {**found, "sent": sent, "sender_cpu": spent}


@asynccontextmanager
async def _child(url: str, job: str) -> AsyncIterator[asyncio.StreamReader]:
    """A process of its own on the other core, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bus", url, job, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        await process.wait()


async def _send(end: End, rate: int, seconds: float) -> int:
    filling = bytes(BODY_BYTES - _HEAD.size)
    step = max(STEP, 1 / rate)
    each = round(rate * step)
    start = time.monotonic() + step
    steps = round(seconds / step)
    for number in range(steps):
        due = start + number * step
        if (pause := due - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        for _ in range(each):
            end.send(_HEAD.pack(number, due) + filling)
    return steps * each


class End(ABC):
    """One end of what is measured."""

    @abstractmethod
    def send(self, body: bytes) -> None: ...


class BusEnd(End):
    def __init__(self, bus: Backplane) -> None:
        self._bus = bus

    def send(self, body: bytes) -> None:
        self._bus.publish(INBOX, body)


class SocketEnd(End):
    def __init__(self, writer: asyncio.StreamWriter | None) -> None:
        self._writer = writer

    def send(self, body: bytes) -> None:
        if self._writer is not None:
            self._writer.write(_LENGTH.pack(len(body)) + body)


class Collector:
    """Takes what arrives, and knows when all of it has."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.ended = asyncio.Event()
        self._last = -1

    def take(self, body: bytes) -> None:
        if body == END:
            self.ended.set()
            return
        number, due = _HEAD.unpack_from(body)
        if number < self._last:
            raise RuntimeError("messages have overtaken each other")
        self._last = number
        self.delays.append(time.monotonic() - due)


@asynccontextmanager
async def _end(url: str, listens: bool, take: Take = lambda _: None) -> AsyncIterator[End]:
    if url.startswith("socket:"):
        async with _socket_end(int(url.partition(":")[2]), listens, take) as end:
            yield end
        return
    bus = make_backplane(url)
    usable = asyncio.Event()

    def changed(is_there: bool) -> None:
        if is_there:
            usable.set()

    subjects = [INBOX] if listens else [BACK]
    task = asyncio.create_task(bus.run(subjects, lambda _, body: take(body), changed))
    try:
        await usable.wait()
        yield BusEnd(bus)
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def _socket_end(port: int, listens: bool, take: Take) -> AsyncIterator[End]:
    if not listens:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        yield SocketEnd(writer)
        writer.close()
        return

    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SocketListener(take), "127.0.0.1", port):
        yield SocketEnd(None)


class SocketListener(asyncio.Protocol):
    """Cuts what arrives into messages."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        data, start = self._rest + data, 0
        while len(data) - start >= _LENGTH.size:
            end = start + _LENGTH.size + _LENGTH.unpack_from(data, start)[0]
            if end > len(data):
                break
            self._take(data[start + _LENGTH.size : end])
            start = end
        self._rest = data[start:]


async def _listeners(name: str, url: str, broker: processes.Process) -> dict[str, Figure]:
    """What one more listener of a message costs the broker, as with beats, which all nodes hear."""
    heard, all_heard = 0, asyncio.Event()

    def take(body: bytes) -> None:
        nonlocal heard
        heard += 1
        if heard == LISTENERS * SAID_TO_ALL:
            all_heard.set()

    async with AsyncExitStack() as stack:
        for _ in range(LISTENERS):
            await stack.enter_async_context(_end(url, listens=True, take=take))
        speaker = await stack.enter_async_context(_end(url, listens=False))
        spent = broker.cpu_seconds()
        for _ in range(SAID_TO_ALL):
            speaker.send(bytes(BODY_BYTES))
            await asyncio.sleep(STEP)
        await asyncio.wait_for(all_heard.wait(), 30)
        spent = broker.cpu_seconds() - spent
    return {
        f"{name}: broker, each of {LISTENERS} listeners": Figure(
            spent / (LISTENERS * SAID_TO_ALL) * 1e6, "µs CPU/message"
        )
    }


async def _rooms(name: str, url: str) -> dict[str, Figure]:
    """What it costs a node to listen to one more room, in a process that has done nothing before."""
    async with _child(url, "rooms") as out:
        found = json.loads(await out.readline())
    return {
        f"{name}: a room": Figure(found["bytes"], "bytes"),
        f"{name}: to open a room": Figure(found["cpu"] * 1e6, "µs CPU"),
        f"{name}: rooms opened": Figure(1 / found["seconds"], "/s"),
    }


async def _open_rooms(url: str) -> None:
    bus, usable = make_backplane(url), asyncio.Event()
    task = asyncio.create_task(bus.run([], lambda *_: None, lambda _: usable.set()))
    await usable.wait()
    subjects = [f"bench.room.{number:032x}" for number in range(ROOMS)]
    memory, spent, start = _memory(), time.process_time(), time.monotonic()
    for first in range(0, ROOMS, OPENED_AT_ONCE):
        await asyncio.gather(*[bus.open(each, b"?") for each in subjects[first : first + OPENED_AT_ONCE]])
    seconds, spent = time.monotonic() - start, time.process_time() - spent
    found = {"bytes": (_memory() - memory) / ROOMS, "cpu": spent / ROOMS, "seconds": seconds / ROOMS}
    print(json.dumps(found), flush=True)
    task.cancel()
    await asyncio.wait([task])


def _memory() -> int:
    """Bytes of this process that are in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def _listen(url: str) -> None:
    collector = Collector()
    async with _end(url, listens=True, take=collector.take):
        print("ready", flush=True)
        start = time.process_time()
        await collector.ended.wait()
        delays = collector.delays
        found = {"count": len(delays), "delays": delays, "cpu": time.process_time() - start}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    import uvloop

    processes.pin(processes.SERVER_CORE)
    uvloop.run({"listen": _listen, "rooms": _open_rooms}[sys.argv[2]](sys.argv[1]))
