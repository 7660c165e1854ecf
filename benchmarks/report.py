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
