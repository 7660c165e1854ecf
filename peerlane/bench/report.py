"""What a load run has shown: as one line while it runs, then as a table, or as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from peerlane.bench.histogram import Histogram
from peerlane.bench.plan import Plan
from peerlane.bench.tally import Tally
from peerlane.bench.waves import Waves, by_second, waves

SCHEMA = 1
"""Raised only when a field goes or changes its meaning."""
PERCENTILES = (("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9))
BARS = " ▁▂▃▄▅▆▇█"
PLAIN_BARS = " .:-=+*#@"
BUSY = 0.85
LATE = 0.02
USUAL_MESSAGES_PER_SECOND = 50.0
"""``limits.messages_per_second``, unless somebody has configured another."""


def is_clean(tally: Tally) -> bool:
    """Everybody was in, and everything arrived once and in order."""
    faults = tally.faults
    return tally.joined == tally.members and not (faults.lost or faults.doubled or faults.reordered)


def live_line(plan: Plan, phase: str, tally: Tally, elapsed: float) -> str:
    """How it goes; ``elapsed`` since it began."""
    parts = [f"{tally.joined:,} of {tally.members:,} in"]
    if phase in ("running", "waiting"):
        parts.insert(0, f"{min(elapsed, plan.duration):.0f} of {plan.duration:g} s")
        parts.append(f"{tally.sent:,} sent")
        parts.append(f"{max(0, tally.expected - tally.arrived):,} on the way")
        if tally.latency.count:
            p50, p99 = (_ms(tally.latency.percentile(percent)) for percent in (50, 99))
            parts.append(f"p50 {p50}, p99 {p99}")
    if tally.closed:
        parts.append(f"{tally.closed:,} links lost")
    if tally.turned_away:
        parts.append(f"{tally.turned_away:,} turned away")
    return f"{phase}: " + ", ".join(parts)


def table(plan: Plan, tally: Tally, is_unicode: bool = True) -> str:
    """For people."""
    faults = tally.faults
    rows: list[tuple[str, str]] = [
        (
            "pattern",
            f"{plan.pattern}, {plan.rooms:,} rooms of {plan.peers:,}, {plan.rate:g} messages a second",
        ),
        ("lasted", f"{tally.wall:.1f} s of {plan.duration:g} s"),
        ("members", f"{tally.joined:,} of {tally.members:,} in their room"),
        ("opening", f"{_times(tally.opening)}; all in after {tally.gathering:.1f} s"),
        (
            "sent",
            f"{tally.sent:,}"
            + (f", and {tally.unsent:,} that were due could not be" if tally.unsent else ""),
        ),
        ("arrived", f"{tally.arrived:,} of {tally.expected:,}"),
        ("lost", f"{faults.lost:,}" + (f", {tally.undelivered:,} told" if tally.undelivered else "")),
        ("doubled", f"{faults.doubled:,}"),
        ("reordered", f"{faults.reordered:,}"),
        ("latency", _times(tally.latency)),
        ("generator", f"late {_times(tally.lateness)}; at most {tally.cpu:.0%} of a core"),
    ]
    rows += _visitors(plan, tally) + _troubles(tally) + _returns(tally, is_unicode)
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    return "\n".join(lines + [f"! {hint}" for hint in hints(plan, tally)])


def as_json(plan: Plan, tally: Tally, interrupted: bool) -> dict[str, Any]:
    """For programs; times are seconds. The token is not in it."""
    planned = msgspec.to_builtins(plan)
    del planned["token"]
    numbers = {
        name: value for name, value in msgspec.to_builtins(tally).items() if not isinstance(value, dict)
    }
    return {
        "schema": SCHEMA,
        "plan": planned,
        "interrupted": interrupted,
        "clean": is_clean(tally),
        **numbers,
        "lost": tally.faults.lost,
        "doubled": tally.faults.doubled,
        "reordered": tally.faults.reordered,
        "failures": tally.failures,
        "refusals": tally.refusals,
        "close_reasons": tally.close_reasons,
        "latency": _percentiles(tally.latency),
        "lateness": _percentiles(tally.lateness),
        "opening": _percentiles(tally.opening),
        "returning": _percentiles(tally.returning),
        "returns": msgspec.to_builtins(_waves(tally)) if tally.lost_at else None,
        "returns_by_second": by_second(tally.back_at),
        "attempts_by_second": by_second(tally.attempts_at),
        "hints": hints(plan, tally),
    }


def hints(plan: Plan, tally: Tally) -> list[str]:
    """What has to be known to judge the figures."""
    found = []
    if tally.cpu > BUSY or (tally.lateness.count and tally.lateness.percentile(99) > LATE):
        found.append("the generator was busy or late itself: use more --processes, or another machine for it")
    if tally.turned_away:
        found.append("the server has turned links away: limits.links_per_second, and those per address")
    if (each := _rate_of_busiest(plan)) > USUAL_MESSAGES_PER_SECOND:
        found.append(
            f"one member sends {each:.0f} messages a second; above limits.messages_per_second"
            f" ({USUAL_MESSAGES_PER_SECOND:g}, unless configured) a server reads more slowly, on purpose"
        )
    if tally.unsent:
        found.append("messages could not be sent while their sender was out, or had too much on the way")
    return found


def _rate_of_busiest(plan: Plan) -> float:
    per_room = plan.rate / plan.rooms
    return {"fanout": per_room, "star": per_room / 2}.get(plan.pattern, per_room / plan.peers)


def _visitors(plan: Plan, tally: Tally) -> list[tuple[str, str]]:
    if plan.pattern != "churn":
        return []
    return [("visitors", f"{tally.came:,} came, {tally.went:,} went, {tally.stayed_out:,} did not get in")]


def _troubles(tally: Tally) -> list[tuple[str, str]]:
    rows = []
    if tally.turned_away:
        rows.append(
            ("turned away", f"{tally.turned_away:,} attempts, {tally.turned_away_again:,} of them again")
        )
    for name, counts in (
        ("failed", tally.failures),
        ("refused", tally.refusals),
        ("closed", tally.close_reasons),
    ):
        if counts:
            rows.append((name, ", ".join(f"{count:,} × {what}" for what, count in sorted(counts.items()))))
    return rows


def _returns(tally: Tally, is_unicode: bool) -> list[tuple[str, str]]:
    if not tally.lost_at:
        return []
    found = _waves(tally)
    second = found.second_wave
    seconds = (
        "not all"
        if found.seconds_to_99_percent is None
        else f"99 % within {found.seconds_to_99_percent:.1f} s"
    )
    return [
        ("returns", f"{found.back:,} of {found.lost:,}, {seconds}; {_times(tally.returning)}"),
        ("sessions", f"{tally.resumed:,} resumed, {tally.afresh:,} afresh"),
        ("attempts", f"{found.peak_attempts:,.0f} a second at most; second wave {second:.0%} of the first"),
        ("by second", _bars(by_second(tally.back_at), is_unicode)),
    ]


def _waves(tally: Tally) -> Waves:
    return waves(tally.lost_at, tally.attempts_at, tally.back_at)


def _bars(counts: list[int], is_unicode: bool) -> str:
    bars = BARS if is_unicode else PLAIN_BARS
    highest = max(counts, default=0)
    drawn = "".join(bars[-(-count * (len(bars) - 1) // highest)] if highest else " " for count in counts)
    return f"|{drawn}| {highest:,} at most"


def _percentiles(times: Histogram) -> dict[str, float | None]:
    """None where nothing was measured: JSON knows no number that is not one."""
    found = {name: times.percentile(percent) for name, percent in PERCENTILES} | {"max": times.largest}
    return {name: value if times.count else None for name, value in found.items()}


def _times(times: Histogram) -> str:
    if not times.count:
        return "nothing to measure"
    told = [f"{name} {_ms(times.percentile(percent))}" for name, percent in PERCENTILES]
    return ", ".join([*told, f"max {_ms(times.largest)}"])


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
