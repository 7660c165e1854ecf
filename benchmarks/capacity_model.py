"""From what was measured to ten million users: nodes, buses, clusters, money, and what breaks first.

Nothing is measured here. The costs are read from ``benchmarks/results``; what users do and what machines
cost are assumptions, all of them in :class:`Workload` and :class:`Machine`. How often members of a room
meet on one node is counted in rooms that are put on nodes by chance, beside the formula that is used.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import msgspec

from benchmarks.capacity_costs import Costs
from signaling.cluster.nodes import BEAT_INTERVAL, MAX_NODES
from signaling.config import LimitsConfig, Session

STEPS = ((1_000, 1), (10_000, 1), (100_000, 2), (1_000_000, 3), (10_000_000, 5))
"""Users at the same time, and the regions in which they are. A cluster has one region."""
COUNTED_ROOMS = 20_000
COUNTED_NODES = (2, 5, 20, 100)
GIB = 1024.0**3
HOURS_PER_MONTH = 730.0


class Workload(msgspec.Struct, frozen=True):
    """What users do, at the busiest time."""

    room_size: int = 4
    stay: float = 1_200.0
    """Seconds from coming to leaving; whoever leaves is followed by somebody else."""
    setup: float = 10.0
    """Seconds in which two members who have met signal each other once a second, both ways."""
    updates: float = 1 / 60
    """Changes of what a member shows of itself, a second."""
    signal_bytes: float = 1_300.0
    small_bytes: float = 250.0
    """An update, a join or a ping, with all that lower layers add."""
    relayed: float = 0.1
    """Of all members, those whose voice goes through a TURN server."""
    relayed_bits: float = 40_000.0
    """A second, for each other member of the room."""
    by_chance: bool = True
    """Members of a room are at nodes by chance; otherwise whoever makes a room sends all to one node."""

    @property
    def arrivals(self) -> float:
        """Of each user, a second."""
        return 1 / self.stay

    @property
    def signals(self) -> float:
        """Of each user, a second."""
        return self.arrivals * (self.room_size - 1) * 2 * self.setup


class Machine(msgspec.Struct, frozen=True):
    """What is planned with, and what it costs. No vendor's figures."""

    busy: float = 0.5
    """Of a core, of memory and of a line: what is used at the busiest time. The rest is for storms."""
    node_memory: float = 1.0 * GIB
    """A node is one process, and has one core."""
    kernel_kib: float = 16.0
    """Of memory, for each link, beside what the node itself takes."""
    line_bits: float = 10e9
    """A second; of the machine that the bus runs on."""
    most_beating: float = 0.05
    """Of a node's core, to hear how the others are."""
    core_hour: float = 0.04
    egress_gib: float = 0.05


class Layout(NamedTuple):
    """So many clusters, alike, of so many nodes. A single node has no bus."""

    clusters: int
    nodes: int


class Load(NamedTuple):
    """What is used of each thing, at the busiest time: 1.0 is as much as is planned with."""

    layout: Layout
    parts: dict[str, float]
    node_cpu: float
    bus_cpu: float
    """Cores."""
    bus_cores: int
    """That it has."""
    bus_bits: float
    """A second, out of the bus of one cluster."""
    back: float
    """Seconds until all are in again who were at a node that dies."""
    known: float
    """Seconds until all rooms are asked for again after the bus was away."""

    @property
    def worst(self) -> tuple[str, float]:
        return max(self.parts.items(), key=lambda part: part[1])


class Met(NamedTuple):
    """How members of a room are spread."""

    across: float
    """Of pairs of members, those at two nodes."""
    others: float
    """Nodes other than the own at which a room has members."""


def expected(nodes: int, size: int) -> Met:
    """Of rooms whose members are at nodes by chance."""
    elsewhere = 1 - 1 / nodes
    return Met(elsewhere, (nodes - 1) * (1 - elsewhere ** (size - 1)))


def counted(nodes: int, size: int, rooms: int = COUNTED_ROOMS, seed: int = 1) -> Met:
    """The same, of rooms that are put there."""
    chance = Random(seed)
    across = others = 0
    for _ in range(rooms):
        places = [chance.randrange(nodes) for _ in range(size)]
        across += sum(one != other for one in places for other in places)
        others += sum(len({*places} - {own}) for own in places)
    return Met(across / (rooms * size * (size - 1)), others / (rooms * size))


