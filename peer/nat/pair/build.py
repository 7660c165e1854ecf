"""From what two ends have found out to what is said about it."""

from __future__ import annotations

import msgspec

from peer.nat.pair.meeting import Meeting, Path, Traffic
from peer.nat.pair.reasons import CHOSEN, FAILED, SHORT, reason
from peer.nat.report import Level, Row, Section, Verdict
from peer.stats import FAIR_RTT, POOR_RTT, PairReport

SCHEMA = 1
"""Of the JSON; raised when a field goes or changes its meaning, not when one is added."""
EXIT_DIRECT, EXIT_ERROR, EXIT_RELAYED, EXIT_NOT_CONNECTED, EXIT_REFUSED = 0, 1, 3, 4, 5
SOME_LOSS, HIGH_LOSS = 0.005, 0.05
UNEVEN = 0.03
"""Seconds of jitter: more than what the usual buffer of a call evens out."""


class PairTest(msgspec.Struct, frozen=True, kw_only=True):
    """The report of ``peerlane nat pair``."""

    schema: int = SCHEMA
    verdict: Verdict
    sections: list[Section]
    meeting: Meeting


def report(meeting: Meeting) -> PairTest:
    sections = [
        Section("Path", _path_rows(meeting)),
        Section("Quality", _quality_rows(meeting)),
        Section("Pairs of addresses", [_pair_row(pair) for pair in meeting.pairs]),
        Section(
            "STUN and TURN servers that did not help",
            [Row(each.url or "a server", each.text, level="warning") for each in meeting.troubles],
        ),
    ]
    return PairTest(
        verdict=_verdict(meeting), sections=[each for each in sections if each.rows], meeting=meeting
    )


# The verdict

_PROBLEMS: dict[str, tuple[str, str, list[str], int]] = {
    "taken": (
        "taken",
        "Two others are testing in this room already.",
        ["Take another room, or wait until they are done."],
        EXIT_ERROR,
    ),
    "nobody": (
        "nobody",
        "Nobody came to the other end in time.",
        ["Start the same command on the other machine, with the same server and the same room."],
        EXIT_ERROR,
    ),
    "other-version": (
        "other-version",
        "The other end runs a version of this test that this one does not know.",
        ["Use the same version of Peerlane at both ends."],
        EXIT_ERROR,
    ),
    "refused": ("refused", "The server refused.", [], EXIT_ERROR),
    "no-server": ("no-server", "The server cannot be reached.", [], EXIT_NOT_CONNECTED),
}


def _verdict(meeting: Meeting) -> Verdict:
    if meeting.problem:
        return _problem(meeting)
    if meeting.path is None:
        told = meeting.diagnosis
        nothing = "The other end left first." if meeting.has_ended_early else ""
        sentence = f"No connection. {nothing if told is None else told.sentence}".rstrip()
        advice = [told.advice] if told is not None and told.advice else []
        code = "not-connected" if told is None else told.code
        return Verdict(code, sentence, [*advice, _LOOK_CLOSER], EXIT_NOT_CONNECTED)
    sentence = f"{_ways(meeting.path)}; connected in {seconds(meeting.connected_after)}."
    if meeting.path.route == "relayed":
        advice = [] if meeting.is_relay_only else [_WHY_RELAYED]
        return Verdict("relayed", sentence, advice + _quality_advice(meeting), EXIT_RELAYED)
    return Verdict(meeting.path.route, sentence, _quality_advice(meeting), EXIT_DIRECT)


def _problem(meeting: Meeting) -> Verdict:
    code, sentence, advice, exit_code = _PROBLEMS[meeting.problem]
    told = meeting.diagnosis
    if told is None:
        return Verdict(code, sentence, advice, exit_code)
    if meeting.problem == "refused" and told.code in ("401", "403"):
        exit_code = EXIT_REFUSED
    return Verdict(code, sentence_of(told.sentence), [told.advice] if told.advice else advice, exit_code)


_LOOK_CLOSER = (
    "Run 'peerlane nat check' with the same server on both machines: it says which network is in the way."
)
_WHY_RELAYED = (
    "Run 'peerlane nat check' with the same server on both machines to see why no direct path was found."
)


def _ways(path: Path) -> str:
    match path.route:
        case "direct":
            return "Direct, from one machine to the other without a NAT in between"
        case "reflexive":
            return "Direct, through the NATs in between"
        case "relayed":
            return f"By a relay{_OVER[path.protocol]}, because no direct path was found"


_OVER = {"udp": "", "tcp": " that is spoken to over TCP", "tls": " that is spoken to over TLS"}


