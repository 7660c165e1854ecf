"""An audit as text for people: the verdict, what is wrong with the lines that mend it, the rest in short."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from peer.nat.audit.ranges import Severity
from peer.nat.audit.report import AuditReport, Check, Finding
from peer.nat.report import Level, Row
from peerlane.console import printable
from peerlane.nat.screen import Screen
from peerlane.nat.text import VERDICT_LEVELS, Paper

LEVELS: dict[Severity, Level] = {"critical": "bad", "high": "bad", "medium": "warning", "low": "plain"}
MAX_SEEN = 6
"""Of what was granted; the rest is a number here, and whole in the JSON."""
INDENT = " " * 6


def text_of(report: AuditReport, screen: Screen) -> str:
    """All of it, without a newline at the end."""
    return "\n".join(_lines(report, Paper(screen), screen))


def _lines(report: AuditReport, paper: Paper, screen: Screen) -> Iterator[str]:
    verdict = report.verdict
    yield from paper.paragraph(verdict.sentence, VERDICT_LEVELS.get(verdict.exit_code, "bad"), is_bold=True)
    if report.findings:
        yield ""
        yield paper.title("What is wrong")
        for finding in report.findings:
            yield from _finding(finding, paper, screen)
    yield from _table("In order", report.passed, "good", paper)
    yield from _table("Not checked", report.unchecked, "plain", paper)
    yield from _table("Good to know", report.notes, "plain", paper)
    if verdict.advice:
        yield ""
        yield paper.title("What to do")
        yield from paper.items(verdict.advice)


def _finding(finding: Finding, paper: Paper, screen: Screen) -> Iterator[str]:
    yield from paper.table([Row(finding.severity, finding.title, finding.code, LEVELS[finding.severity])])
    yield from _wrapped(finding.why, screen)
    if finding.seen:
        yield from _wrapped(f"Seen: {_some(finding.seen)}", screen)
    for line in finding.lines:
        # Whole, whatever the width: it is there to be copied.
        yield f"{INDENT}    {printable(line)}"


def _some(seen: Sequence[str]) -> str:
    more = f" and {len(seen) - MAX_SEEN} more" if len(seen) > MAX_SEEN else ""
    return ", ".join(seen[:MAX_SEEN]) + more


def _wrapped(text: str, screen: Screen) -> list[str]:
    drawable = printable(text)
    if not screen.is_unicode:
        drawable = drawable.encode("ascii", "replace").decode()
    return textwrap.wrap(
        drawable, screen.width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
    )


def _table(title: str, checks: list[Check], level: Level, paper: Paper) -> Iterator[str]:
    if checks:
        yield ""
        yield paper.title(title)
        yield from paper.table([Row(check.code, check.title, check.note, level) for check in checks])
