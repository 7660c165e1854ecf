"""A storm of joins: 10,000 members come to one node.

- ``taken``: in rooms of ten, as fast as the node takes them, its limits on rates out of reach.
- ``one room``: 1,000 into one room, as fast as the node takes them: everybody is told of everybody.
- ``at once``: all 10,000 within a second, at a node whose limits are as usual. It lets in 500 a second and
  turns the others away, each with a moment of its own to come back.
"""

from __future__ import annotations

import statistics

import msgspec

from benchmarks import processes
from benchmarks.loads import Node, crowd, node, plan_of
from benchmarks.relay import UNTHROTTLED
from benchmarks.report import Figure, Report
from peerlane.bench.plan import Plan
from peerlane.bench.tally import Tally

MEMBERS = 10_000
ROUNDS = 3


class Joining(msgspec.Struct, frozen=True):
    tally: Tally
    server_cpu: float

    def figures(self, members: int) -> dict[str, tuple[float, str]]:
        tally = self.tally
        return {
            "joined": (tally.joined, ""),
            "joins": (members / tally.gathering, "1/s"),
            "until all were in": (tally.gathering, "s"),
            "p50": (tally.opening.percentile(50) * 1000, "ms"),
            "p99": (tally.opening.percentile(99) * 1000, "ms"),
            "max": (tally.opening.largest * 1000, "ms"),
            "turned away": (tally.turned_away, ""),
            "other failures": (sum(tally.failures.values()), ""),
            "server CPU": (self.server_cpu / members * 1e6, "us/join"),
            "server core": (100 * self.server_cpu / tally.gathering, "%"),
        }


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """Each round on a fresh node; medians. ``only``: ``taken``, ``room``, ``storm``."""
    import uvloop

    processes.pin(processes.GENERATOR_CORE)
    members = MEMBERS // (20 if quick else 1)
    room = members // 10
    parts = {
        "taken": (members, {"rooms": members // 10, "peers": 10, "ramp": 0.0}, UNTHROTTLED),
        "room": (room, {"rooms": 1, "peers": room, "ramp": 0.0}, UNTHROTTLED),
        "storm": (members, {"rooms": members // 10, "peers": 10, "ramp": float(members)}, {}),
    }
    names = {"taken": "as fast as taken", "room": "one room", "storm": "all at once"}
    figures: dict[str, Figure] = {}
    for part, (count, shape, settings) in parts.items():
        if only and part not in only:
            continue
        rounds: list[dict[str, tuple[float, str]]] = []
        for _ in range(1 if quick else ROUNDS):
            with node(**settings) as one:
                plan = plan_of([one.url], rate=0.0, duration=0.5, **shape)
                rounds.append(uvloop.run(_join(one, plan)).figures(count))
        for name, (_, unit) in rounds[0].items():
            figures[f"{names[part]}: {name}"] = Figure(statistics.median(r[name][0] for r in rounds), unit)
    return Report("joins", figures, {})


async def _join(one: Node, plan: Plan) -> Joining:
    cpu = one.process.cpu_seconds()
    async with crowd(plan) as run:
        await run.ready()
        cpu = one.process.cpu_seconds() - cpu
        run.go()
        return Joining(await run.done(), cpu)
