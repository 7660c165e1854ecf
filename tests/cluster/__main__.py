"""``make cluster``: every fault of a cluster at its full size, over Redis and over NATS, one row each.

``python -m tests.cluster [--rooms N] [--rate N] [F1 … | redis | nats]``. Ends with 1 if something was
promised and is not so. What was seen is kept in ``benchmarks/results/cluster.json``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, get_args

import msgspec
from cyclopts import App, Parameter

from tests.cluster.house import Kind
from tests.cluster.scenarios import TABLE
from tests.cluster.trial import Trial, trial

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "cluster.json"
HEAD = (
    "| Id | Bus | Fault | Signals | Lost | Doubled | Reordered | Astray | Told | Noticed | Ghosts left "
    "| Rosters right | Back p50, p99, max | Whole | Peak/s | Local p99 | Outcome |\n" + "|---" * 17 + "|"
)

app = App(help_format="plaintext", result_action="return_value")


@app.default
def main(
    *wanted: Annotated[str, Parameter(help="ids of faults, and buses")], rooms: int = 250, rate: float = 100.0
) -> int:
    """Make faults, and count."""
    buses = [bus for bus in get_args(Kind) if bus in wanted] or list(get_args(Kind))
    ids = {each for each in wanted if each not in get_args(Kind)}
    chosen = [entry for entry in TABLE if not ids or entry.id in ids]
    seen: list[Trial] = []
    print(f"{rooms * 4} clients in {rooms} rooms, {rate:g} signals a second, 3 nodes\n\n{HEAD}", flush=True)
    failed = 0
    for bus in buses:
        for entry in chosen:
            found = asyncio.run(trial(entry, bus, rooms, rate))
            seen.append(found)
            failed += bool(found.problems)
            print(row(found), flush=True)
            for line in found.faults[:3]:
                print(f"  {line}", file=sys.stderr)
    if not wanted:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        kept = {"day": day, "trials": msgspec.to_builtins(seen)}
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    print(f"\n{len(seen)} trials, {failed} in which a promise was not kept")
    return 1 if failed else 0


def row(found: Trial) -> str:
    counts = found.counts
    noticed = ", ".join("never" if each is None else f"{each:.1f} s" for each in found.noticed) or "–"
    right = "never" if found.right_after is None else f"{found.right_after:.1f} s"
    back = "–"
    if found.backs:
        back = f"{found.back_p50:.2f}, {found.back_p99:.2f}, {found.back_max:.2f} s ({found.backs})"
    outcome = "held" if not found.problems else "; ".join(found.problems)
    cells = [
        found.id, found.bus, found.fault + (f" ({found.figure})" if found.figure else ""), counts.said,
        counts.lost, counts.doubled, counts.reordered, counts.astray, counts.given_up, noticed,
        found.presence_after.ghosts, right, back, found.backs - found.fresh, found.most_backs_a_second,
        f"{found.local_p99 * 1e3:.0f} ms (before {found.local_p99_before * 1e3:.0f})", outcome,
    ]  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(app())
