"""What a bus costs a node whose rooms are its own, and what a signal costs that goes from node to node.

The same server alone and with a bus, in turns: how much it carries between members of its own. Then
signals at a fixed rate, between members of one node and between members of two.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec
from picows import ws_connect

from benchmarks import processes
from benchmarks.bus import broker_of
from benchmarks.relay import CONTESTANTS, UNTHROTTLED, play_round
from benchmarks.relay_links import OurLink, Tally, payload_of
from benchmarks.report import Figure, Report, median, percentile
from signaling.cluster.codec import NodeCodec
from signaling.cluster.nodes import Nodes
from signaling.cluster.words import ALONE, Beat, NodeId
from signaling.protocol.messages import Joined, PeerJoined

KEY = "k" * 64
"""Of tickets, and of what the nodes say to each other: it is signed, as it should be."""
PAIRS = 100
RATE = 1_000
"""Signals a second: what calls being set up cause, far from what a node can carry."""
BUSY_RATE = 5_000
STEP = 0.001
WARM_UP = 0.5
MEMBERS = 1_000
"""Who say nothing, and are pinged more often than usual."""
PING_INTERVAL = 2.0
BEATING = (10, 100, 1_000)
"""So many nodes, each of which says to all how many frames each should have had."""
BEAT_ROUNDS = 50
RUN_OUT_TIMEOUT = 10.0


class Place(msgspec.Struct):
    """A server, alone or with its neighbour, and what carries between them."""

    node: processes.Process
    neighbour: processes.Process | None = None
    broker: processes.Process | None = None

    @property
    def spent(self) -> list[float]:
        """Seconds of CPU so far: the node, its neighbour, the broker."""
        return [each.cpu_seconds() if each else 0.0 for each in (self.node, self.neighbour, self.broker)]


class PacedLink(OurLink):
    """Says its signals when they are due, whatever comes back."""

    def __init__(self, name: str, tally: Tally) -> None:
        super().__init__(name, tally)
        self.met = asyncio.Event()
        """It knows of its partner, and so does its node."""
        self._due_at: deque[float] = deque()

    def say(self, due: float) -> None:
        self._due_at.append(due)
        self.send(1)

    def next_payload(self) -> bytes:
        self.sent += 1
        return payload_of(self.sent)

    def count(self, arrived: int) -> None:
        now = time.perf_counter()
        self.received += arrived
        assert isinstance(self.partner, PacedLink)
        for _ in range(arrived):
            due = self.partner._due_at.popleft()
            if self.tally.is_measuring:
                self.tally.delivered += 1
                self.tally.latencies.append(now - due)

    def _hear(self, event: object) -> None:
        super()._hear(event)
        if isinstance(event, PeerJoined) or (isinstance(event, Joined) and event.peers):
            self.met.set()


class Paced(msgspec.Struct, frozen=True):
    """Signals at a fixed rate, in one round."""

    latencies: list[float]
    spent: list[float]
    """Seconds of CPU for each signal: the node, its neighbour, the broker."""
    arrival: list[float]
    """The same, for each member that came."""


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """Measure; a figure is the median of its rounds."""
    import uvloop

    rounds, seconds = (1, 1.0) if quick else (5, 4.0)
    buses = [name for name in ("redis", "nats") if not only or name in only]
    found: dict[str, list[float]] = defaultdict(list)
    processes.pin(processes.GENERATOR_CORE)
    gc.disable()
    with ExitStack() as stack:
        places = {name: stack.enter_context(_place(name)) for name in ("alone", *buses)}
        for number in range(rounds):
            for name, place in places.items():
                played = uvloop.run(play_round(CONTESTANTS[0], place.node, number, WARM_UP, seconds))
                found[f"{name}: local signals"].append(played.signals_per_second)
                found[f"{name}: local CPU"].append(played.server_us_per_signal)
            for name, place in places.items():
                for rate in (RATE, BUSY_RATE):
                    _note(found, name, "local", rate, uvloop.run(_paced(place, rate, False, seconds)))
                    if place.neighbour:
                        _note(found, name, "across", rate, uvloop.run(_paced(place, rate, True, seconds)))
    figures = {what: Figure(median(values), _unit(what)) for what, values in found.items()}
    for name in buses:
        for percent in ("p50", "p99"):
            here, across = (found[f"{name}: {way} {percent} at {RATE}/s"] for way in ("local", "across"))
            added = median([there - near for near, there in zip(here, across, strict=True)])
            figures[f"{name}: added {percent} at {RATE}/s"] = Figure(added, "µs")
    figures["a ping and its answer"] = Figure(median([_pings(quick) for _ in range(rounds)]), "µs CPU")
    figures |= _beats()
    alone = figures["alone: local signals"].value, figures["alone: local CPU"].value
    ratios: dict[str, float] = {}
    for name in buses:
        ratios[f"alone, {name} signals"] = figures[f"{name}: local signals"].value / alone[0]
        # On a busy machine the better of the two: how much comes through for the same work.
        ratios[f"alone, {name} signals for each second of CPU"] = (
            alone[1] / figures[f"{name}: local CPU"].value
        )
    return Report("nodes", figures, ratios)


@contextmanager
def _place(name: str) -> Iterator[Place]:
    settings: dict[str, object] = {**UNTHROTTLED, "server_ticket_key": KEY, "limits_max_rooms": 1_000_000}
    with ExitStack() as stack:
        if name == "alone":
            yield Place(stack.enter_context(processes.our_server(**settings)))
            return
        url, broker = stack.enter_context(broker_of(name, processes.GENERATOR_CORE))
        settings |= {"cluster_backplane": url, "cluster_key": KEY}
        node = stack.enter_context(processes.our_server(**settings))
        neighbour = stack.enter_context(processes.our_server(processes.GENERATOR_CORE, **settings))
        yield Place(node, neighbour, broker)


async def _paced(place: Place, rate: int, across: bool, seconds: float) -> Paced:
    tally = Tally()
    ports = (place.node.port, place.neighbour.port if across and place.neighbour else place.node.port)
    before = place.spent
    links = await _connect(ports, tally)
    arrival = [(after - first) / len(links) for first, after in zip(before, place.spent, strict=True)]
    ticking = asyncio.create_task(_tick(links))
    try:
        await _say(links, rate, WARM_UP)
        tally.is_measuring, before = True, place.spent
        await _say(links, rate, seconds)
        spent = [after - first for first, after in zip(before, place.spent, strict=True)]
        await _run_out(links)
    finally:
        ticking.cancel()
        await asyncio.wait([ticking])
        tally.is_open = False
        for link in links:
            link.transport.disconnect()
        await asyncio.gather(*(link.transport.wait_disconnected() for link in links))
    return Paced(tally.latencies, [each / tally.delivered for each in spent], arrival)


async def _connect(ports: tuple[int, int], tally: Tally) -> list[PacedLink]:
    """Both of each pair, at the same node or each at its own."""
    room = secrets.token_hex(4)
    links: list[PacedLink] = []
    for pair in range(PAIRS):
        two = [PacedLink(f"{room}p{pair}-{side}", tally) for side in "ab"]
        two[0].partner, two[1].partner = two[1], two[0]
        links += two
        for link, port in zip(two, ports, strict=True):
            await ws_connect(lambda link=link: link, f"ws://127.0.0.1:{port}/v1/ws")
            await asyncio.wait_for(link.ready.wait(), 10)
    await asyncio.wait_for(asyncio.gather(*(link.met.wait() for link in links)), 10)
    return links


async def _say(links: list[PacedLink], rate: int, seconds: float) -> None:
    each = round(rate * STEP)
    start = time.perf_counter() + STEP
    for number in range(round(seconds / STEP)):
        due = start + number * STEP
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        for index in range(each):
            links[(number * each + index) % len(links)].say(due)


async def _tick(links: list[PacedLink]) -> None:
    while True:
        await asyncio.sleep(0.1)
        for link in links:
            link.tick()


async def _run_out(links: list[PacedLink]) -> None:
    deadline = time.monotonic() + RUN_OUT_TIMEOUT
    while (missing := sum(link.partner.sent - link.received for link in links)) > 0:
        if time.monotonic() > deadline or any(link.lost for link in links):
            raise RuntimeError(f"{missing} signals were lost")
        await asyncio.sleep(0.02)


def _note(found: dict[str, list[float]], name: str, way: str, rate: int, paced: Paced) -> None:
    for percent in (50, 99):
        found[f"{name}: {way} p{percent} at {rate}/s"].append(percentile(paced.latencies, percent) * 1e6)
    parts = ("node", "neighbour", "broker") if way == "across" else ("node",)
    for part, signal, arrival in zip(parts, paced.spent, paced.arrival, strict=False):
        found[f"{name}: {way} signal, {part} at {rate}/s"].append(signal * 1e6)
        found[f"{name}: {way} arrival, {part}"].append(arrival * 1e6)


def _unit(what: str) -> str:
    if what.endswith("local signals"):
        return "1/s"
    if "arrival" in what:
        return "µs CPU/member"
    return "µs" if " p50 " in what or " p99 " in what else "µs CPU/signal"


def _pings(quick: bool) -> float:
    import uvloop

    times = {"session_ping_interval": PING_INTERVAL, "session_ping_timeout": PING_INTERVAL}
    with processes.our_server(**UNTHROTTLED, **times) as server:
        return float(uvloop.run(_pinged(server, 2.0 if quick else 6.0)))


async def _pinged(server: processes.Process, seconds: float) -> float:
    """What a ping costs the server, and its answer, in microseconds."""
    tally, links = Tally(), []
    for number in range(MEMBERS):
        links.append(OurLink(f"idle{number // 4}-{number % 4}", tally))
        await ws_connect(lambda: links[-1], f"ws://127.0.0.1:{server.port}/v1/ws")
        await asyncio.wait_for(links[-1].ready.wait(), 10)
    await asyncio.sleep(PING_INTERVAL)
    spent = server.cpu_seconds()
    await asyncio.sleep(seconds)
    spent = server.cpu_seconds() - spent
    if lost := sum(link.lost for link in links):
        raise RuntimeError(f"{lost} idle members were closed")
    tally.is_open = False
    for link in links:
        link.transport.disconnect(graceful=False)
    return spent / (seconds / PING_INTERVAL * MEMBERS) * 1e6


def _beats() -> dict[str, Figure]:
    """What a beat is among so many nodes that have all spoken to each other."""
    figures: dict[str, Figure] = {}
    codec = NodeCodec(KEY)
    for count in BEATING:
        ids = [NodeId(secrets.token_urlsafe(6)) for _ in range(count)]
        nodes = Nodes(ids[0], 4.0)
        beat = Beat("eu", "https://n1234.eu.example.org", sent=dict.fromkeys(ids[1:], 1_000_000))
        started = time.process_time()
        for _ in range(BEAT_ROUNDS):
            frame = codec.frame(ids[1], ALONE, 1, [codec.encode(beat)])
        said = time.process_time()
        for number in range(1, BEAT_ROUNDS + 1):
            heard = codec.decode(frame)
            assert heard is not None
            nodes.heard_beat(ids[1], number, heard.words[0], 0.0)
        done = time.process_time()
        figures |= {
            f"{count} nodes: a beat": Figure(len(frame), "bytes"),
            f"{count} nodes: to say a beat": Figure((said - started) / BEAT_ROUNDS * 1e6, "µs CPU"),
            f"{count} nodes: to hear a beat": Figure((done - said) / BEAT_ROUNDS * 1e6, "µs CPU"),
        }
    return figures
