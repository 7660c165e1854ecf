"""From what an audit has seen to its report. Pure."""

from __future__ import annotations

from peer.facts import REFUSED
from peer.nat.audit.access import judge_access
from peer.nat.audit.evidence import GRANTED, Evidence
from peer.nat.audit.reach import judge_reach
from peer.nat.audit.report import (
    EXIT_CLEAN,
    EXIT_HOLES,
    EXIT_REFUSED,
    EXIT_UNREACHABLE,
    SEVERITIES,
    AuditReport,
    Finding,
    Judgement,
)
from peer.nat.audit.wire import judge_wire
from peer.nat.report import Verdict

MEND = (
    "Add the lines to turnserver.conf, restart coturn, and ask again; "
    "or let peerlane turn config write a whole one."
)
NAME_CREDENTIALS = "Name --username and --password, or --secret: most holes can only be seen from inside."


def report(evidence: Evidence) -> AuditReport:
    """Never raises, whatever was seen."""
    judgement = Judgement()
    if any(door.is_turn for door in evidence.doors):
        judge_access(evidence, judgement)
        judge_reach(evidence, judgement)
        judge_wire(evidence, judgement)
    findings = sorted(judgement.findings, key=lambda finding: SEVERITIES.index(finding.severity))
    return AuditReport(
        server=evidence.server,
        verdict=_verdict(evidence, findings, judgement),
        findings=findings,
        passed=judgement.passed,
        unchecked=judgement.unchecked,
        notes=judgement.notes,
        evidence=evidence,
    )


def _verdict(evidence: Evidence, findings: list[Finding], judgement: Judgement) -> Verdict:
    server = evidence.server
    if not any(door.is_turn for door in evidence.doors):
        why = list(dict.fromkeys(f"{door.url}: {door.trouble}" for door in evidence.doors))
        return Verdict("unreachable", f"{server} is not there as a TURN server.", why, EXIT_UNREACHABLE)
    if _is_refused(evidence):
        advice = ["Compare the name and the password with the server's, and the clocks of both."]
        if findings:
            advice.append(MEND)
        sentence = f"{server} refuses these credentials, so most could not be asked{_but_found(findings)}."
        return Verdict("refused", sentence, advice, EXIT_REFUSED)
    if findings:
        sentence = f"{_count(findings)} in {server}; the worst: {findings[0].title}."
        advice = [MEND] if evidence.relays else [MEND, NAME_CREDENTIALS]
        return Verdict("holes", sentence, advice, EXIT_HOLES)
    if not evidence.relays:
        sentence = f"Without credentials nothing is wrong with {server}, but little could be asked."
        return Verdict("anonymous", sentence, [NAME_CREDENTIALS], EXIT_CLEAN)
    unasked = [check for check in judgement.unchecked if check.code.startswith("permits")]
    if unasked:
        sentence = f"Nothing is wrong with {server} as far as it could be asked, which was not far enough."
        why = [f"{check.title}: {check.note}" for check in unasked[:3]]
        return Verdict("incomplete", sentence, why, EXIT_HOLES)
    return Verdict("clean", f"Nothing is wrong with {server}.", [], EXIT_CLEAN)


def _is_refused(evidence: Evidence) -> bool:
    codes = [relay.code for relay in evidence.relays if relay.family == 4]
    has_any = any(relay.code == GRANTED for relay in evidence.relays)
    return bool(codes) and not has_any and all(code in REFUSED for code in codes)


def _count(findings: list[Finding]) -> str:
    return "One hole" if len(findings) == 1 else f"{len(findings)} holes"


def _but_found(findings: list[Finding]) -> str:
    return f"; {_count(findings).lower()} can be seen from outside" if findings else ""
