"""Reports on screens of every width, with and without colours."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.observations import Observations
from peer.nat.report import Expectation, Report, Row, Section, Verdict
from peerlane.nat.changes import changes
from peerlane.nat.progress import Progress
from peerlane.nat.screen import Screen, screen_of
from peerlane.nat.text import text_of

ESCAPE = "\x1b"


def report(
    *,
    sentence: str = "Direct with most networks.",
    rows: list[Row] | None = None,
    expectations: list[Expectation] | None = None,
    advice: list[str] | None = None,
    exit_code: int = 0,
) -> Report:
    return Report(
        verdict=Verdict("direct", sentence, advice or [], exit_code),
        behaviour=[],
        sections=[Section("UDP", rows)] if rows else [],
        expectations=expectations or [],
        observations=Observations(),
    )


FULL = report(
    rows=[
        Row("UDP", "works", level="good"),
        Row("Mapping", "endpoint-independent", "the same public port for everybody, " * 3, "good"),
        Row("Hairpinning", "not asked"),
        Row("Fragments", "dropped", "large datagrams get lost", "warning"),
        Row("IPv6", "no", "", "bad"),
    ],
    expectations=[
        Expectation("symmetric", "a symmetric NAT", "relay", "it gives each peer another port"),
        Expectation("open", "the open internet", "direct"),
        Expectation("naive", "a plain Linux router", "sometimes", "if it does not send first"),
        Expectation("udp-blocked", "a network without UDP", "none"),
    ],
    advice=["Add a TURN server.", "Use a cable. " * 20],
)


def test_the_verdict_comes_first_and_the_advice_last() -> None:
    lines = text_of(FULL, Screen()).splitlines()
    assert lines[0] == "Direct with most networks."
    assert lines[lines.index("What to do") + 1] == "  - Add a TURN server."
    assert lines.index("UDP") < lines.index("What to expect with a peer in") < lines.index("What to do")


def test_rows_stand_in_columns_with_a_mark_for_each_level() -> None:
    lines = text_of(FULL, Screen()).splitlines()
    start = lines.index("UDP")
    rows = [line for line in lines[start + 1 :] if line[2:3] in "✓·!✗" and line.startswith("  ")][:5]
    assert [row[2] for row in rows] == ["✓", "✓", "·", "!", "✗"]
    values = ["works", "endpoint-independent", "not asked", "dropped", "no"]
    at = rows[0].index("works")
    assert all(row[at:].startswith(value) for row, value in zip(rows, values, strict=True))


def test_what_to_expect_is_told_in_words() -> None:
    text = text_of(FULL, Screen())
    for words in ("by relay", "direct", "sometimes direct", "no connection"):
        assert words in text


@pytest.mark.parametrize("width", [50, 64, 80, 100, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    assert max(map(len, text_of(FULL, Screen(width=width)).splitlines())) <= width


def test_a_long_note_goes_on_in_its_own_column() -> None:
    lines = text_of(FULL, Screen(width=100)).splitlines()
    first = next(index for index, line in enumerate(lines) if "Mapping" in line)
    at = lines[first].index("the same public")
    assert lines[first + 1][:at].strip() == ""
    assert lines[first + 1][at] != " "


def test_where_there_is_no_room_beside_a_value_its_note_stands_below() -> None:
    lines = text_of(FULL, Screen(width=50)).splitlines()
    first = next(index for index, line in enumerate(lines) if "Mapping" in line)
    assert lines[first].endswith("endpoint-independent")
    assert lines[first + 1].strip().startswith("the same")


def test_colours_are_only_where_they_are_wanted() -> None:
    assert ESCAPE not in text_of(FULL, Screen())
    painted = text_of(FULL, Screen(is_coloured=True))
    assert "\x1b[32m" in painted
    assert painted.count(ESCAPE) == 2 * painted.count("\x1b[0m")


def test_a_screen_without_unicode_gets_ascii() -> None:
    text = text_of(report(rows=[Row("host → relay", "✓", "ä", "good")]), Screen(is_unicode=False))
    assert text.isascii()
    assert "host -> relay" in text


def test_what_a_server_says_cannot_play_with_the_terminal() -> None:
    evil = "a\x1b[2Jb\u202ec\x07\r\nd"
    text = text_of(
        report(
            sentence=evil,
            rows=[Row(evil, evil, evil)],
            expectations=[Expectation("open", evil, "direct", evil)],
            advice=[evil],
        ),
        Screen(),
    )
    assert not any(character in text for character in "\x1b\u202e\x07\r")


@given(st.lists(st.text(max_size=80), min_size=3, max_size=3), st.integers(50, 120))
def test_any_text_fits_on_any_screen(texts: list[str], width: int) -> None:
    label, value, told = texts
    lines = text_of(report(rows=[Row(label, value, told)]), Screen(width=width)).split("\n")
    assert max(map(len, lines)) <= width
    assert len(lines) >= 4


def test_a_pipe_is_no_terminal_and_has_no_colours() -> None:
    screen = screen_of(io.StringIO(), {"TERM": "xterm"})
    assert (screen.is_coloured, screen.width) == (False, 100)


class Terminal(io.StringIO):
    encoding = "UTF-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_a_terminal_has_colours_unless_somebody_says_no(
    environment: dict[str, str], is_coloured: bool
) -> None:
    assert screen_of(Terminal(), environment).is_coloured is is_coloured


def test_progress_is_shown_on_a_terminal_only_and_is_gone_at_the_end() -> None:
    shown, piped = Terminal(), io.StringIO()
    for stream in (shown, piped):
        with Progress(stream, has_bar=True) as progress:
            progress("asking\x07 the server", 0.5)
            progress("done", 7.0)
    assert piped.getvalue() == ""
    assert "█" in shown.getvalue()
    assert "50%" in shown.getvalue()
    assert "\x07" not in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[K")


def test_times_and_ports_alone_are_no_change() -> None:
    before = report(rows=[Row("Public address", "203.0.113.7:40000, 12 ms")])
    after = report(rows=[Row("Public address", "203.0.113.7:51234, 9.5 ms")])
    assert changes(before, after) == []


def test_changes_are_told_with_what_was_before() -> None:
    before = report(rows=[Row("UDP", "works", level="good"), Row("IPv6", "no")])
    after = report(
        sentence="Only by a relay.", rows=[Row("UDP", "blocked", level="bad"), Row("TURN", "works")]
    )
    assert changes(before, after) == [
        "Only by a relay.",
        "UDP, UDP: works → blocked",
        "UDP, TURN: now works",
        "UDP, IPv6: no longer there",
    ]


def test_rows_of_the_same_label_are_compared_each_with_its_own() -> None:
    before = report(rows=[Row("a server", "works"), Row("a server", "silent")])
    after = report(rows=[Row("a server", "works"), Row("a server", "works")])
    assert changes(before, before) == []
    assert changes(before, after) == ["UDP, a server: silent → works"]


def test_another_outcome_with_a_kind_of_peer_is_a_change() -> None:
    before = report(expectations=[Expectation("open", "the open internet", "direct")])
    after = report(expectations=[Expectation("open", "the open internet", "relay")])
    assert changes(before, after) == ["Expected, the open internet: direct → relay"]
