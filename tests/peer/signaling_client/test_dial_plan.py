"""Where links go when a node is lost: soon, all over the others, and not in one wave.

What a single client does, step by step, is in ``tests/vectors/session.json``.
"""

from __future__ import annotations

import random
from collections import Counter
from statistics import quantiles

import msgspec
import pytest

from peer.signaling_client.dial_plan import CONNECT_TIMEOUT, DialPlan
from peer.signaling_client.nearest import Addresses
from signaling.protocol.messages import Welcome
from signaling.protocol.parts import NodeAddress
from tests.peer.signaling_client.test_session import WELCOME

CLIENTS = 3_000
REFUSAL = 0.001
"""Seconds until the machine of a process that is gone says so."""


def url(name: str) -> str:
    return f"wss://{name}.example/v1/ws"


def plan(*nodes: NodeAddress, at: str = "n1", seed: int = 0) -> DialPlan:
    """Of a client that was welcome at a node."""
    made = DialPlan(Addresses([url(at)]), random.Random(seed).random)
    here = next((node for node in nodes if node.id == at), NodeAddress("", id=at))
    known = {"node": at, "region": here.region, "nodes": msgspec.to_builtins(nodes)}
    made.welcomed(msgspec.convert(WELCOME | known, Welcome))
    return made


def node(name: str, region: str = "eu", weight: float = 1.0) -> NodeAddress:
    return NodeAddress(f"https://{name}.example", region, weight, name)


def back(made: DialPlan, dead: set[str], *, failure: float = REFUSAL) -> tuple[str, float]:
    """Where a client comes in again after its node has been killed, and after how many seconds."""
    now = made.lost(0.0, 0.0, was_open=True, is_leaving=False)
    while made.url in dead:
        now += min(failure, made.patience)
        now += made.lost(now, 0.0, was_open=False, is_leaving=False)
    return made.url, now


def crowd(dead: set[str], failure: float = REFUSAL) -> tuple[Counter[str], list[float]]:
    nodes = [node("n1"), node("n2"), node("n3", weight=2.0), node("n4", "us")]
    came = [back(plan(*nodes, seed=seed), dead, failure=failure) for seed in range(CLIENTS)]
    return Counter(place for place, _ in came), [seconds for _, seconds in came]


def test_a_killed_node_is_left_within_a_second_and_not_in_one_wave() -> None:
    places, seconds = crowd({url("n1")})
    parts = quantiles(seconds, n=100)
    assert parts[49] < 0.6
    assert parts[98] < 1.0
    waves = Counter(int(each * 10) for each in seconds)
    assert max(waves.values()) < CLIENTS / 4
    assert places[url("n2")] + places[url("n3")] == CLIENTS
    assert 1.8 < places[url("n3")] / places[url("n2")] < 2.2


def test_a_node_that_says_nothing_at_all_is_left_in_time() -> None:
    _, seconds = crowd({url("n1")}, failure=CONNECT_TIMEOUT)
    assert quantiles(seconds, n=100)[98] < 5.0


def test_when_a_region_is_gone_the_next_is_found() -> None:
    places, seconds = crowd({url("n1"), url("n2"), url("n3")})
    assert places == {url("n4"): CLIENTS}
    assert quantiles(seconds, n=100)[98] < 2.0


@pytest.mark.parametrize("count", [1, 3])
def test_a_node_is_asked_as_rarely_as_if_it_were_the_only_one(count: int) -> None:
    """For an hour nobody answers, and nobody refuses at once."""
    made = plan(*(node(f"n{number}") for number in range(1, count + 1)))
    asked: Counter[str] = Counter()
    now = made.lost(0.0, 0.0, was_open=True, is_leaving=False)
    while now < 3_600.0:
        asked[made.url] += 1
        now += made.lost(now, 0.0, was_open=False, is_leaving=False)
    assert len(asked) == count
    assert all(seen < 3_600 / 15 / count * 1.3 + 10 for seen in asked.values())


def test_a_list_that_makes_no_sense_leads_nowhere() -> None:
    made = plan(
        NodeAddress("javascript:alert(1)"), NodeAddress("https://"), NodeAddress("\0", weight=float("nan"))
    )
    for _ in range(10):
        made.lost(0.0, float("nan"), was_open=True, is_leaving=True)
        assert made.url == url("n1")
