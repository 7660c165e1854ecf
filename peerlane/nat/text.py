"""A report as text for people: the verdict first, what was found, what to expect, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from peer.nat.report import Level, Outcome, Report, Row, Section, Verdict
from peerlane.console import printable
from peerlane.nat.screen import Screen

INDENT = "  "
GAP = 2
MAX_LABEL, MAX_VALUE, MIN_NOTE = 36, 40, 28

MARKS: dict[Level, tuple[str, str]] = {
    "good": ("✓", "+"),
    "plain": ("·", "-"),
    "warning": ("!", "!"),
    "bad": ("✗", "x"),
}
"""Each level in Unicode and in ASCII: without colours they carry it alone."""
COLOURS: dict[Level, str] = {"good": "32", "plain": "", "warning": "33", "bad": "31"}
BOLD, DIM = "1", "2"
ASCII = {"→": "->", "↔": "<->", "…": "...", "–": "-", "×": "x", "‘": "'", "’": "'"}

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
    """Draws on one screen; whatever comes in is made drawable first."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def title(self, text: str) -> str:
        return self._painted(self._drawable(text), BOLD)

    def paragraph(self, text: str, level: Level, *, is_bold: bool = False) -> list[str]:
        codes = (COLOURS[level], BOLD if is_bold else "")
        return [self._painted(line, *codes) for line in self._wrapped(text, self._screen.width)]

    def items(self, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            first, *others = self._wrapped(text, self._screen.width - 4)
            yield f"{INDENT}- {first}"
            yield from (f"{INDENT}  {line}" for line in others)

    def table(self, rows: list[Row]) -> Iterator[str]:
        """A mark, the label, the value, and behind it the note, where there is room for one more column."""
        label_width = self._widest((row.label for row in rows), MAX_LABEL)
        value_width = self._widest((row.value for row in rows), MAX_VALUE)
        value_at = len(INDENT) + 2 + label_width + GAP
        note_at = value_at + value_width + GAP
        for row in rows:
            yield from self._row(row, value_at, note_at)

    def _row(self, row: Row, value_at: int, note_at: int) -> Iterator[str]:
        colour, width = COLOURS[row.level], self._screen.width
        *labels, label = self._wrapped(row.label, value_at - GAP - len(INDENT) - 2)
        values = self._wrapped(row.value, width - value_at)
        has_room = (
            width - note_at >= MIN_NOTE and len(values) == 1 and len(values[0]) <= note_at - value_at - GAP
        )
        mark = self._painted(MARKS[row.level][not self._screen.is_unicode], colour)
        for each in labels:
            yield f"{INDENT}{mark} {each}"
            mark = " "
        head = f"{INDENT}{mark} {label:<{value_at - GAP - len(INDENT) - 2}}{' ' * GAP}"
        notes = self._wrapped(row.note, width - (note_at if has_room else value_at)) if row.note else []
        if has_room and notes:
            value = self._painted(values[0], colour) + " " * (note_at - value_at - len(values[0]))
            yield f"{head}{value}{self._painted(notes.pop(0), DIM)}"
        else:
            yield f"{head}{self._painted(values.pop(0), colour)}".rstrip()
            yield from (" " * value_at + self._painted(each, colour) for each in values)
        indent = " " * (note_at if has_room else value_at)
        yield from (indent + self._painted(each, DIM) for each in notes)

    def _widest(self, texts: Iterable[str], most: int) -> int:
        return max(1, min(max((len(self._drawable(text)) for text in texts), default=0), most))

    def _wrapped(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(self._drawable(text), width, break_on_hyphens=False) or [""]

    def _drawable(self, text: str) -> str:
        text = printable(text)
        if self._screen.is_unicode:
            return text
        for character, plain in ASCII.items():
            text = text.replace(character, plain)
        return text.encode("ascii", "replace").decode()

    def _painted(self, text: str, *codes: str) -> str:
        given = [code for code in codes if code]
        if not self._screen.is_coloured or not given or not text:
            return text
        return f"\x1b[{';'.join(given)}m{text}\x1b[0m"
