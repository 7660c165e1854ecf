"""Proofs of passwords: the same in both languages, and tied to the room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from signaling.protocol.ids import RoomName
from signaling.protocol.passwords import password_proof

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "passwords.json").read_text()
)


@pytest.mark.parametrize("example", VECTORS, ids=lambda example: example["password"][:12])
def test_proofs_are_those_of_the_browser_library(example: dict[str, Any]) -> None:
    assert password_proof(example["password"], example["room"]) == example["proof"]


def test_a_proof_for_one_room_opens_no_other() -> None:
    rooms = [RoomName("default/a"), RoomName("default/b")]
    assert len({password_proof("open sesame", room) for room in rooms}) == 2


def test_two_spellings_of_one_password_are_one() -> None:
    spellings = ("\u212b", "\u00c5", "A\u030a")
    assert len({password_proof(each, RoomName("default/a")) for each in spellings}) == 1


def test_an_empty_password_is_none() -> None:
    with pytest.raises(ValueError, match="character"):
        password_proof("", RoomName("default/a"))
