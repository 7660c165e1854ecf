"""What an audit says: its JSON, and the list that everything it finds goes to."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from peer.nat.audit.evidence import Evidence
from peer.nat.audit.ranges import Severity
from peer.nat.report import Verdict

SCHEMA = 1
"""Of the JSON; raised when a field goes or changes its meaning, not when one is added."""
EXIT_CLEAN, EXIT_HOLES, EXIT_UNREACHABLE, EXIT_REFUSED = 0, 3, 4, 5
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong."""

    code: str
    severity: Severity
    title: str
    why: str
    """What can come of it."""
    lines: list[str] = []
    """Of turnserver.conf, as they mend it; those that begin with # are done by hand."""
    seen: list[str] = []
    """What the server has granted, or said."""


class Check(msgspec.Struct, frozen=True):
    """Something that is right, that could not be found out, or that is only good to know."""

    code: str
    title: str
    note: str = ""


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = SCHEMA
    server: str
    verdict: Verdict
    findings: list[Finding]
    """The worst first."""
    passed: list[Check]
    unchecked: list[Check]
    notes: list[Check]
    evidence: Evidence


class Judgement:
    """Collects what is said, in the order in which it is."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.passed: list[Check] = []
        self.unchecked: list[Check] = []
        self.notes: list[Check] = []

    def hole(
        self,
        code: str,
        severity: Severity,
        title: str,
        why: str,
        lines: Iterable[str] = (),
        seen: Iterable[str] = (),
    ) -> None:
        self.findings.append(Finding(code, severity, title, why, list(lines), list(seen)))

    def right(self, code: str, title: str, note: str = "") -> None:
        self.passed.append(Check(code, title, note))

    def unknown(self, code: str, title: str, why: str) -> None:
        self.unchecked.append(Check(code, title, why))

    def note(self, code: str, title: str, note: str = "") -> None:
        self.notes.append(Check(code, title, note))
