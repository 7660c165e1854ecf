"""``make hostile``: every attack at its full size, one row each; ends with 1 if one of them did harm.

``python -m tests.hostile [--quick] [ID …]``: ``P05 W`` runs those whose ids begin so.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import math
import re
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.hostile.stage import Watched, attacking, watched

NAME = re.compile(r"test_([a-z])(\d\d)_(.+)")
MOST_SECONDS = 600.0


class Attack(NamedTuple):
    id: str
    sentence: str
    input: str
    run: Callable[..., Coroutine[Any, Any, None]]
    arguments: dict[str, Any]


class Row(NamedTuple):
    id: str
    input: str
    outcome: str
    figure: str
    waited: float
    """By the witness, p99 in seconds."""


def attacks() -> list[Attack]:
    """All test functions of this folder, in the order of their ids; parameters make several of one."""
    found = [
        attack
        for path in sorted(Path(__file__).parent.glob("test_*.py"))
        for name, function in vars(importlib.import_module(f"tests.hostile.{path.stem}")).items()
        if (matched := NAME.fullmatch(name))
        for attack in _variants(function, f"{matched[1].upper()}{int(matched[2])}", matched[3])
    ]
    return sorted(found, key=lambda attack: (attack.id[0], int(attack.id[1:])))


def _variants(function: Any, attack_id: str, words: str) -> Iterator[Attack]:
    about = inspect.getdoc(function) or ""
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            name, values = mark.args
            labels = mark.kwargs.get("ids") or [str(value) for value in values]
            for value, label in zip(values, labels, strict=True):
                yield Attack(attack_id, words.replace("_", " "), f"{about}: {label}", function, {name: value})
            return
    yield Attack(attack_id, words.replace("_", " "), about, function, {})


async def _play(attack: Attack, house: Watched, is_full: bool) -> Row:
    told: list[str] = []
    waited = math.inf
    started = time.monotonic()
    try:
        async with asyncio.timeout(MOST_SECONDS), attacking(house, is_full=is_full) as stage:
            told = stage.figures
            arguments = dict(attack.arguments)
            if "stage" in inspect.signature(attack.run).parameters:
                arguments["stage"] = stage
            await attack.run(**arguments)
        outcome, waited = "held", stage.waited
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 whatever it is, the table tells it, and the others go on
        outcome = "FAILED"
        told = [*told, " ".join(f"{type(error).__name__}: {error}".split())[:300]]
    figure = "; ".join([*told, f"{time.monotonic() - started:.1f} s"])
    return Row(attack.id, attack.input, outcome, figure, waited)


def main(arguments: list[str]) -> int:
    is_full = "--quick" not in arguments
    wanted = tuple(each.upper() for each in arguments if not each.startswith("-"))
    chosen = [attack for attack in attacks() if not wanted or _is_wanted(attack.id, wanted)]
    rows: list[Row] = []
    with watched() as house:
        print(f"idle witness: p50 {house.idle.p50 * 1e3:.1f} ms, p99 {house.idle.p99 * 1e3:.1f} ms\n")
        print("| Id | Input | Outcome | Figure |\n|---|---|---|---|")
        for attack in chosen:
            row = asyncio.run(_play(attack, house, is_full))
            rows.append(row)
            print(f"| {row.id} | {row.input} | {row.outcome} | {row.figure} |", flush=True)
            if not house.server.is_alive:
                print("\nThe server has ended; the rest was not run.")
                break
    failed = [row for row in rows if row.outcome != "held"]
    ids = sorted({row.id for row in failed})
    print(
        f"\n{len(rows)} of {len(chosen)} attacks, {len(failed)} did harm{': ' if ids else ''}{', '.join(ids)}"
    )
    strict = sum(row.waited <= 3 * house.idle.p99 for row in rows)
    print(f"in {strict} of {len(rows)} the witness waited at most three times as long as on the idle server")
    return 1 if failed or len(rows) < len(chosen) else 0


def _is_wanted(attack_id: str, wanted: tuple[str, ...]) -> bool:
    return any(attack_id == each or (each.isalpha() and attack_id.startswith(each)) for each in wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
