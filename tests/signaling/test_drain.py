"""Who is told when that a node leaves."""

from __future__ import annotations

import random
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.drain import ASK_PATIENCE, Ask, Drain, Goodbye, Tell, Times, Turn, UnderWay, plan
from signaling.protocol.errors import DRAINING

NOW = 1_000.0
TIMES = Times(window=10.0, rate=100.0, left=28.0, is_alone=False)
NOTHING = UnderWay(0)


def planned(*turns: Turn, times: Times = TIMES, seed: int = 1) -> list[Goodbye]:
    return plan(list(enumerate(turns)), NOW, times, random.Random(seed).random)


def test_many_are_spread_evenly_over_the_window() -> None:
    goodbyes = planned(*[Turn.NATIVE] * 4_000)
    counts = [sum(int(each.at - NOW) == second for each in goodbyes) for second in range(10)]
    assert sum(counts) == 4_000
    assert all(330 < count < 470 for count in counts)
    assert {each.after for each in goodbyes} == {0.0}


def test_a_few_do_not_wait_for_a_window_that_they_do_not_need() -> None:
    assert max(each.at for each in planned(*[Turn.NATIVE] * 5)) <= NOW + 5 / TIMES.rate


def test_without_time_to_stay_clients_are_told_how_long_to_stay_away() -> None:
    goodbyes = planned(*[Turn.NATIVE] * 4_000, times=TIMES._replace(left=2.0))
    assert max(each.at for each in goodbyes) == NOW + 2.0
    away = [each.at - NOW + each.after for each in goodbyes]
    assert 9.9 < max(away) < 10.0


def test_a_node_without_others_tells_all_at_once_and_spreads_their_return() -> None:
    goodbyes = planned(*[Turn.NATIVE] * 4_000, times=TIMES._replace(is_alone=True))
    assert {each.at for each in goodbyes} == {NOW}
    assert min(each.after for each in goodbyes) >= DRAINING.after
    assert 9.9 < max(each.after for each in goodbyes) - DRAINING.after < 10.0


def test_clients_that_cannot_come_back_by_themselves_are_told_after_all_others() -> None:
    goodbyes = planned(Turn.LAST, Turn.QUIET, Turn.LAST, *[Turn.NATIVE] * 2_000, Turn.SPREAD)
    order = [each.link for each in goodbyes]
    assert order.index(1) == 2_001
    assert set(order[-2:]) == {0, 2}
    assert goodbyes[-1].at == NOW + TIMES.left


def test_who_knows_no_word_for_it_is_not_told_to_stay_away() -> None:
    for times in (TIMES._replace(is_alone=True), TIMES._replace(left=0.0)):
        assert {each.after for each in planned(*set(Turn) - {Turn.NATIVE}, times=times)} == {0.0}


def test_a_client_is_asked_for_what_it_has_had_and_told_when_it_has_said_so() -> None:
    drain = Drain([Goodbye("ana", NOW, NOW + ASK_PATIENCE, 0.0)])
    under_way = {"ana": UnderWay(queued=0, unconfirmed=3)}
    assert drain.wake(NOW, under_way.get) == [Ask("ana")]
    assert drain.wake(NOW + 0.1, under_way.get) == []
    assert not drain.is_over
    under_way["ana"] = NOTHING
    assert drain.wake(NOW + 0.2, under_way.get) == [Tell("ana", 0.0)]
    assert drain.is_over


@pytest.mark.parametrize("rest", [UnderWay(0, 3), UnderWay(7)])
def test_who_does_not_read_or_answer_is_told_all_the_same(rest: UnderWay) -> None:
    drain = Drain([Goodbye("ana", NOW, NOW + ASK_PATIENCE, 0.5)])
    drain.wake(NOW, lambda link: rest)
    assert drain.wake_at == NOW + ASK_PATIENCE
    assert drain.wake(drain.wake_at, lambda link: rest) == [Tell("ana", 0.5)]


def test_who_has_gone_is_not_told() -> None:
    drain = Drain([Goodbye("ana", NOW, NOW, 0.0)])
    assert drain.wake(NOW, lambda link: None) == []
    assert drain.is_over
    assert drain.wake_at == inf


def test_in_a_hurry_all_are_told_and_stay_away_for_the_rest_of_the_window() -> None:
    drain = Drain([Goodbye("ana", NOW, NOW + 9, 0.0), Goodbye("ben", NOW + 4.0, NOW + 9, 0.0)])
    drain.wake(NOW + 1.0, lambda link: UnderWay(1))
    drain.hurry(NOW + 1.0)
    assert drain.wake(NOW + 1.0, lambda link: UnderWay(1)) == [Tell("ana", 0.0), Tell("ben", 3.0)]
    assert drain.is_over


@given(
    turns=st.lists(st.sampled_from(Turn), max_size=40),
    window=st.floats(0, 60),
    left=st.floats(-5, 60),
    is_alone=st.booleans(),
    seed=st.integers(0, 1_000),
)
def test_everybody_is_told_once_and_in_time(
    turns: list[Turn], window: float, left: float, is_alone: bool, seed: int
) -> None:
    times = Times(window, 5.0, left, is_alone)
    drain = Drain(planned(*turns, times=times, seed=seed))
    chance = random.Random(seed)
    told: list[int] = []
    now = NOW
    while not drain.is_over:
        now = max(now, drain.wake_at)
        assert now <= NOW + max(0.0, left)
        steps = drain.wake(now, lambda link: UnderWay(chance.randrange(2), chance.randrange(2)))
        told += [step.link for step in steps if isinstance(step, Tell)]
        assert all(0.0 <= step.after <= DRAINING.after + window for step in steps if isinstance(step, Tell))
    assert sorted(told) == list(range(len(turns)))
