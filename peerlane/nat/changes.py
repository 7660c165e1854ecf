"""What differs between two reports of the same network; round trips and ports, which always do, aside."""

from __future__ import annotations

import re
from collections import Counter

from peer.nat.report import Report, Row
from peerlane.console import printable

_FLEETING = re.compile(r"\d+(?:\.\d+)?\s?(?:ms|s)\b|(?<=[\d\]]):\d{1,5}\b|(?<=port )\d{1,5}\b")
"""Times, and the ports that each new socket has another of."""


def changes(before: Report, after: Report) -> list[str]:
    """One line for each change, the verdict first; empty when all is as it was."""
    lines = []
    if before.verdict.sentence != after.verdict.sentence:
        lines.append(printable(after.verdict.sentence))
    old, new = _rows(before), _rows(after)
    for key, row in new.items():
        was = old.get(key)
        if was is None:
            lines.append(_line(key, "now " + row.value))
        elif _essence(was) != _essence(row):
            lines.append(_line(key, f"{was.value} → {row.value}"))
    lines += [_line(key, "no longer there") for key in old if key not in new]
    outcomes = {each.network: each for each in before.expectations}
    for each in after.expectations:
        then = outcomes.get(each.network)
        if then is not None and then.outcome != each.outcome:
            lines.append(_line(("Expected", each.name, 0), f"{then.outcome} → {each.outcome}"))
    return lines


Key = tuple[str, str, int]
"""Section, label, and which row of that label."""


def _rows(report: Report) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    for section in report.sections:
        met: Counter[str] = Counter()
        for row in section.rows:
            rows[section.title, row.label, met[row.label]] = row
            met[row.label] += 1
    return rows


def _essence(row: Row) -> tuple[str, str]:
    return row.level, _FLEETING.sub("…", row.value)


def _line(key: Key, text: str) -> str:
    return printable(f"{key[0]}, {key[1]}: {text}")
