"""From what was measured to ten million users: a simulation, and its tables.

``python -m benchmarks capacity`` prints them; ``python -m benchmarks.capacity`` writes them into the pages
that have marks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from benchmarks.capacity_costs import RESULTS, Costs, costs, kept
from benchmarks.capacity_model import (
    COUNTED_NODES,
    Machine,
    Row,
    Workload,
    counted,
    expected,
    month,
    rows,
    turn_bits,
)
from benchmarks.nodes import BUSY_RATE, RATE
from benchmarks.report import Figure, Report
from signaling.cluster.nodes import BEAT_INTERVAL

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("capacity.md", "many-nodes.md")
BEATING = (3, 10, 30, 100, 300, 1_000)
BUSES = {"redis": "Redis", "nats": "NATS"}


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """What each step takes; ``only``: ``redis`` or ``nats``."""
    figures: dict[str, Figure] = {}
    for bus in BUSES:
        for row in rows(costs(bus), Workload(), Machine()) if not only or bus in only else ():
            clusters, nodes = row.found.layout
            figures |= {
                f"{bus}, {row.users:,} users: clusters": Figure(clusters, ""),
                f"{bus}, {row.users:,} users: nodes": Figure(clusters * nodes, ""),
                f"{bus}, {row.users:,} users: bus": Figure(row.found.bus_cpu, "cores/cluster"),
            }
    return Report("capacity", figures, {})


def as_text(report: Report) -> str:
    """The tables instead of the figures."""
    return "\n\n".join(f"{name}\n\n{table}" for name, table in tables().items())


def tables(folder: Path = RESULTS) -> dict[str, str]:
    """Each by its name, which is in the marks of a page."""
    redis, nats = (costs(bus, folder) for bus in BUSES)
    by_chance, together = Workload(), Workload(by_chance=False)
    return {
        "costs": _costs(redis, nats),
        "redis": _steps(rows(redis, by_chance, Machine()), by_chance),
        "nats": _steps(rows(nats, by_chance, Machine()), by_chance),
        "together": _steps(rows(redis, together, Machine()), together),
        "money": _money(rows(redis, by_chance, Machine()), rows(redis, together, Machine())),
        "spread": _spread(),
        "beats": _beats(redis),
        "bus": _bus(folder),
    }


def written(page: str, found: dict[str, str]) -> str:
    """A page with these tables between its marks."""
    for name, table in found.items():
        marks = rf"(<!-- table {name} -->\n).*?(<!-- end of table -->)"
        page = re.sub(marks, lambda mark, table=table: f"{mark[1]}\n{table}\n\n{mark[2]}", page, flags=re.S)
    return page


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    head = list(head)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *map(list, lines)))


def _steps(made: list[Row], work: Workload) -> str:
    head = (
        "Users",
        "Regions",
        "Clusters × nodes",
        "Node: core, memory",
        "Bus of a cluster: cores, Mbit/s",
        "A node dies: all are back after",
        "The bus was away: rooms known after",
        "Breaks first in the row above",
        "With more nodes alone",
    )
    return _table(head, (_step(row) for row in made))


def _step(row: Row) -> list[str]:
    found = row.found
    has_bus = found.layout.nodes > 1
    memory = found.parts["memory of a node"] * Machine().busy * Machine().node_memory / 1024**2
    part, much = row.alone
    return [
        f"{row.users:,}",
        str(row.regions),
        f"{found.layout.clusters} × {found.layout.nodes}",
        f"{found.node_cpu:.0%}, {memory:,.0f} MiB",
        f"{found.bus_cpu:.2f}, {found.bus_bits / 1e6:,.1f}" if has_bus else "no bus",
        f"{found.back:.1f} s" if has_bus else "it is started again",
        f"{found.known:.1f} s" if has_bus else "–",
        "nothing" if row.breaks is None else f"{row.breaks[0]}, at {_rounded(row.breaks[1]):,}",
        f"{part}: {much:.1f} times what is planned" if much > 1 else "would do",
    ]


def _money(by_chance: list[Row], together: list[Row]) -> str:
    head = ("Users", "Cores, by chance", "Cores, together", "Traffic of signaling", "TURN", "TURN, Gbit/s")
    work, machine = Workload(), Machine()

    def lines() -> Iterable[list[str]]:
        for chance, near in zip(by_chance, together, strict=True):
            cores, signaling, turn = month(chance.found, chance.users, work, machine)
            fewer, *_ = month(near.found, near.users, work, machine)
            bits = chance.users * turn_bits(work) / 1e9
            yield [
                f"{chance.users:,}",
                *(f"{each:,.0f}" for each in (cores, fewer, signaling, turn)),
                f"{bits:,.2f}",
            ]

    return _table(head, lines())


def _spread() -> str:
    size = Workload().room_size
    lines = []
    for nodes in COUNTED_NODES:
        seen, formula = counted(nodes, size), expected(nodes, size)
        pair = [f"{each.across:.1%}, {each.others:.2f}" for each in (seen, formula)]
        lines.append([str(nodes), *pair])
    return _table(("Nodes", "Counted: pairs across, other nodes of a member", "By the formula"), lines)


def _beats(found: Costs) -> str:
    head = (
        "Nodes",
        "Beats heard a second, by all",
        "Bytes of one",
        "Mbit/s out of the bus",
        "Of Redis's core",
        "Of each node's core",
    )

    def lines() -> Iterable[list[str]]:
        for nodes in BEATING:
            heard, size = nodes * nodes / BEAT_INTERVAL, found.beat_bytes(nodes)
            own = (nodes * found.hear_beat(nodes) + found.say_beat(nodes)) / BEAT_INTERVAL
            figures = (f"{heard * size * 8 / 1e6:,.2f}", f"{heard * found.bus_listener:.1%}", f"{own:.2%}")
            yield [f"{nodes:,}", f"{heard:,.0f}", f"{size:,.0f}", *figures]

    return _table(head, lines())


def _costs(redis: Costs, nats: Costs) -> str:
    def micro(*values: float) -> list[str]:
        return [f"{value * 1e6:,.0f} µs" for value in values]

    lines = [
        ["A signal within a node", *micro(redis.local.signal, nats.local.signal)],
        ["A signal from node to node, at both", *micro(redis.across, nats.across)],
        ["– at the bus", *micro(redis.bus_words[0], nats.bus_words[0])],
        ["– at a bus that has 5,000 a second", *micro(redis.bus_words[1], nats.bus_words[1])],
        ["Somebody comes: link, session, room", *micro(redis.local.arrival, nats.local.arrival)],
        ["– for each other node of the room, at both", *micro(redis.acquaintance, nats.acquaintance)],
        ["– at the bus", *micro(redis.bus_arrival, nats.bus_arrival)],
        ["A ping and its answer", *micro(redis.ping, nats.ping)],
        ["A beat, for each that hears it, at the bus", *micro(redis.bus_listener, nats.bus_listener)],
        ["Rooms that the bus opens", *(f"{each.rooms_opened:,.0f}/s" for each in (redis, nats))],
        ["Memory of an idle member", *(f"{each.member_kib:.1f} KiB" for each in (redis, nats))],
    ]
    return _table(("CPU time, unless it says something else", *BUSES.values()), lines)


def _bus(folder: Path) -> str:
    nodes, buses = kept("nodes", folder), kept("bus", folder)
    ratios = {bus: nodes["alone: local CPU"] / nodes[f"{bus}: local CPU"] for bus in BUSES}

    def line(what: str, found: dict[str, float], name: str, unit: str = "") -> list[str]:
        return [what, *(f"{found[name.format(bus)]:,.0f} {unit}".strip() for bus in BUSES)]

    return _table(
        ("", *BUSES.values()),
        [
            line(
                "From process to process, half of 300 bytes' messages within",
                buses,
                f"{{}}: p50 at {RATE}/s",
                "µs",
            ),
            line("– 99 % within", buses, f"{{}}: p99 at {RATE}/s", "µs"),
            line(
                "A signal from node to node, beside one within a node: half take longer by",
                nodes,
                f"{{}}: added p50 at {RATE}/s",
                "µs",
            ),
            line("– 99 %", nodes, f"{{}}: added p99 at {RATE}/s", "µs"),
            [
                "Signals within one node for each second of its CPU time, with a bus : without",
                *(f"{each:.2f}" for each in ratios.values()),
            ],
            line(
                "CPU time of a signal from node to node: the first node",
                nodes,
                f"{{}}: across signal, node at {RATE}/s",
                "µs",
            ),
            line("– the second node", nodes, f"{{}}: across signal, neighbour at {RATE}/s", "µs"),
            line("– the bus", nodes, f"{{}}: across signal, broker at {RATE}/s", "µs"),
            line(f"– the three together at {BUSY_RATE:,} a second", _together(nodes), "{}", "µs"),
            line("Rooms opened a second", buses, "{}: rooms opened"),
            line("Memory of a node for each of its rooms", buses, "{}: a room", "bytes"),
        ],
    )


def _together(nodes: dict[str, float]) -> dict[str, float]:
    parts = ("node", "neighbour", "broker")
    return {
        bus: sum(nodes[f"{bus}: across signal, {part} at {BUSY_RATE}/s"] for part in parts) for bus in BUSES
    }


def _rounded(number: int) -> int:
    return round(number, 2 - len(str(number)))


def main() -> None:
    """Write all tables into their pages."""
    found = tables()
    for name in PAGES:
        page = DOCS / name
        page.write_text(written(page.read_text(), found))


if __name__ == "__main__":
    main()
