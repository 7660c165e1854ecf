from __future__ import annotations

import json
import math

import pytest

from benchmarks.report import Figure, Report, as_json, as_table, median, percentile, slope

REPORT = Report(
    "relay", {"ours: signals": Figure(123456.789, "1/s"), "ws: signals": Figure(61728.0, "1/s")}, {"ws": 2.0}
)


def test_json_is_one_object_with_figures_and_ratios() -> None:
    assert json.loads(as_json(REPORT)) == {
        "benchmark": "relay",
        "figures": {
            "ours: signals": {"value": 123500.0, "unit": "1/s"},
            "ws: signals": {"value": 61730.0, "unit": "1/s"},
        },
        "ratios": {"ws": 2.0},
    }


def test_a_table_names_every_figure_and_ratio() -> None:
    table = as_table(REPORT)
    assert "123,457" in table
    assert "ours / ws: 2.00" in table
    assert len(table.splitlines()) == 4


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 50) == 50.0
    assert percentile(values, 99) == 99.0
    assert percentile([7.0], 99) == 7.0
    assert median([3.0, 1.0, 2.0]) == 2.0


def test_nothing_measured_is_not_a_number() -> None:
    assert percentile([], 50) != percentile([], 50)
    assert median([]) != pytest.approx(0.0)


def test_a_slope_has_an_interval_that_is_as_wide_as_its_points_are_apart() -> None:
    assert slope([(0, 1), (1, 3), (2, 5), (3, 7)]) == pytest.approx((2.0, 0.0))
    # By hand: residuals of 0.3 in all over a spread of 5, and Student's t of 4.303 for two degrees.
    steepness, margin = slope([(0, 0), (1, 1), (2, 1), (3, 2)])
    assert steepness == pytest.approx(0.6)
    assert margin == pytest.approx(4.303 * math.sqrt(0.2 / 2 / 5), rel=0.05)
