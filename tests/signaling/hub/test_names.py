"""Names that people see: what is the same to the eye is the same, and nothing turns the text around."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.hub.names import clean_name


@pytest.mark.parametrize(
    "text",
    [
        *("A\u200bna", "Ana\u200b", "\ufeffAna", "An\u00ada", "An\u2060a", "A\u200dna", "A\u200cna"),
        *("Ana\u200e", "\u061cAna", "Ana\u3164", "\uffa0Ana", "A\u034fna", "Ana\ufe0f", "Ana\u2800"),
        *("Ana\U000e0041", " Ana ", "\uff21na"),
    ],
)
def test_what_nobody_can_see_is_not_part_of_a_name(text: str) -> None:
    assert clean_name(text) == "Ana"


@pytest.mark.parametrize(
    "text",
    [
        "Ana",
        "Zoë",
        "Дарья",
        "علی\u200cرضا",
        "ක්\u200dෂ",
        "👨\u200d👩\u200d👧",
        "👩🏽\u200d💻",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
        "葛\U000e0100城",
        "名前",
    ],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert clean_name(text) == text


def test_a_letter_and_its_accent_are_one_whatever_stood_between_them() -> None:
    assert clean_name("Zoe\u200d\u0308") == "Zoë"


@pytest.mark.parametrize("turn", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"])
def test_a_name_that_turns_the_text_around_it_is_refused(turn: str) -> None:
    assert clean_name(f"Ana {turn}gnp.exe") is None


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "\x1b[2Ja", "a\u2028b", "\ud800", "x" * 129, "x" * 513])
def test_a_name_that_cannot_be_shown_is_refused(text: str) -> None:
    assert clean_name(text) is None


def test_a_name_of_nothing_that_can_be_seen_is_none_at_all() -> None:
    assert clean_name("\u200b\u200d\u3164 \ufe0f") == ""


@given(st.text(st.characters(min_codepoint=0xA0, max_codepoint=0x2FFF), max_size=200))
def test_a_clean_name_stays_as_it_is(text: str) -> None:
    name = clean_name(text)
    if name is not None:
        assert clean_name(name) == name
        assert unicodedata.is_normalized("NFKC", name)
