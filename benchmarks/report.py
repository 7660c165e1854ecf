"""What a benchmark found, as a table for people or one JSON object for programs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True):
    value: float
    unit: str


class Report(msgspec.Struct):
    """``ratios`` holds ours divided by each peer's, for the figure that ``benchmark`` is about."""

    benchmark: str
    figures: dict[str, Figure]
    ratios: dict[str, float]


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values)) if values else float("nan")


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; not a number when there are no values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    rank = max(1, math.ceil(percent / 100 * len(ordered)))
    return ordered[min(rank, len(ordered)) - 1]


def slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Least squares: the slope of a line through the points, and half the width of its 95 % interval."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    found = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    residuals = sum((y - mean_y - found * (x - mean_x)) ** 2 for x, y in points)
    freedom = max(1, count - 2)
    return found, _student(freedom) * math.sqrt(residuals / freedom / spread)


def _student(freedom: int) -> float:
    """Two-sided 95 % of Student's t, by the series of Cornish and Fisher; good to 1 % from 3 on."""
    z = 1.959964
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def as_json(report: Report) -> str:
    rounded = msgspec.structs.replace(
        report,
        figures={name: Figure(_round(figure.value), figure.unit) for name, figure in report.figures.items()},
        ratios={name: _round(ratio) for name, ratio in report.ratios.items()},
    )
    return msgspec.json.encode(rounded).decode()


def as_table(report: Report) -> str:
    """One line for each figure, then the ratios."""
    width = max(len(name) for name in [*report.figures, *report.ratios])
    lines = [report.benchmark]
    lines += [f"  {name:<{width}}  {_show(f.value):>12}  {f.unit}" for name, f in report.figures.items()]
    lines += [f"  ours / {name}: {ratio:.2f}" for name, ratio in report.ratios.items()]
    return "\n".join(lines)


def _round(value: float) -> float:
    # Four digits are more than two runs on one machine ever agree on.
    return float(f"{value:.4g}")


def _show(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
