"""Times that are counted in steps: percentiles are nearly right, the largest is."""

from __future__ import annotations

import math
import random

import pytest

from benchmarks.report import percentile
from peerlane.bench.histogram import Histogram


def of(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 99.9, 100])
def test_a_percentile_is_at_most_two_percent_too_high(percent: float) -> None:
    values = [random.Random(3).lognormvariate(-6, 1.5) for _ in range(5000)]
    exact = percentile(values, percent)
    assert exact <= of(values).percentile(percent) * (1 + 1e-9) <= exact * 1.0201


def test_no_percentile_is_more_than_the_largest() -> None:
    assert of([0.0123]).percentile(50) == of([0.0123]).largest == 0.0123


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(Histogram().percentile(99))


def test_what_takes_no_time_is_counted_too() -> None:
    assert of([0.0, -1e-9]).count == 2


def test_two_together_are_as_if_all_had_been_added_to_one() -> None:
    one, other = of([0.001, 0.002]), of([0.5, 0.002])
    one.merge(other)
    assert one == of([0.001, 0.002, 0.5, 0.002])
