"""A report as text for people: the verdict first, what was found, what to expect, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from peer.nat.report import Level, Outcome, Report, Row, Section, Verdict
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
EXPECTED = "What to expect with a peer in"


def text_of(report: Report, screen: Screen) -> str:
    """All of it, without a newline at the end."""
    expected = [
        Row(each.name, OUTCOMES[each.outcome][0], each.why, OUTCOMES[each.outcome][1])
        for each in report.expectations
    ]
    sections = [*report.sections, *([Section(EXPECTED, expected)] if expected else [])]
    return document(report.verdict, sections, screen)


def document(verdict: Verdict, sections: Iterable[Section], screen: Screen) -> str:
    """A verdict, what it rests on, and its advice."""
    return "\n".join(_lines(verdict, sections, Paper(screen)))


def _lines(verdict: Verdict, sections: Iterable[Section], paper: Paper) -> Iterator[str]:
    yield from paper.paragraph(verdict.sentence, VERDICT_LEVELS.get(verdict.exit_code, "bad"), is_bold=True)
    for section in sections:
        yield ""
        yield paper.title(section.title)
        yield from paper.table(section.rows)
    if verdict.advice:
        yield ""
        yield paper.title("What to do")
        yield from paper.items(verdict.advice)


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

    def table(self, rows: list[Row]) -> Iterator[str]:
        """A mark, the label, the value, and behind it the note, where there is room for one more column."""
        label_width = min(max((len(printable(row.label)) for row in rows), default=0), MAX_LABEL)
        value_width = min(max((len(printable(row.value)) for row in rows), default=0), MAX_VALUE)
        for row in rows:
            yield from self._row(row, label_width, value_width)

    def _row(self, row: Row, label_width: int, value_width: int) -> Iterator[str]:
        label, value, note = printable(row.label), printable(row.value), printable(row.note)
        mark = self._painted(MARKS[row.level][not self._screen.is_unicode], COLOURS[row.level])
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
        painted = [self._painted(each, COLOURS[row.level]) for each in values]
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
