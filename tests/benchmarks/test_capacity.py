"""What is reckoned for many users is what the rules do with few, and what the pages say."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from benchmarks import capacity
from benchmarks.capacity_costs import costs
from benchmarks.capacity_model import (
    CLUSTER_PARTS,
    NODE_PARTS,
    STEPS,
    Layout,
    Machine,
    Workload,
    counted,
    expected,
    first_to_break,
    fitting,
    load,
    rows,
)
from signaling.cluster.words import Changed, NodeWord, Say
from signaling.config import Config, LimitsConfig
from signaling.protocol.messages import Update
from tests.signaling.kit import Client
from tests.signaling.nodes_kit import Nodes

BUSES = ["redis", "nats"]
WORK, MACHINE = Workload(), Machine()


@pytest.mark.parametrize("name", capacity.PAGES)
def test_the_tables_of_the_pages_are_what_the_simulation_finds(name: str) -> None:
    page = (capacity.DOCS / name).read_text()
    found = capacity.tables()
    assert page.count("<!-- table ") == page.count("<!-- end of table -->") > 0
    assert capacity.written(page, found) == page, "run: python -m benchmarks.capacity"


@pytest.mark.parametrize("nodes", [2, 3, 10, 100])
@pytest.mark.parametrize("size", [2, 4, 8])
def test_rooms_that_are_put_on_nodes_by_chance_spread_as_the_formula_says(nodes: int, size: int) -> None:
    seen, formula = counted(nodes, size, rooms=5_000), expected(nodes, size)
    assert seen.across == pytest.approx(formula.across, rel=0.03)
    assert seen.others == pytest.approx(formula.others, rel=0.03)


def test_hubs_say_as_many_words_to_each_other_as_are_counted() -> None:
    rooms, size, names = 60, 4, "abcde"
    chance = random.Random(5)
    limits = LimitsConfig(max_rooms=rooms * size, joins_per_second=1e9)
    cluster = Nodes(*names, config=Config(limits=limits))
    members = [[Client(cluster[chance.choice(names)]).connect() for _ in range(size)] for _ in range(rooms)]
    for number, room in enumerate(members):
        for member in room:
            member.join(f"room {number}")
            cluster.settle()
    said: Counter[type[NodeWord]] = Counter()
    put = cluster.put

    def counting(sender: str, to: str, word: bytes, kind: type[NodeWord]) -> None:
        said[kind] += 1
        put(sender, to, word, kind)

    cluster.put = counting  # type: ignore[assignment,method-assign]  # only to count
    across = others = 0
    for number, room in enumerate(members):
        for member in room:
            member.say(Update(1, f"room {number}", name="renamed"))
            others += len({other.world for other in room} - {member.world})
            for other in room:
                if other is not member:
                    member.signal(other)
                    across += other.world is not member.world
    assert said == {Say: across, Changed: others}
    assert across / (rooms * size * (size - 1)) == pytest.approx(expected(5, 4).across, rel=0.1)


@pytest.mark.parametrize("bus", BUSES)
def test_every_step_fits_and_none_of_its_parts_is_used_more_than_planned(bus: str) -> None:
    for row in rows(costs(bus), WORK, MACHINE):
        assert all(row.found.parts[part] <= 1.0 for part in (*NODE_PARTS, *CLUSTER_PARTS)), row
        assert row.found.layout.clusters >= row.regions


@pytest.mark.parametrize("bus", BUSES)
def test_one_cluster_fewer_would_not_do(bus: str) -> None:
    for users, regions in STEPS:
        found = fitting(users, regions, costs(bus), WORK, MACHINE)
        if found.layout.clusters > regions:
            fewer = fitting(users, 1, costs(bus), WORK, MACHINE)
            assert fewer.layout.clusters >= found.layout.clusters * 0.9


def test_nodes_that_hear_each_other_hear_four_times_as_many_beats_when_they_are_twice_as_many() -> None:
    silent = Workload(stay=1e12, updates=0.0)
    found = [load(1, Layout(1, nodes), costs("redis"), silent, MACHINE).bus_cpu for nodes in (100, 200)]
    assert found[1] / found[0] == pytest.approx(4.0, rel=0.01)


def test_one_node_alone_needs_no_bus() -> None:
    found = load(1_000, Layout(1, 1), costs("redis"), WORK, MACHINE)
    assert found.bus_cpu == found.bus_bits == found.parts["beats"] == 0.0


def test_what_breaks_first_is_the_part_of_which_most_is_used() -> None:
    small = load(1_000, Layout(1, 2), costs("redis"), WORK, MACHINE)
    broken = first_to_break(small, 1_000, 10_000_000, costs("redis"), WORK, MACHINE)
    assert broken is not None
    name, users = broken
    assert load(users * 1.02, Layout(1, 2), costs("redis"), WORK, MACHINE).parts[name] > 1.0
    assert load(users * 0.97, Layout(1, 2), costs("redis"), WORK, MACHINE).worst[1] <= 1.0
