"""Whether connections heal, and whether channels delay each other; beside bare aiortc where it does the same.

``--only`` takes parts: servers, channels, bulk, loss, paths, outages, leaks. Those from bulk to outages need
root: they run in network namespaces.
"""

from __future__ import annotations

import importlib
import sys

from benchmarks.report import Figure, Report
from tests.natlab.namespaces import reason_not_here

PARTS = ("servers", "channels", "bulk", "loss", "paths", "outages", "leaks")
NEED_LAB = ("bulk", "loss", "paths", "outages")


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """All parts one after the other; their figures together."""
    report = Report("heal", {}, {})
    for part in PARTS:
        if only and part not in only:
            continue
        reason = reason_not_here() if part in NEED_LAB else None
        if reason is not None:
            print(f"heal: {part} is left out: {reason}", file=sys.stderr)
            continue
        print(f"heal: {part} …", file=sys.stderr, flush=True)
        found: Report = importlib.import_module(f"benchmarks.heal_{part}").run(quick)
        report.figures.update(found.figures)
        report.ratios.update(found.ratios)
    return report


def figures(part: str, values: dict[str, tuple[float, str]]) -> dict[str, Figure]:
    return {f"{part}: {name}": Figure(value, unit) for name, (value, unit) in values.items()}
