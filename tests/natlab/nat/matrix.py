"""Every network with every network: ``python -m tests.natlab.nat.matrix``, or ``make natlab``.

What ``peerlane nat check`` says of each, then ordered pairs of Python peers over our server, and bare aiortc
beside them in the same lab. Prints tables, and writes benchmarks/results/natlab.json. Exit code 1: something
was not as it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import itertools
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from tests.natlab.nat import chromium, costs, special
from tests.natlab.nat.classification import checked, expected, seen
from tests.natlab.nat.meetings import Meeting, meet, meet_bare
from tests.natlab.nat.networks import NETWORKS, Network, is_direct, network
from tests.natlab.nat.places import World, world
from tests.natlab.nat.rootless import reason_no_internet_here

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results" / "natlab.json"
TABLES = ("classification", "pairs", "costs", "special", "chromium")
MOST_TRIES = 12
"""For each wanted run: who offers is chance, and so is whose turn it is."""

Pair = tuple[str, str]
"""Offerer and answerer."""


def main() -> int:
    arguments = _arguments()
    reason = reason_no_internet_here()
    if reason is not None:
        print(f"no laboratory here: {reason}", file=sys.stderr)
        return 2
    return asyncio.run(_run(arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.natlab.nat.matrix", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="meetings of each ordered pair")
    parser.add_argument("--bare-runs", type=int, default=1, help="the same with bare aiortc; 0: none")
    parser.add_argument("--classify", type=int, default=3, help="how often each network is checked")
    parser.add_argument("--only", action="append", default=[], help="OFFERER×ANSWERER; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="at once")
    parser.add_argument("--no-special", action="store_true", help="without the special situations")
    parser.add_argument("--output", type=Path, help=f"default: {RESULTS.name}, when all pairs were run")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> int:
    pairs = [_pair(text) for text in arguments.only] or list(
        itertools.product((each.name for each in NETWORKS), repeat=2)
    )
    names = [each.name for each in NETWORKS if any(each.name in pair for pair in pairs)]
    bench = asyncio.Semaphore(arguments.jobs)
    async with world([network(name) for name in names], bare=arguments.bare_runs > 0) as lab:
        checks = await _classify(lab, [network(name) for name in names], arguments.classify, bench)
        print(classification_table(checks), flush=True)
        ours = await _ours(lab, pairs, arguments.runs, bench)
        bare = await _bare(lab, pairs, arguments.bare_runs, bench)
    joined = [_row(pair, ours[pair], bare.get(pair, [])) for pair in pairs]
    print(pairs_table(joined))
    report = {
        "about": "Networks that were checked, and ordered pairs of them that were joined; milliseconds are "
        "from when both are in the room to the first message at both; bare is stock aiortc with the same "
        "STUN server and TURN over TLS, without any signaling.",
        "runs": arguments.runs,
        "classification": checks,
        "pairs": joined,
        "summary": summary(ours, bare),
    }
    if not arguments.only and not arguments.no_special:
        report |= await _special()
    print(json.dumps(report["summary"], indent=2))
    output = arguments.output or (None if arguments.only else RESULTS)
    if output is not None:
        output.write_text(json.dumps(report, indent=1) + "\n")
    rows = [row for key in TABLES for row in report.get(key, [])]
    return 0 if all(row["ok"] for row in rows) else 1


async def _special() -> dict[str, list[dict[str, Any]]]:
    """What has a lab of its own."""
    found = {
        "costs": await costs.run_all(),
        "special": await special.run_all(),
        "chromium": await chromium.run_all(),
    }
    for rows in found.values():
        print("\n".join(json.dumps(row) for row in rows), flush=True)
    return found


def _pair(text: str) -> Pair:
    offerer, _, answerer = text.replace("*", "×").partition("×")
    return network(offerer).name, network(answerer).name


async def _classify(
    lab: World, networks: list[Network], times: int, bench: asyncio.Semaphore
) -> list[dict[str, Any]]:
    async def once(each: Network) -> tuple[str, dict[str, Any]]:
        async with bench:
            report = await checked(lab.offering[each.name].client, lab.services)
        return each.name, seen(report)

    found: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for name, said in await asyncio.gather(*(once(each) for _ in range(times) for each in networks)):
        found[name].append(said)
    return [
        {
            "network": each.name,
            **expected(each),
            "right": sum(said == expected(each) for said in found[each.name]),
            "of": times,
            "ok": all(said == expected(each) for said in found[each.name]),
            "mistakes": [said for said in found[each.name] if said != expected(each)],
        }
        for each in networks
    ]


async def _ours(
    lab: World, pairs: list[Pair], runs: int, bench: asyncio.Semaphore
) -> dict[Pair, list[Meeting]]:
    """Each ordered pair as often as asked; who offers is chance, so both orders are filled at once."""
    done: dict[Pair, list[Meeting]] = {pair: [] for pair in pairs}

    async def fill(one: str, other: str) -> None:
        wanted = [pair for pair in {(one, other), (other, one)} if pair in done]
        for _ in range(MOST_TRIES * runs):
            if all(len(done[pair]) >= runs for pair in wanted):
                return
            async with bench:
                meeting = await meet(lab, lab.offering[one], lab.answering[other])
            pair = (meeting.offerer, meeting.answerer)
            if pair in done and (len(done[pair]) < runs or not meeting.path):
                done[pair].append(meeting)

    unordered = {tuple(sorted(pair)) for pair in pairs}
    await asyncio.gather(*(fill(*pair) for pair in sorted(unordered)))
    return done


async def _bare(
    lab: World, pairs: list[Pair], runs: int, bench: asyncio.Semaphore
) -> dict[Pair, list[Meeting]]:
    async def once(pair: Pair) -> tuple[Pair, Meeting]:
        async with bench:
            return pair, await meet_bare(lab.offering[pair[0]], lab.answering[pair[1]])

    done: dict[Pair, list[Meeting]] = collections.defaultdict(list)
    for pair, meeting in await asyncio.gather(*(once(pair) for _ in range(runs) for pair in pairs)):
        done[pair].append(meeting)
    return done


def _row(pair: Pair, meetings: list[Meeting], bare: list[Meeting]) -> dict[str, Any]:
    is_right = [bool(each.path) and (not is_direct(*pair) or each.path != "relayed") for each in meetings]
    return {
        "offerer": pair[0],
        "answerer": pair[1],
        "predicted": "direct" if is_direct(*pair) else "relay",
        "path": _most(each.path for each in meetings),
        "direct": sum(each.path in ("direct", "reflexive") for each in meetings),
        "connected": sum(bool(each.path) for each in meetings),
        "of": len(meetings),
        "milliseconds": _median(meetings),
        "outcome": "connected" if meetings and all(each.path for each in meetings) else "failed",
        "ok": bool(meetings) and all(is_right),
        "why": sorted({each.why for each in meetings if each.why}),
        "bare_path": _most(each.path for each in bare),
        "bare_milliseconds": _median(bare),
    }


def _most(words: Any) -> str:
    counted = collections.Counter(words).most_common(1)
    return counted[0][0] if counted else ""


def _median(meetings: list[Meeting]) -> float | None:
    times = [each.milliseconds for each in meetings if each.path]
    return round(statistics.median(times), 1) if times else None


def summary(ours: dict[Pair, list[Meeting]], bare: dict[Pair, list[Meeting]]) -> dict[str, Any]:
    """For all pairs, and for those that need no relay and those that do."""
    said: dict[str, Any] = {}
    for who, meetings in (("ours", ours), ("bare", bare)):
        for kind, is_wanted in (("direct", True), ("relay", False)):
            times = sorted(
                each.milliseconds
                for pair, several in meetings.items()
                if is_direct(*pair) is is_wanted
                for each in several
                if each.path
            )
            if times:
                said[f"{who}: p50 ms where {kind} is predicted"] = round(statistics.median(times), 1)
                said[f"{who}: p99 ms where {kind} is predicted"] = round(times[int(len(times) * 0.99)], 1)
        every = [each for several in meetings.values() for each in several]
        if every:
            said[f"{who}: connected"] = f"{sum(bool(each.path) for each in every)} of {len(every)}"
            predicted = [each for pair, several in meetings.items() if is_direct(*pair) for each in several]
            direct = sum(each.path in ("direct", "reflexive") for each in predicted)
            said[f"{who}: direct where predicted"] = f"{direct} of {len(predicted)}"
    return said


def classification_table(checks: list[dict[str, Any]]) -> str:
    lines = [
        "network             mapping                      filtering                    after a knock  right"
    ]
    for each in checks:
        knock = {True: "stays", False: "moves", None: "–"}[each["is_stable"]]
        lines.append(
            f"{each['network']:<20}{each['mapping']:<29}{each['filtering']:<29}{knock:<15}"
            f"{each['right']} of {each['of']}"
        )
        lines += [f"  but: {json.dumps(mistake)}" for mistake in each["mistakes"]]
    return "\n".join(lines)


def pairs_table(rows: list[dict[str, Any]]) -> str:
    """A letter and milliseconds for each pair; ✗: not connected, !: not as it must be."""
    names = [each.name for each in NETWORKS if any(each.name == row["answerer"] for row in rows)]
    found = {(row["offerer"], row["answerer"]): row for row in rows}
    parts = []
    for title, path, time in (
        ("Peerlane", "path", "milliseconds"),
        ("bare aiortc", "bare_path", "bare_milliseconds"),
    ):
        lines = [f"{title}: rows offer, columns answer; D direct, R relayed, median ms to the first message"]
        lines.append(" " * 19 + "".join(f"{name[:9]:>10}" for name in names))
        for offerer in dict.fromkeys(row["offerer"] for row in rows):
            cells = [_cell(found.get((offerer, name)), path, time) for name in names]
            lines.append(f"{offerer:<19}" + "".join(f"{cell:>10}" for cell in cells))
        parts.append("\n".join(lines))
    wrong = [row for row in rows if not row["ok"]]
    parts += [f"not as predicted: {json.dumps(row)}" for row in wrong]
    return "\n\n".join(["", *parts, ""])


def _cell(row: dict[str, Any] | None, path: str, time: str) -> str:
    if row is None or (path == "bare_path" and row[time] is None and not row[path]):
        return "✗" if row is not None and path == "bare_path" else ""
    if not row[path]:
        return "✗"
    letter = "R" if row[path] == "relayed" else "D"
    mark = "!" if path == "path" and not row["ok"] else ""
    return f"{letter} {row[time]:.0f}{mark}"


if __name__ == "__main__":
    sys.exit(main())
