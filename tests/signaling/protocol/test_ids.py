"""Names of peers and rooms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.protocol.ids import peer_id_from, room_name


def test_a_peer_id_is_22_characters_for_128_bits() -> None:
    assert len(peer_id_from(bytes(16))) == 22
    assert peer_id_from(bytes(16)) != peer_id_from(bytes(15) + b"\x01")


@pytest.mark.parametrize("count", [0, 15, 17])
def test_fewer_or_more_bits_are_a_mistake(count: int) -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        peer_id_from(bytes(count))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("garden", "default/garden"),
        (" garden ", "default/garden"),
        ("chess/garden", "chess/garden"),
        ("ｇａｒｄｅｎ", "default/garden"),
        ("cafe\u0301", "default/caf\u00e9"),
    ],
)
def test_spellings_of_one_room_meet_in_one_room(text: str, name: str) -> None:
    assert room_name(text) == name


@pytest.mark.parametrize("text", ["", " ", "/", "a/", "/a", "a/b/c", "a\nb", "a\x00", "a\u2028b", "x" * 121])
def test_what_cannot_be_a_room_is_none(text: str) -> None:
    assert room_name(text) is None


@pytest.mark.parametrize("mark", ["\u00ad", "\u200b", "\u200e", "\u202e", "\u2060", "\u2066", "\ufeff"])
def test_no_two_rooms_have_names_that_differ_in_what_nobody_sees(mark: str) -> None:
    assert room_name(f"gar{mark}den") is None


@given(st.text())
def test_a_normalised_name_stays_as_it_is(text: str) -> None:
    name = room_name(text)
    assert name is None or room_name(name) == name
