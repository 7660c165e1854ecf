"""How many targeted signals of 1.2 kB a server carries between 100 pairs, beside what others do.

The servers take turns on one core, the generator has the other. Each round opens fresh links, warms up,
measures, and then lets everything that is on the way arrive and counts it.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import msgspec
from picows import ws_connect

from benchmarks import processes
from benchmarks.relay_links import Link, OurLink, OurUnbatchedLink, PeerLink, Tally, WsLink
from benchmarks.report import Figure, Report, median, percentile

PAIRS = 100
WINDOW = 8
"""Signals on the way from one member of a pair to the other."""
BUSY_ENOUGH = 0.9
"""A server that had less of its core than this was not what limited the figure."""
DRAIN_TIMEOUT = 10.0

UNTHROTTLED = {
    "limits_messages_per_second": 1e9,
    "limits_messages_burst": 1_000_000_000,
    "limits_bytes_per_second": 1e12,
    "limits_joins_per_second": 1e6,
    "limits_links_per_second": 1e6,
    "limits_links_per_second_per_address": 1e6,
    "limits_links_per_address": 1_000_000,
}
"""The limits stay switched on, and count; only their rates are out of the generator's reach."""


class Contestant(msgspec.Struct, frozen=True):
    name: str
    server: str
    link: type[Link]
    url: Callable[[int, str], str]


def _ours(port: int, name: str) -> str:
    return f"ws://127.0.0.1:{port}/v1/ws"


CONTESTANTS = (
    Contestant("ours", "ours", OurLink, _ours),
    Contestant("ours, one message a frame", "ours", OurUnbatchedLink, _ours),
    Contestant(
        "peer",
        "peer",
        PeerLink,
        lambda port, name: f"ws://127.0.0.1:{port}/peerjs?key=peerjs&id={name}&token=t{name}",
    ),
    Contestant("ws", "ws", WsLink, lambda port, name: f"ws://127.0.0.1:{port}/{name}"),
)

SERVERS = {
    "ours": lambda: processes.our_server(**UNTHROTTLED),
    "peer": processes.peer_server,
    "ws": processes.ws_relay,
}


class Round(msgspec.Struct, frozen=True):
    signals_per_second: float
    server_us_per_signal: float
    server_share: float
    generator_share: float
    latencies_ms: list[float]


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """Measure; ``only`` names contestants' servers, for whoever tunes one of them."""
    import uvloop

    rounds, warm_up, seconds = (3, 0.5, 1.0) if quick else (7, 1.0, 5.0)
    chosen = [contestant for contestant in CONTESTANTS if not only or contestant.server in only]
    processes.pin(processes.GENERATOR_CORE)
    # Nothing here makes cycles, and a pause of the generator would count as the server's.
    gc.disable()
    results: dict[str, list[Round]] = {contestant.name: [] for contestant in chosen}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(SERVERS[name]())
            for name in dict.fromkeys(contestant.server for contestant in chosen)
        }
        for number in range(rounds):
            for contestant in chosen:
                server = servers[contestant.server]
                result = uvloop.run(play_round(contestant, server, number, warm_up, seconds))
                results[contestant.name].append(result)
    for name, done in results.items():
        if (share := median([each.server_share for each in done])) < BUSY_ENOUGH:
            print(f"{name}: the server had only {share:.0%} of a core; is the machine busy?", file=sys.stderr)
    return _report(results)


async def play_round(
    contestant: Contestant, server: processes.Process, number: int, warm_up: float, seconds: float
) -> Round:
    """All pairs, as busy as the server lets them be."""
    tally = Tally()
    links = await _connect(contestant, server, tally, number)
    ticking = asyncio.create_task(_tick(links))
    try:
        for link in links:
            link.send(WINDOW)
        await asyncio.sleep(warm_up)
        server_before, generator_before, before = (
            server.cpu_seconds(),
            time.process_time(),
            time.perf_counter(),
        )
        tally.is_measuring = True
        await asyncio.sleep(seconds)
        tally.is_measuring = False
        wall = time.perf_counter() - before
        generator_cpu = time.process_time() - generator_before
        server_cpu = server.cpu_seconds() - server_before
        await _run_out(links, tally)
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        tally.is_open = False
        for link in links:
            link.transport.disconnect()
        await asyncio.gather(*(link.transport.wait_disconnected() for link in links))
    return Round(
        tally.delivered / wall,
        server_cpu / tally.delivered * 1e6,
        server_cpu / wall,
        generator_cpu / wall,
        [latency * 1000 for latency in tally.latencies],
    )


async def _connect(
    contestant: Contestant, server: processes.Process, tally: Tally, number: int
) -> list[Link]:
    links: list[Link] = []
    for pair in range(PAIRS):
        two = [contestant.link(f"r{number}p{pair}-{side}", tally) for side in "ab"]
        two[0].partner, two[1].partner = two[1], two[0]
        links += two
    for link in links:
        await ws_connect(lambda link=link: link, contestant.url(server.port, link.name))
        await asyncio.wait_for(link.ready.wait(), 10)
        if link.lost:
            raise RuntimeError(f"{contestant.name} refused {link.name}")
    return links


async def _tick(links: list[Link]) -> None:
    while True:
        await asyncio.sleep(0.1)
        for link in links:
            link.tick()


async def _run_out(links: list[Link], tally: Tally) -> None:
    """Answer no more, wait for what is on the way, and check that all of it has come."""
    tally.is_open = False
    deadline = time.monotonic() + DRAIN_TIMEOUT
    while (missing := sum(link.partner.sent - link.received for link in links)) > 0:
        if time.monotonic() > deadline or any(link.lost for link in links):
            raise RuntimeError(f"{missing} signals were lost")
        await asyncio.sleep(0.02)


def _report(results: dict[str, list[Round]]) -> Report:
    figures: dict[str, Figure] = {}
    rates: dict[str, float] = {}
    for name, rounds in results.items():
        rates[name] = median([round_.signals_per_second for round_ in rounds])
        latencies = [latency for round_ in rounds for latency in round_.latencies_ms]
        figures |= {
            f"{name}: signals": Figure(rates[name], "1/s"),
            f"{name}: server CPU": Figure(median([r.server_us_per_signal for r in rounds]), "us/signal"),
            f"{name}: server core": Figure(100 * median([r.server_share for r in rounds]), "%"),
            f"{name}: generator core": Figure(100 * median([r.generator_share for r in rounds]), "%"),
            f"{name}: latency p50": Figure(percentile(latencies, 50), "ms"),
            f"{name}: latency p99": Figure(percentile(latencies, 99), "ms"),
        }
    ours = rates.get("ours")
    ratios: dict[str, float] = {n: ours / rates[n] for n in ("peer", "ws") if ours and n in rates}
    return Report("relay", figures, ratios)
