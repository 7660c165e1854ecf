"""What holds for every dialect: no frame of one client harms another, or raises."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.dialects.base import room_of
from signaling.protocol.ids import MAX_NAME_CHARACTERS, room_name
from signaling.routes import FOREIGN
from tests.signaling.dialects.kit import Doors
from tests.signaling.kit import Client

WORDS = [
    *("type", "topics", "topic", "data", "from", "to", "dst", "src", "payload", "Signal", "receiver", "id"),
    *("OFFER", "LEAVE", "EXPIRE", "subscribe", "unsubscribe", "publish", "ping", "takeover", "ana", "", "#"),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(WORDS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
FRAMES = st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode())


@settings(max_examples=200)
@given(st.sampled_from(sorted(FOREIGN)), st.lists(FRAMES, max_size=8), st.text(max_size=8))
def test_no_frame_raises_or_reaches_a_witness(door: str, frames: list[bytes], name: str) -> None:
    doors = Doors()
    ana, ben = (Client(doors.world).connect() for _ in range(2))
    ana.join("garden")
    ben.join("garden")
    path = {"room": name}
    attacker = doors.come(FOREIGN[door].make, path, {"id": name, "token": "t", "key": "peerjs", "next": name})
    attacker.says(*frames)
    doors.pass_time(10)
    ben.read()
    ana.signal(ben, 1, {"still": "here"})
    assert [type(word).__name__ for word in ben.read()] == ["Signalled"]


@given(st.text(max_size=200), st.text(max_size=200))
def test_every_name_has_a_room_of_its_own(one: str, other: str) -> None:
    rooms = [room_of("app", "dialect", text) for text in (one, other)]
    assert (rooms[0] == rooms[1]) is (one == other)
    for room in rooms:
        assert room_name(room) == room
        assert len(room) <= MAX_NAME_CHARACTERS
        assert room.startswith("app/dialect:")
