"""The command ``turn audit``: its options, and its report on every screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.audit.build import report
from peer.nat.audit.evidence import Door, Quota
from peerlane.__main__ import run
from peerlane.nat.screen import Screen
from peerlane.turn.audit_text import text_of
from tests.peer.nat.audit.evidences import UDP, evidence, grant, permissions

BAD = evidence(permissions=permissions(*grant("10.0.0.1", "::1")), quota=Quota(20, 0))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["http://example.org"], "no TURN server"),
        (["turn:example.org:99999"], "99999"),
        (["example.org", "--username", "ana"], "a username and its password"),
        (["example.org", "--username", "ana", "--password", "p", "--secret", "s"], "not both"),
        (["example.org", "--timeout", "0"], "timeout"),
    ],
)
def test_a_mistake_in_the_options_is_a_sentence_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["turn", "audit", *arguments]) == 2
    told = capsys.readouterr()
    assert words.lower() in told.err.lower()
    assert told.out == ""


def test_the_verdict_comes_first_and_each_finding_has_its_lines() -> None:
    text = text_of(report(BAD), Screen())
    lines = text.splitlines()
    assert lines[0].startswith("3 holes in turn.example.org")
    assert "          denied-peer-ip=10.0.0.0-10.255.255.255" in lines
    assert "          user-quota=12" in lines
    assert lines.index("What is wrong") < lines.index("In order") < lines.index("Not checked")


def test_a_clean_server_is_short_of_words() -> None:
    text = text_of(report(evidence()), Screen())
    assert text.startswith("Nothing is wrong with turn.example.org.")
    assert "What is wrong" not in text


def test_there_is_colour_only_where_it_can_be_seen() -> None:
    assert "\x1b" not in text_of(report(BAD), Screen())
    assert "\x1b" in text_of(report(BAD), Screen(is_coloured=True))


@given(st.integers(50, 120), st.booleans())
def test_lines_fit_on_the_screen_but_for_those_to_copy(width: int, is_unicode: bool) -> None:
    text = text_of(report(BAD), Screen(width=width, is_unicode=is_unicode))
    for line in text.splitlines():
        assert len(line) <= width or line.startswith("          ")
    assert is_unicode or text.isascii()


@given(st.text(max_size=40))
def test_what_a_server_calls_itself_cannot_move_the_cursor(software: str) -> None:
    door = Door(url=UDP, transport="udp", is_turn=True, software=f"\x1b[2J9{software}")
    text = text_of(report(evidence(doors=[door])), Screen())
    assert "\x1b" not in text
    assert "\r" not in text
