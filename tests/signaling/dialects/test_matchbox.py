"""Clients of matchbox at a hub: groups that gather, and never mix."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.dialects.matchbox import Matchbox, group_size
from tests.signaling.dialects.kit import Doors, ForeignClient


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (None, None),
        ("", None),
        ("0", None),
        ("-1", None),
        ("2", 2),
        ("x", None),
        ("1" * 10, None),
        ("٣", None),
    ],
)
def test_next_is_a_number_or_nothing(text: str | None, size: int | None) -> None:
    assert group_size(text) == size


def known_to(client: ForeignClient) -> tuple[str, set[str]]:
    """Its own id, and those that it was told of and who have not left."""
    me, others = "", set[str]()
    for frame in map(json.loads, client.heard):
        match frame:
            case {"IdAssigned": name}:
                assert me == ""
                me = name
            case {"NewPeer": name}:
                others.add(name)
            case {"PeerLeft": name}:
                others.discard(name)
    return me, others


@settings(max_examples=60)
@given(st.integers(1, 4), st.lists(st.integers(0, 5) | st.none(), max_size=20))
def test_groups_are_never_larger_and_never_mix(size: int, steps: list[int | None]) -> None:
    doors = Doors()
    clients: list[ForeignClient] = []
    for step in steps:
        if step is None:
            clients.append(doors.come(Matchbox, {"room": "r"}, {"next": str(size)}))
        elif clients:
            clients.pop(step % len(clients)).leaves()
        doors.pass_time(0.5)
    links = {
        frozenset((me, other)) for client in clients for me, others in [known_to(client)] for other in others
    }
    groups = [{me} for me in (known_to(client)[0] for client in clients)]
    for link in links:
        joined = [group for group in groups if group & link]
        groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    assert all(len(group) <= size for group in groups)
    for client in clients:
        assert known_to(client)[0]
    rooms = doors.world.hub.rooms
    # Nobody stays behind in a room that they do not need.
    assert sum(len(room.members) for room in rooms.values()) == len(clients)


def test_who_was_told_of_is_missed_when_they_leave_whatever_room_they_are_in() -> None:
    doors = Doors()
    three = [doors.come(Matchbox, {"room": "r"}, {"next": "3"}) for _ in range(3)]
    assert sorted(len(known_to(each)[1]) for each in three) == [0, 1, 2]
    three.pop().leaves()
    assert [frame for each in three for frame in each.heard if "PeerLeft" in frame] != []
    late = doors.come(Matchbox, {"room": "r"}, {"next": "3"})
    assert known_to(late)[1] == set()
    assert all("NewPeer" not in each.heard[-1] for each in three)
