"""Numbered events within bounds, and what they come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.journal import Entry, FeedMember, Journal, RoomChanged, fold, read
from signaling.protocol.parts import RoomSettings

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "feed.json").read_text())
SETTINGS = RoomSettings(8)
ANA = FeedMember("a", "Ana", "n1")


def journal(most: int = 100, most_bytes: int = 1_000_000) -> Journal:
    return Journal("boot-1", most, most_bytes, lambda: 1_000.0)


def test_events_are_numbered_from_one_on() -> None:
    kept = journal()
    kept.room_opened("app/room", SETTINGS)
    kept.member_joined("app/room", ANA)
    entries = list(kept.after(0) or ())
    assert [entry.number for entry in entries] == [1, 2]
    assert entries[1].encoded == (
        b'{"type":"member-joined","room":"app/room","member":{"id":"a","name":"Ana","node":"n1"},"at":1000.0}'
    )


def test_one_who_knows_all_misses_nothing() -> None:
    kept = journal()
    kept.draining()
    assert list(kept.after(1) or ()) == []


def test_what_is_not_kept_any_more_is_told_to_be_missing() -> None:
    kept = journal(most=2)
    for number in range(4):
        kept.member_left("app/room", str(number), "left")
    assert kept.first == 3
    assert kept.after(1) is None
    assert [entry.number for entry in kept.after(2) or ()] == [3, 4]


def test_a_number_that_was_never_given_is_not_believed() -> None:
    kept = journal()
    kept.draining()
    assert kept.after(2) is None


def test_many_bytes_are_as_many_events() -> None:
    kept = journal(most_bytes=300)
    for _ in range(10):
        kept.member_left("app/room", "a", "left")
    entries = list(kept.after(kept.first - 1) or ())
    assert 0 < sum(len(entry.encoded) for entry in entries) <= 300
    assert entries[-1].number == 10


def test_ids_of_another_start_say_nothing() -> None:
    kept = journal()
    assert kept.number_of(kept.id_of(7)) == 7
    for foreign in ("boot-2-7", "boot-1-", "boot-1-x", "7", "", "boot-1-٣", "boot-1-" + "9" * 40):
        assert kept.number_of(foreign) is None


def test_without_a_window_nothing_is_written() -> None:
    kept = journal(most=0)
    kept.draining()
    assert kept.last == 0
    assert not kept.is_kept


def test_whoever_hears_is_told_each_event_once() -> None:
    kept = journal(most=1)
    heard = []
    kept.heard.append(heard.append)
    kept.room_opened("app/room", SETTINGS)
    kept.room_closed("app/room")
    assert [entry.type for entry in heard] == ["room-opened", "room-closed"]


def test_a_snapshot_stands_for_all_that_was_before() -> None:
    kept = journal()
    entry = kept.state("app/room", SETTINGS, [ANA])
    rooms = fold(read([entry]))
    assert rooms["app/room"].members == {"a": ANA}
    fold([RoomChanged(at=0.0, room="app/room", settings=RoomSettings(3))], rooms)
    assert rooms["app/room"].settings.capacity == 3


@given(st.lists(st.integers(1, 60), max_size=60), st.integers(1, 20), st.integers(60, 600))
def test_the_window_is_the_newest_events_without_a_gap(names: list[int], most: int, most_bytes: int) -> None:
    kept = journal(most, most_bytes)
    for length in names:
        kept.member_left("app/room", "x" * length, "left")
    entries = list(kept.after(kept.first - 1) or ())
    assert [entry.number for entry in entries] == list(range(kept.first, len(names) + 1))
    assert len(entries) <= most
    assert len(entries) <= 1 or sum(len(entry.encoded) for entry in entries) <= most_bytes


@pytest.mark.parametrize("kept", VECTORS["folds"], ids=lambda kept: kept["name"])
def test_rooms_are_the_fold_of_their_events(kept: dict[str, Any]) -> None:
    events = (Entry(0, each["type"], "", json.dumps(each).encode()) for each in kept["events"])
    assert msgspec.to_builtins(fold(read(events))) == kept["rooms"]
