"""How a crowd came back: when, how high, and whether there was a second wave."""

from __future__ import annotations

import pytest

from peerlane.bench.waves import bucket_of, by_second, waves


def test_a_crowd_that_is_spread_has_no_second_wave() -> None:
    found = waves({0: 100}, dict.fromkeys(range(5), 20), dict.fromkeys(range(5), 20))
    assert (found.lost, found.back, found.second_wave) == (100, 100, 0.0)
    assert found.peak_attempts == pytest.approx(200.0)
    assert found.seconds_to_99_percent == pytest.approx(0.5)


def test_those_who_come_again_after_a_silence_are_a_second_wave() -> None:
    attempts = {3: 60, 7: 40, 12: 4, 31: 30, 35: 30, 52: 20}
    assert waves({0: 100}, attempts, {}).second_wave == pytest.approx(0.6)


def test_a_lull_of_less_than_a_second_does_not_end_a_wave() -> None:
    assert waves({0: 100}, {0: 80, 12: 100, 24: 90}, {}).second_wave == 0.0


def test_a_crowd_that_is_not_back_has_no_time_for_it() -> None:
    assert waves({0: 100}, {}, {3: 98}).seconds_to_99_percent is None
    assert waves({5: 100}, {}, {5: 98, 14: 1}).seconds_to_99_percent == pytest.approx(1.0)


def test_nothing_lost_is_no_wave() -> None:
    assert waves({}, {}, {}).second_wave == 0.0


def test_tenths_are_added_up_to_seconds() -> None:
    assert bucket_of(2.35) == 23
    assert by_second({9: 1, 10: 2, 19: 3, 35: 4}) == [1, 5, 0, 4]
    assert by_second({}) == []
