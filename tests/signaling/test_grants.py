"""Who may do what, where."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.grants import OPEN, Grants, matches
from signaling.protocol.ids import RoomName
from signaling.protocol.permissions import EVERYBODY, EVERYTHING, Permission

LETTERS = st.text(alphabet="ab*.", max_size=12)


@given(pattern=LETTERS, name=st.text(alphabet="ab.", max_size=16))
def test_a_star_stands_for_any_characters_and_nothing_else_is_special(pattern: str, name: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, name) == (re.fullmatch(expression, name) is not None)


def test_many_stars_take_no_longer_than_the_name_is_long() -> None:
    assert not matches("a*" * 60 + "b", "a" * 128)


@pytest.mark.parametrize(
    ("app", "rooms", "room", "expected"),
    [
        ("", ("*",), "default/garden", True),
        ("game", ("*",), "game/arena", True),
        ("game", ("*",), "games/arena", False),
        ("game", ("*",), "default/arena", False),
        ("game", ("arena-*", "lobby"), "game/arena-7", True),
        ("game", ("arena-*", "lobby"), "game/lobby", True),
        ("game", ("arena-*", "lobby"), "game/lobby2", False),
        ("", (), "default/garden", False),
    ],
)
def test_grants_reach_the_rooms_that_fit(app: str, rooms: tuple[str, ...], room: str, expected: bool) -> None:
    assert Grants(app=app, rooms=rooms).reaches(RoomName(room)) is expected


def test_an_admin_may_everything() -> None:
    admin = Grants(can=frozenset({Permission.ADMIN}))
    assert all(admin.may(permission) for permission in EVERYTHING)


def test_who_needs_no_token_may_what_everybody_may() -> None:
    assert {permission for permission in Permission if OPEN.may(permission)} == EVERYBODY
