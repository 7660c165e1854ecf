"""A report as text for people: the verdict first, what was found, what to expect, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

import msgspec

from peer.nat.report import Level, Outcome, Report, Section
from peerlane.console import printable
from peerlane.nat.screen import Screen

INDENT = "  "
GAP = 2
MAX_LABEL, MAX_VALUE, MIN_NOTE = 28, 40, 28

MARKS: dict[Level, tuple[str, str]] = {
    "good": ("✓", "+"),
    "plain": ("·", "-"),
    "warning": ("!", "!"),
    "bad": ("✗", "x"),
}
"""Each level in Unicode and in ASCII: without colours they carry it alone."""
COLOURS: dict[Level, str] = {"good": "32", "plain": "", "warning": "33", "bad": "31"}
BOLD, DIM = "1", "2"

OUTCOMES: dict[Outcome, tuple[str, Level]] = {
    "direct": ("direct", "good"),
    "sometimes": ("sometimes direct", "warning"),
    "relay": ("by relay", "warning"),
    "none": ("no connection", "bad"),
}
VERDICT_LEVELS: dict[int, Level] = {0: "good", 3: "warning"}


class Line(msgspec.Struct, frozen=True):
    """``note`` stands behind ``value``, in a column of its own where there is room."""

    level: Level
    label: str
    value: str
    note: str = ""


def text_of(report: Report, screen: Screen) -> str:
    """All of it, without a newline at the end."""
    return "\n".join(_report_lines(report, Paper(screen)))


def _report_lines(report: Report, paper: Paper) -> Iterator[str]:
    verdict = report.verdict
    yield from paper.paragraph(verdict.sentence, VERDICT_LEVELS.get(verdict.exit_code, "bad"), is_bold=True)
    sections = [_lines_of(section) for section in report.sections]
    expected = [
        Line(OUTCOMES[each.outcome][1], each.name, OUTCOMES[each.outcome][0], each.why)
        for each in report.expectations
    ]
    for section, lines in zip(report.sections, sections, strict=True):
        yield ""
        yield paper.title(section.title)
        yield from paper.table(lines)
    if expected:
        yield ""
        yield paper.title("What to expect with a peer in")
        yield from paper.table(expected)
    if verdict.advice:
        yield ""
        yield paper.title("What to do")
        yield from paper.items(verdict.advice)


def _lines_of(section: Section) -> list[Line]:
    return [Line(row.level, row.label, row.value, row.note) for row in section.rows]


class Paper:
    """Draws on one screen; whatever comes in is made printable first."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def title(self, text: str) -> str:
        return self._painted(printable(text), BOLD)

    def paragraph(self, text: str, level: Level, *, is_bold: bool = False) -> list[str]:
        codes = (COLOURS[level], BOLD if is_bold else "")
        return [self._painted(line, *codes) for line in self._wrapped(printable(text), self._screen.width)]

    def items(self, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            first, *others = self._wrapped(printable(text), self._screen.width - 4)
            yield f"{INDENT}- {first}"
            yield from (f"{INDENT}  {line}" for line in others)

    def table(self, lines: list[Line]) -> Iterator[str]:
        """One row each: a mark, the label, the value, the note."""
        label_width = min(max((len(printable(line.label)) for line in lines), default=0), MAX_LABEL)
        value_width = min(max((len(printable(line.value)) for line in lines), default=0), MAX_VALUE)
        for line in lines:
            yield from self._row(line, label_width, value_width)

    def _row(self, line: Line, label_width: int, value_width: int) -> Iterator[str]:
        label, value, note = printable(line.label), printable(line.value), printable(line.note)
        mark = self._painted(MARKS[line.level][not self._screen.is_unicode], COLOURS[line.level])
        value_at = len(INDENT) + 2 + label_width + GAP
        note_at = value_at + value_width + GAP
        head = f"{INDENT}{mark} {label:<{label_width}}{' ' * GAP}"
        if len(label) > label_width:
            yield head.rstrip()
            head = " " * value_at
        values = self._wrapped(value, self._screen.width - value_at) or [""]
        is_beside = (
            len(values) == 1 and len(value) <= value_width and self._screen.width - note_at >= MIN_NOTE
        )
        beside = self._wrapped(note, self._screen.width - note_at) if is_beside else []
        below = [] if is_beside else self._wrapped(note, self._screen.width - value_at)
        painted = [self._painted(each, COLOURS[line.level]) for each in values]
        if beside:
            padding = " " * (value_width - len(value) + GAP)
            yield f"{head}{painted[0]}{padding}{self._painted(beside[0], DIM)}"
            yield from (" " * note_at + self._painted(each, DIM) for each in beside[1:])
            return
        yield f"{head}{painted[0]}".rstrip()
        yield from (" " * value_at + each for each in painted[1:])
        yield from (" " * value_at + self._painted(each, DIM) for each in below)

    def _wrapped(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(self._drawable(text), width, break_on_hyphens=False)

    def _drawable(self, text: str) -> str:
        return text if self._screen.is_unicode else text.encode("ascii", "replace").decode()

    def _painted(self, text: str, *codes: str) -> str:
        given = [code for code in codes if code]
        if not self._screen.is_coloured or not given or not text:
            return text
        return f"\x1b[{';'.join(given)}m{text}\x1b[0m"
