"""Clients of PeerJS at our server and at their own: how much is relayed, and what their heartbeats cost.

Each server has one core, and one process. ``relay``: offers of 1.2 kB between 100 pairs. ``heartbeats``:
clients that are only there, each of which says so every 5 s, as PeerJS does.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import ExitStack

from picows import WSMsgType, ws_connect

from benchmarks import processes
from benchmarks.idle import CONNECTING_AT_ONCE, _allow_open_files
from benchmarks.relay import UNTHROTTLED, Contestant, Round, play_round
from benchmarks.relay_links import PeerLink, Tally
from benchmarks.report import Figure, Report, median

CLIENTS = 19_000
"""A process here may have 20,000 files open, and each end of a link is one."""
HEARTBEAT = b'{"type":"HEARTBEAT"}'
EVERY = 5.0
SECONDS = 20.0
OPEN = {
    "doors_open": "peerjs",
    "limits_max_sessions": CLIENTS + 100,
    "limits_max_rooms_per_app": CLIENTS + 100,
}

SERVERS = {
    "ours": lambda: processes.our_server(**UNTHROTTLED, **OPEN),
    "peer": processes.peer_server,
}
CONTESTANTS = (
    Contestant("ours", "ours", PeerLink, lambda port, name: _url(port, "/peerjs", name)),
    Contestant("peer", "peer", PeerLink, lambda port, name: _url(port, "", name)),
)


def _url(port: int, path: str, name: str) -> str:
    return f"ws://127.0.0.1:{port}{path}/peerjs?key=peerjs&id={name}&token=t{name}"


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """``only``: ``relay`` or ``heartbeats``."""
    processes.pin(processes.GENERATOR_CORE)
    gc.disable()
    figures: dict[str, Figure] = {}
    ratios: dict[str, float] = {}
    if not only or "relay" in only:
        _relay(quick, figures, ratios)
    if not only or "heartbeats" in only:
        _heartbeats(quick, figures, ratios)
    return Report("peerjs", figures, ratios)


def _relay(quick: bool, figures: dict[str, Figure], ratios: dict[str, float]) -> None:
    import uvloop

    rounds, warm_up, seconds = (3, 0.5, 1.0) if quick else (7, 1.0, 5.0)
    results: dict[str, list[Round]] = {contestant.name: [] for contestant in CONTESTANTS}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(start()) for name, start in SERVERS.items()}
        for number in range(rounds):
            for contestant in CONTESTANTS:
                server = servers[contestant.server]
                done = uvloop.run(play_round(contestant, server, number, warm_up, seconds))
                results[contestant.name].append(done)
    for name, done in results.items():
        figures[f"{name}: relayed"] = Figure(median([each.signals_per_second for each in done]), "1/s")
        figures[f"{name}: server CPU"] = Figure(
            median([each.server_us_per_signal for each in done]), "us/signal"
        )
    ratios["relay"] = figures["ours: relayed"].value / figures["peer: relayed"].value


def _heartbeats(quick: bool, figures: dict[str, Figure], ratios: dict[str, float]) -> None:
    import uvloop

    _allow_open_files()
    count = 2_000 if quick else CLIENTS
    seconds = 2 * EVERY if quick else SECONDS
    for contestant in CONTESTANTS:
        with SERVERS[contestant.server]() as server:
            share, kib = uvloop.run(_beat(contestant, server, count, seconds))
        figures[f"{contestant.name}: core for heartbeats"] = Figure(100 * share, "%")
        figures[f"{contestant.name}: memory"] = Figure(kib, "KiB/client")
    figures["heartbeating clients"] = Figure(count, "")
    for what in ("core for heartbeats", "memory"):
        ratios[what] = figures[f"ours: {what}"].value / figures[f"peer: {what}"].value


async def _beat(
    contestant: Contestant, server: processes.Process, count: int, seconds: float
) -> tuple[float, float]:
    """The share of its core that the server needs, and KiB of its memory a client."""
    before = server.memory_kib()
    tally = Tally()
    links = [PeerLink(f"beat{number}", tally) for number in range(count)]
    for first in range(0, count, CONNECTING_AT_ONCE):
        await asyncio.gather(
            *(_come(link, contestant, server) for link in links[first : first + CONNECTING_AT_ONCE])
        )
    beating = asyncio.create_task(_say_so(links))
    await asyncio.sleep(EVERY)
    cpu, began = server.cpu_seconds(), asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    share = (server.cpu_seconds() - cpu) / (asyncio.get_running_loop().time() - began)
    kib = (server.memory_kib() - before) / count
    beating.cancel()
    if lost := sum(link.lost for link in links):
        raise RuntimeError(f"{contestant.name} closed {lost} of {count} clients")
    tally.is_open = False
    for link in links:
        link.transport.disconnect(graceful=False)
    return share, kib


async def _come(link: PeerLink, contestant: Contestant, server: processes.Process) -> None:
    await ws_connect(lambda: link, contestant.url(server.port, link.name))
    await asyncio.wait_for(link.ready.wait(), 30)


async def _say_so(links: list[PeerLink]) -> None:
    """Each once in so many seconds, evenly spread."""
    loop = asyncio.get_running_loop()
    began, said = loop.time(), 0
    while True:
        await asyncio.sleep(0.01)
        due = int((loop.time() - began) / EVERY * len(links))
        for number in range(said, due):
            links[number % len(links)].transport.send(WSMsgType.TEXT, HEARTBEAT)
        said = due
