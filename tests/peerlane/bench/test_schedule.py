"""An open loop: what is due is due, however late somebody looks."""

from __future__ import annotations

from collections import Counter

import pytest

from peerlane.bench.plan import Pattern
from peerlane.bench.schedule import EVERYBODY, Pace, route


def test_who_looks_late_finds_all_that_became_due_with_its_own_time() -> None:
    pace = Pace(rate=10, start=100.0, end=101.0)
    assert list(pace.due(99.9)) == []
    assert list(pace.due(100.0)) == [0]
    assert list(pace.due(100.55)) == [1, 2, 3, 4, 5]
    assert pace.time_of(5) == pytest.approx(100.5)
    assert list(pace.due(100.55)) == []
    assert list(pace.due(500.0)) == [6, 7, 8, 9]
    assert pace.is_over


@pytest.mark.parametrize("rate", [0.3, 3, 7, 333.3, 10_000])
def test_as_many_as_the_rate_says_however_often_somebody_looks(rate: float) -> None:
    pace = Pace(rate, 5.0, 15.0)
    found = [count for moment in range(5000, 16000, 7) for count in pace.due(moment / 1000)]
    assert found == list(range(round(rate * 10)))


def test_what_is_due_next_is_due_at_that_moment() -> None:
    pace = Pace(rate=3, start=0.1, end=20.0)
    while not pace.is_over:
        assert len(pace.due(pace.next_at)) == 1


def test_without_a_rate_nothing_is_ever_due() -> None:
    pace = Pace(0.0, 0.0, 10.0)
    assert pace.is_over
    assert list(pace.due(5.0)) == []


@pytest.mark.parametrize("pattern", ["mesh", "churn", "storm"])
def test_in_a_mesh_every_pair_gets_as_many(pattern: Pattern) -> None:
    rooms, peers = 3, 4
    pairs = Counter(route(pattern, count, rooms, peers) for count in range(5 * rooms * peers * (peers - 1)))
    assert len(pairs) == rooms * peers * (peers - 1)
    assert set(pairs.values()) == {5}
    assert all(sender != target for _, sender, target in pairs)


def test_in_a_star_all_go_through_the_middle_to_and_fro() -> None:
    pairs = Counter(route("star", count, 1, 4) for count in range(60))
    assert pairs == {pair: 10 for other in (1, 2, 3) for pair in ((0, 0, other), (0, other, 0))}


def test_a_fanout_is_one_who_speaks_to_everybody() -> None:
    assert {route("fanout", count, 2, 9) for count in range(50)} == {(0, 0, EVERYBODY), (1, 0, EVERYBODY)}
