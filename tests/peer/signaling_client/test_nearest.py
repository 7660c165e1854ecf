"""Which nodes are measured and used; ``tests/vectors/nearest.json`` binds both languages."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from peer.signaling_client.nearest import MAX_MEASURED, Answer, Measured, by_weight, candidates, nearest
from signaling.protocol.parts import NodeAddress

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "nearest.json").read_text())


@pytest.mark.parametrize("case", VECTORS["nearest"], ids=lambda case: case["name"])
def test_nodes_are_used_in_the_order_of_the_examples(case: dict[str, Any]) -> None:
    measured = msgspec.convert(case["measured"], list[Measured])
    nodes, regions = nearest(measured, case["current"], iter(case["fractions"]).__next__)
    assert [node.url for node in nodes] == case["nodes"]
    assert regions == case["regions"]


@pytest.mark.parametrize("case", VECTORS["candidates"], ids=lambda case: case["name"])
def test_nodes_are_measured_as_the_examples_say(case: dict[str, Any]) -> None:
    answers = msgspec.convert(case["answers"], dict[str, Answer])
    assert [node.url for node in candidates(answers, iter(case["fractions"]).__next__)] == case["urls"]


def test_twice_the_weight_is_twice_the_clients() -> None:
    nodes = [NodeAddress("wss://a", weight=1.0), NodeAddress("wss://b", weight=2.0)]
    chance = random.Random(1).random
    first = [by_weight(nodes, chance)[0].url for _ in range(6_000)]
    assert 0.64 < first.count("wss://b") / len(first) < 0.69


def test_not_more_are_measured_than_is_bearable() -> None:
    many = [NodeAddress(f"wss://n{n}.example", region=str(n)) for n in range(1_000)]
    told = {"wss://n0.example/v1/ws": Answer("0", "", many)}
    assert len(candidates(told, random.random)) == MAX_MEASURED