def _quality_advice(meeting: Meeting) -> list[str]:
    advice = []
    lost = max((each.loss for each in (meeting.to_partner, meeting.from_partner) if each), default=0.0)
    if lost >= HIGH_LOSS:
        advice.append("Much is lost on the way: try a cable in place of Wi-Fi, or another network.")
    told = meeting.diagnosis
    if told is not None and told.code == "udp-blocked":
        advice.append(f"{told.sentence} {told.advice}")
    if meeting.interruptions:
        advice.append("The connection was interrupted during the test; run it again for other figures.")
    if meeting.has_ended_early:
        advice.append("The other end left before everything was measured; run it again at both ends.")
    return advice


# The sections


def _path_rows(meeting: Meeting) -> list[Row]:
    path = meeting.path
    if path is None:
        return []
    chosen = next((pair for pair in meeting.pairs if pair.outcome == CHOSEN), None)
    level: Level = "warning" if path.route == "relayed" else "good"
    rows = [Row("Route", _ROUTES[path.route], level=level)]
    carrier = path.protocol.upper() if path.route == "relayed" and path.local_type == "relay" else "UDP"
    rows.append(Row("Protocol", carrier if chosen is None else f"{carrier}, IPv{chosen.family}"))
    if chosen is not None:
        seen = f"seen as {chosen.seen} by the other end" if chosen.seen else ""
        rows.append(Row("From", f"{chosen.local} ({_TYPES[chosen.local_type]})", seen))
        rows.append(Row("To", f"{chosen.remote} ({_TYPES[chosen.remote_type]})"))
    there = meeting.partner_path
    if there is not None and (there.local_type == "relay" or there.route != path.route):
        over = f" over {there.protocol.upper()}" if there.local_type == "relay" else ""
        rows.append(Row("The other end says", f"{_ROUTES[there.route]}{over}"))
    rows.append(Row("Connected after", seconds(meeting.connected_after)))
    if meeting.first_message_after is not None:
        rows.append(Row("First message after", seconds(meeting.first_message_after)))
    return rows


_ROUTES = {"direct": "direct", "reflexive": "direct, through a NAT", "relayed": "by a relay"}
_TYPES = {
    "host": "own address",
    "srflx": "address of the NAT",
    "prflx": "address of the NAT, found by a check",
    "relay": "relay",
}


def _pair_row(pair: PairReport) -> Row:
    level: Level = "good" if pair.outcome == CHOSEN else "warning" if pair.outcome in FAILED else "plain"
    over = f", {pair.protocol.upper()}" if pair.protocol != "udp" else ""
    rtt = f", {milliseconds(pair.rtt)}" if pair.rtt is not None else ""
    why = reason(pair)
    return Row(
        f"{pair.local_type} → {pair.remote_type}, IPv{pair.family}{over}",
        f"{SHORT[pair.outcome]}{rtt}",
        f"{pair.local} → {pair.remote}" + (f": {why}" if why else ""),
        level,
    )


def _quality_rows(meeting: Meeting) -> list[Row]:
    rows = []
    if meeting.rtt is not None:
        rtt = meeting.rtt
        level: Level = "good" if rtt.median < FAIR_RTT else "warning" if rtt.median < POOR_RTT else "bad"
        spread = f"least {milliseconds(rtt.least)}, 99 of 100 within {milliseconds(rtt.p99)}"
        rows.append(Row("Round trip", milliseconds(rtt.median), spread, level))
    for way, traffic in (("outgoing", meeting.to_partner), ("incoming", meeting.from_partner)):
        if traffic is not None:
            rows += _traffic_rows(way, traffic)
    return rows


def _traffic_rows(way: str, traffic: Traffic) -> list[Row]:
    loss = traffic.loss
    level: Level = "good" if loss < SOME_LOSS else "warning" if loss < HIGH_LOSS else "bad"
    lost = max(0, traffic.sent - traffic.received)
    reordered = f"{traffic.reordered} overtaken by later ones" if traffic.reordered else ""
    rows = [Row(f"Loss, {way}", f"{loss * 100:.1f} % ({lost} of {traffic.sent})", reordered, level)]
    if traffic.jitter is not None:
        uneven: Level = "warning" if traffic.jitter >= UNEVEN else "plain"
        rows.append(Row(f"Jitter, {way}", milliseconds(traffic.jitter), level=uneven))
    if traffic.bytes_per_second is not None:
        rows.append(Row(f"Throughput, {way}", rate(traffic.bytes_per_second)))
    return rows


# Figures in words


def seconds(value: float | None) -> str:
    return "an unknown time" if value is None else f"{value:.2f} s"


def milliseconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 0.01 else f"{value * 1000:.0f} ms"


def rate(bytes_per_second: float) -> str:
    bits = bytes_per_second * 8
    return f"{bits / 1e6:.1f} Mbit/s" if bits >= 1e6 else f"{bits / 1e3:.0f} kbit/s"


def sentence_of(text: str) -> str:
    """Begins with a capital letter and ends with a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")
