"""What :mod:`benchmarks.capacity_model` reckons with: figures that were measured, kept in ``results``."""

from __future__ import annotations

from functools import cache
from math import log
from pathlib import Path

import msgspec

from benchmarks.nodes import BEATING, BUSY_RATE, RATE
from benchmarks.report import Report

RESULTS = Path(__file__).parent / "results"
BUS_CORES = {"redis": 1, "nats": 4}
"""On which each of them works. That four of NATS carry four times as much was not measured."""
SECOND = 1e-6
"""CPU times are kept in microseconds."""


class Way(msgspec.Struct, frozen=True):
    """Seconds of CPU of one node, for members of its own."""

    signal: float
    arrival: float


class Costs(msgspec.Struct, frozen=True):
    """Seconds of CPU, unless it says something else."""

    alone: Way
    local: Way
    """With a bus."""
    across: float
    """A signal from node to node, at both together."""
    acquaintance: float
    """What it costs all nodes together that somebody comes into a room which one other node has."""
    ping: float
    member_kib: float
    bus_words: tuple[float, float]
    """A signal that goes through the bus, at the bus: of 1,000 a second, and of 5,000."""
    bus_arrival: float
    """Somebody who comes into a room which one other node has, at the bus, when it does nothing else."""
    bus_listener: float
    """One message for one of many listeners, at the bus."""
    bus_cores: int
    rooms_opened: float
    """Rooms a second that one bus takes."""
    beats: list[tuple[float, float, float, float]]
    """Nodes, bytes of a beat, and what it costs to say it and to hear it."""

    def bus_word(self, rate: float) -> float:
        """At so many words a second: a bus that has more to do does several at once. Beyond what was
        measured it is not believed to become cheaper."""
        share = (log(max(rate, RATE)) - log(RATE)) / (log(BUSY_RATE) - log(RATE))
        low, high = self.bus_words
        return low + (high - low) * min(1.0, share)

    def beat_bytes(self, nodes: int) -> float:
        return self._between(nodes, 1)

    def say_beat(self, nodes: int) -> float:
        return self._between(nodes, 2)

    def hear_beat(self, nodes: int) -> float:
        return self._between(nodes, 3)

    def _between(self, nodes: int, column: int) -> float:
        """On the line through the smallest and the largest that were measured."""
        low, high = self.beats[0], self.beats[-1]
        return low[column] + (high[column] - low[column]) * (nodes - low[0]) / (high[0] - low[0])


@cache
def costs(bus: str, folder: Path = RESULTS) -> Costs:
    """As measured over this bus. Raises FileNotFoundError or KeyError when that has not been done."""
    nodes, buses, idle = (kept(name, folder) for name in ("nodes", "bus", "idle"))

    def way(name: str) -> Way:
        signal, arrival = f"{name}: local signal, node at {RATE}/s", f"{name}: local arrival, node"
        return Way(nodes[signal] * SECOND, nodes[arrival] * SECOND)

    def across(what: str, *parts: str) -> float:
        return sum(nodes[f"{bus}: across {what.format(part)}"] for part in parts) * SECOND

    local, signal = way(bus), f"signal, {{}} at {RATE}/s"
    # Of two who meet from node to node, one has opened the room and the other has found it.
    acquaintance = 2 * (across("arrival, {}", "node", "neighbour") - local.arrival)
    return Costs(
        alone=way("alone"),
        local=local,
        across=across(signal, "node", "neighbour"),
        acquaintance=max(0.0, acquaintance),
        ping=nodes["a ping and its answer"] * SECOND,
        member_kib=idle["ours: memory"],
        bus_words=(across(signal, "broker"), across(f"signal, {{}} at {BUSY_RATE}/s", "broker")),
        bus_arrival=across("arrival, {}", "broker"),
        bus_listener=next(value for name, value in buses.items() if name.startswith(f"{bus}: broker, each"))
        * SECOND,
        bus_cores=BUS_CORES[bus],
        rooms_opened=buses[f"{bus}: rooms opened"],
        beats=[
            (
                float(count),
                nodes[f"{count} nodes: a beat"],
                nodes[f"{count} nodes: to say a beat"] * SECOND,
                nodes[f"{count} nodes: to hear a beat"] * SECOND,
            )
            for count in BEATING
        ],
    )


def kept(name: str, folder: Path = RESULTS) -> dict[str, float]:
    """The figures of a benchmark as they were last kept."""
    report = msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Report)
    return {what: figure.value for what, figure in report.figures.items()}
