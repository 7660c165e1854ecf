"""The examples that Python and JavaScript both keep to.

When words or rules have changed on purpose, ``.venv/bin/python -m tests.peer.nat.vectors`` writes the
reports anew; what has changed is then read as any other change is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from peer.nat.build import report
from peer.nat.observations import Observations
from peer.nat.report import Report

FILE = Path(__file__).parents[2] / "vectors" / "nat.json"
ABOUT = (
    "What was seen of a network, and what is said about it. What is left out of the observations keeps its "
    "default; a row is its label, value, note and level; an expectation is its outcome and reason, with the "
    "networks for which it holds."
)


def cases() -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(FILE.read_text())["cases"]
    return read


def observations(case: dict[str, Any]) -> Observations:
    return msgspec.convert(case["observations"], Observations)


def written(said: Report) -> dict[str, Any]:
    """A report as the examples have it: without the observations, and with rows that fit on a line."""
    plain = msgspec.to_builtins(said)
    del plain["observations"]
    plain["sections"] = {
        each["title"]: [list(row.values()) for row in each["rows"]] for each in plain["sections"]
    }
    grouped: dict[str, list[str]] = {}
    for each in plain["expectations"]:
        grouped.setdefault(f"{each['outcome']}: {each['why']}", []).append(each["network"])
    plain["expectations"] = grouped
    return dict(plain)


def _renew(named: list[dict[str, Any]]) -> str:
    lines = [json.dumps({"about": ABOUT}, ensure_ascii=False)[:-1] + ', "cases": [']
    for number, case in enumerate(named):
        said = written(report(observations(case)))
        parts = [
            f'  "{part}": {json.dumps(said[part], ensure_ascii=False)}' for part in ("schema", "verdict")
        ]
        parts += [_listed(part, said[part]) for part in ("behaviour", "sections", "expectations")]
        name, seen = (json.dumps(case[key], ensure_ascii=False) for key in ("name", "observations"))
        lines.append(f' {{"name": {name}, "observations":\n  {seen},\n "report": {{')
        lines.append(",\n".join(parts))
        lines.append(" }}" + ("," if number + 1 < len(named) else ""))
    return "\n".join([*lines, "]}", ""])


def _listed(part: str, found: Any) -> str:
    if isinstance(found, dict):
        rows = [
            f"{json.dumps(title)}: {json.dumps(each, ensure_ascii=False)}" for title, each in found.items()
        ]
        return f'  "{part}": {{\n   ' + ",\n   ".join(rows) + "}"
    rows = [json.dumps(each, ensure_ascii=False) for each in found]
    return f'  "{part}": [' + ("\n   " + ",\n   ".join(rows) if rows else "") + "]"


if __name__ == "__main__":
    FILE.write_text(_renew(cases()))