def load(users: float, layout: Layout, costs: Costs, work: Workload, machine: Machine) -> Load:
    """What so many users take of everything."""
    clusters, nodes = layout
    here = users / clusters / nodes
    met = expected(nodes, work.room_size) if work.by_chance and nodes > 1 else Met(0.0, 0.0)
    local = costs.local if nodes > 1 else costs.alone
    arrival = local.arrival + met.others * costs.acquaintance
    # What an update costs is not more than a signal with the same way.
    told = work.room_size - 1 - met.others
    signal = (1 - met.across) * local.signal + met.across * costs.across
    update = told * local.signal + met.others * costs.across
    each = costs.ping / Session().ping_interval + work.arrivals * arrival
    each += work.signals * signal + work.updates * update
    beating = (nodes * costs.hear_beat(nodes) + costs.say_beat(nodes)) / BEAT_INTERVAL if nodes > 1 else 0.0
    words = here * nodes * (work.signals * met.across + work.updates * met.others)
    asked = here * nodes * work.arrivals * (1 + met.others)
    heard = nodes * nodes / BEAT_INTERVAL
    word = costs.bus_word(words + asked)
    cheaper = word / costs.bus_words[0]
    bus_cpu = words * word + asked * costs.bus_arrival * cheaper + heard * costs.bus_listener
    bus_bytes = words * work.signal_bytes + asked * work.small_bytes + heard * costs.beat_bytes(nodes)
    if nodes == 1:
        bus_cpu = bus_bytes = 0.0
    memory = here * (costs.member_kib + machine.kernel_kib) * 1024
    survivors = max(1, nodes - 1)
    limits = LimitsConfig()
    # Who has lost one node makes room for its members, and has half of the core for them.
    back = here / survivors * max(arrival / machine.busy, 1 / limits.links_per_second)
    listening = here * nodes / work.room_size * (1 + expected(nodes, work.room_size).others * work.by_chance)
    return Load(
        layout,
        {
            "CPU of a node": (here * each + beating) / machine.busy,
            "memory of a node": memory / (machine.node_memory * machine.busy),
            "sessions of a node": users / clusters / survivors / limits.max_sessions,
            "CPU of the bus": bus_cpu / (machine.busy * costs.bus_cores),
            "line of the bus": bus_bytes * 8 / (machine.line_bits * machine.busy),
            "beats": beating / machine.most_beating,
            "number of nodes": nodes / MAX_NODES,
        },
        here * each + beating,
        bus_cpu,
        costs.bus_cores,
        bus_bytes * 8,
        back,
        listening / costs.rooms_opened if nodes > 1 else 0.0,
    )


NODE_PARTS = ("CPU of a node", "memory of a node", "sessions of a node")
CLUSTER_PARTS = ("CPU of the bus", "line of the bus", "beats", "number of nodes")


def grown(users: float, clusters: int, costs: Costs, work: Workload, machine: Machine) -> Load:
    """With as many nodes in each cluster as that takes: two at the least, but one for the first step."""
    nodes = 1 if users <= STEPS[0][0] else 2
    while True:
        found = load(users, Layout(clusters, nodes), costs, work, machine)
        worst = max(found.parts[part] for part in NODE_PARTS)
        if worst <= 1.0 or nodes > 2 * MAX_NODES:
            return found
        # More nodes are more ways across, so it is not enough to divide: come near, then step.
        nodes = max(nodes + 1, int(nodes * worst * 0.9))


def fitting(users: float, regions: int, costs: Costs, work: Workload, machine: Machine) -> Load:
    """With as few clusters as do, at least one for each region."""
    clusters = regions
    while True:
        found = grown(users, clusters, costs, work, machine)
        worst = max(found.parts[part] for part in CLUSTER_PARTS)
        if worst <= 1.0:
            return found
        clusters += max(1, int(clusters * 0.05))


def first_to_break(
    before: Load, users: int, most: int, costs: Costs, work: Workload, machine: Machine
) -> tuple[str, int] | None:
    """What is used up first in a layout while users grow, and with how many; None: nothing is."""
    number = float(users)
    while number <= most:
        name, worst = load(number, before.layout, costs, work, machine).worst
        if worst > 1.0:
            return name, int(number)
        number *= 1.01
    return None


def month(found: Load, users: int, work: Workload, machine: Machine) -> tuple[float, float, float]:
    """Money: cores, traffic to users, and what TURN servers relay."""
    clusters, nodes = found.layout
    cores = clusters * (nodes + (found.bus_cores if nodes > 1 else 0)) * machine.core_hour * HOURS_PER_MONTH
    small = 1 / Session().ping_interval + (work.room_size - 1) * (work.updates + 2 * work.arrivals)
    signaling = users * (work.signals * work.signal_bytes + small * work.small_bytes)
    relayed = users * turn_bits(work) / 8
    seconds = HOURS_PER_MONTH * 3600
    prices = [each * seconds / GIB * machine.egress_gib for each in (signaling, relayed)]
    return cores, prices[0], prices[1]


def turn_bits(work: Workload) -> float:
    """Out of TURN servers, a second, for each user."""
    return work.relayed * (work.room_size - 1) * work.relayed_bits


class Row(NamedTuple):
    users: int
    regions: int
    found: Load
    breaks: tuple[str, int] | None
    """In the layout of the row before."""
    alone: tuple[str, float]
    """What is used up most when that only gets more nodes, and not more clusters."""


def rows(costs: Costs, work: Workload, machine: Machine) -> list[Row]:
    made: list[Row] = []
    before, users_before = load(STEPS[0][0], Layout(1, 1), costs, work, machine), STEPS[0][0]
    for users, regions in STEPS:
        breaks = first_to_break(before, users_before, users, costs, work, machine)
        only = grown(users, before.layout.clusters, costs, work, machine)
        alone = max(((part, only.parts[part]) for part in CLUSTER_PARTS), key=lambda part: part[1])
        found = fitting(users, regions, costs, work, machine)
        made.append(Row(users, regions, found, breaks, alone))
        before, users_before = found, users
    return made
