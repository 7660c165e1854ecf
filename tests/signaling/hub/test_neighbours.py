"""Nodes that lose each other and find each other again, step by step; any order is in test_nodes_model.py."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from signaling.cluster.words import NodeId
from signaling.protocol.messages import Join, PeerLeft, Refused, Signal
from tests.signaling.kit import Client
from tests.signaling.nodes_kit import Nodes, believed

NAMES = ("a", "b", "c")


def crowd(*names: str) -> tuple[Nodes, list[Client]]:
    """One client at each of three nodes, all in one room; there may be more nodes."""
    nodes = Nodes(*(names or NAMES))
    clients = []
    for name in NAMES:
        client = Client(nodes[name])
        client.connect()
        client.say(Join(1, "room", name=name))
        nodes.settle()
        clients.append(client)
    return nodes, clients


def assert_all_see_each_other(clients: list[Client]) -> None:
    for client in clients:
        client.read()
        seen = {name for name, _ in believed(client.heard)["default/room"].values()}
        assert seen == set(NAMES) - {client.world.id}, client.world.id  # type: ignore[attr-defined]


@pytest.mark.parametrize("order", list(itertools.permutations(NAMES)))
@pytest.mark.parametrize("seconds", [0.0, 0.25, 2.0, 4.0])
def test_nodes_that_find_the_bus_again_one_after_the_other_see_each_others_members(
    order: tuple[str, ...], seconds: float
) -> None:
    nodes, clients = crowd()
    nodes.lose_bus()
    nodes.pass_time(1.0)
    for name in order:
        nodes.find_bus(name)
        if seconds:
            nodes.pass_time(seconds)
    nodes.pass_time(10.0)
    assert_all_see_each_other(clients)


def test_nobody_is_taken_for_gone_whose_node_finds_the_bus_some_seconds_later() -> None:
    nodes, clients = crowd()
    nodes.lose_bus()
    nodes.pass_time(1.0)
    nodes.find_bus("a")
    nodes.pass_time(5.0)
    nodes.find_bus("b")
    nodes.find_bus("c")
    nodes.pass_time(10.0)
    assert_all_see_each_other(clients)
    assert not [event for event in clients[0].heard if isinstance(event, PeerLeft)]


def test_nobody_is_taken_for_gone_who_was_asked_for_when_the_bus_went_away_again() -> None:
    nodes, clients = crowd()
    for _ in range(2):
        nodes.lose_bus()
        nodes.pass_time(8.0)
        nodes.find_bus("a")
    for name in NAMES[1:]:
        nodes.find_bus(name)
    nodes.pass_time(10.0)
    assert_all_see_each_other(clients)
    assert not [event for event in clients[0].heard if isinstance(event, PeerLeft)]


def test_a_room_for_which_the_bus_was_too_slow_is_asked_for_again() -> None:
    nodes = Nodes(*NAMES)
    clients = [Client(nodes[name]) for name in NAMES]
    for client, name in zip(clients, NAMES, strict=True):
        client.connect()
        nodes.unanswered = 2
        client.say(Join(1, "room", name=name))
        nodes.settle()
    assert_all_see_each_other(clients)


def test_a_signal_that_missed_somebody_who_has_come_to_this_very_node_is_not_refused() -> None:
    nodes, (ana, ben, _) = crowd()
    ana.say(Signal(ben.id, 1, msgspec.Raw(b'"said while Ben is on his way"')))
    (on_its_way,) = nodes.lines[NodeId("a"), NodeId("b")]
    nodes.lines[NodeId("a"), NodeId("b")].clear()
    ben.lose_link()
    nodes.settle()
    assert nodes.move(ben, "a")
    nodes.settle()
    nodes.lines[NodeId("a"), NodeId("b")].append(on_its_way)
    nodes.settle()
    ana.read()
    assert not [event for event in ana.heard if isinstance(event, Refused)]


@pytest.mark.parametrize("name", ["a", "d"])
def test_a_session_that_comes_when_it_is_not_waited_for_any_more_is_seen_nowhere(name: str) -> None:
    """At a node that has the room, and at one that has opened it for nobody else."""
    nodes, (ana, ben, cem) = crowd(*NAMES, "d")
    ben.lose_link()
    nodes.settle()
    assert not nodes.move(ben, name, is_patient=False)
    nodes.settle()
    nodes.pass_time(10.0)
    for client in (ana, cem):
        client.read()
        assert ben.id not in believed(client.heard)["default/room"], client.world
