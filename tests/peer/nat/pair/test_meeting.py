"""What two ends say to each other: believed only where it can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.pair.meeting import (
    METADATA,
    Counted,
    Farewell,
    Hello,
    Path,
    Traffic,
    Weighed,
    Word,
    is_of_our_version,
    is_tester,
    read_word,
    write_word,
)

PATH = Path(route="relayed", protocol="tls", local_type="relay", remote_type="host")


@pytest.mark.parametrize(
    "word", [Hello(1, 2.0), Counted(300, 299, 0.001, 2), Weighed(None), Weighed(1e6), Farewell(PATH)]
)
def test_a_word_is_read_as_it_was_written(word: Word) -> None:
    assert read_word(write_word(word)) == word


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"step":"other"}',
        '{"step":"hello","version":1,"seconds":1e9}',
        '{"step":"counted","sent":-1,"received":0,"jitter":null,"reordered":0}',
        '{"step":"counted","sent":1,"received":99999999999,"jitter":null,"reordered":0}',
        '{"step":"farewell","path":{"route":"tunnelled"}}',
        "[" * 10_000,
    ],
)
def test_what_is_no_word_or_cannot_be_is_left_alone(text: str) -> None:
    assert read_word(text) is None


@given(st.text() | st.binary())
def test_nothing_that_is_said_raises(message: str | bytes) -> None:
    word = read_word(message)
    assert word is None or read_word(write_word(word)) == word


def test_loss_is_a_share_and_never_below_nothing() -> None:
    assert Traffic(sent=200, received=150).loss == 0.25
    assert Traffic(sent=1, received=5).loss == 0
    assert Traffic(sent=0, received=0).loss == 0


def test_a_tester_is_known_by_its_metadata_and_others_are_not_taken_for_one() -> None:
    assert is_tester(dict(METADATA))
    assert not is_tester({"name": "ana"})
    assert is_of_our_version(dict(METADATA) | {"more": True})
    assert not is_of_our_version(dict.fromkeys(METADATA, 2))
