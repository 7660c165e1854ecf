"""What a session asks for, step by step; ``tests/vectors/session.json`` binds both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from peer.errors import Full, Refused
from peer.signaling_client.conversation import Conversation
from peer.signaling_client.effects import Effect, Undelivered
from peer.signaling_client.nearest import Addresses
from peer.signaling_client.numbered import MAX_UNCONFIRMED_REQUESTS
from peer.signaling_client.session import Session
from signaling.protocol.codec import CLIENT_CODECS
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import JSON_SUBPROTOCOL, Event, Join, Leave, Update, Welcome
from signaling.protocol.parts import Capabilities

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "session.json").read_text())
TYPES = {"join": Join, "leave": Leave, "update": Update, "receive": Event}
FRACTION = 0.5


HERE = {"urls": ["ws://n1.example/v1/ws"]}


def new_session(addresses: dict[str, Any] = HERE) -> Session:
    codec = CLIENT_CODECS[JSON_SUBPROTOCOL]
    known = msgspec.convert(addresses, Addresses)
    return Session(Capabilities(engine="test"), lambda: FRACTION, codec, addresses=known)


def call(session: Session, method: str, *arguments: Any) -> list[Effect]:
    """One input as the vectors write it."""
    if method in TYPES:
        first = msgspec.json.decode(json.dumps(arguments[0]), type=TYPES[method])
        arguments = (first, *arguments[1:])
    elif method in ("signal", "broadcast"):
        first, payload, *rest = arguments
        arguments = (first, msgspec.Raw(json.dumps(payload, separators=(",", ":")).encode()), *rest)
    effects: list[Effect] = getattr(session, method)(*arguments)
    return effects


def as_json(effects: list[Effect]) -> Any:
    return json.loads(msgspec.json.encode(effects))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_session_does_as_the_examples_say(case: dict[str, Any]) -> None:
    session = new_session(case.get("addresses", HERE))
    opening = VECTORS["opening"] if case.get("after_opening") else []
    for step in [*opening, *case["steps"]]:
        assert as_json(call(session, *step["input"])) == step["effects"], step["input"]
        if "wake_at" in step:
            assert session.wake_at == pytest.approx(step["wake_at"])


WELCOME: dict[str, Any] = {
    "type": "welcome", "you": "me", "epoch": "e1", "resumed": False, "received": 0, "ticket": "t1",
    "unix_now": 0.0, "ping_interval": 25.0, "ping_timeout": 10.0, "resume_window": 120.0, "settle": 15.0,
    "limits": {
        "max_message_bytes": 65536, "max_metadata_bytes": 16384,
        "max_rooms": 100, "messages_per_second": 50.0,
    },
}  # fmt: skip


def opened() -> Session:
    session = new_session()
    session.start(0.0)
    session.link_opened()
    session.receive(msgspec.convert(WELCOME, Welcome), 0.0)
    return session


def test_what_finds_no_room_changes_nothing() -> None:
    session = opened()
    call(session, "join", {"type": "join", "request": 1, "room": "default/arena"})
    call(session, "receive", {"type": "joined", "request": 1, "room": "default/arena", "capacity": 9,
                              "peers": [{"id": "ben"}]}, 0.0)  # fmt: skip
    for number in range(MAX_UNCONFIRMED_REQUESTS - 1):
        call(session, "broadcast", "default/arena", number)
    with pytest.raises(Full):
        call(session, "broadcast", "default/arena", "one too many")
    with pytest.raises(Full):
        call(session, "signal", "ben", "one too many", 0.0)
    call(session, "receive", {"type": "pong", "received": MAX_UNCONFIRMED_REQUESTS}, 0.0)
    (sent,) = as_json(call(session, "signal", "ben", "first", 0.0))
    assert sent["message"] == {"type": "signal", "to": "ben", "n": 1, "payload": "first"}


def test_what_is_too_large_is_refused_before_it_is_counted() -> None:
    session = opened()
    with pytest.raises(Refused, match="too-large"):
        call(session, "signal", "ben", "x" * 65_536, 0.0)
    with pytest.raises(Refused, match="too-large"):
        call(session, "update", {"type": "update", "request": 1, "room": "r", "name": "x" * 65_536})


def test_a_signal_to_nobody_is_told_as_undelivered() -> None:
    conversation = Conversation(msgspec.Raw(b"null"))
    conversation.settle = 15.0
    assert conversation.signal(PeerId("nobody"), msgspec.Raw(b"1"), 100.0) == []
    assert conversation.wake_at == 115.0
    assert conversation.wake(115.0) == [Undelivered(PeerId("nobody"), [msgspec.Raw(b"1")])]


def test_a_hostile_number_makes_no_session_busy() -> None:
    session = new_session()
    session.start(0.0)
    session.link_opened()
    nonsense = {**WELCOME, "ping_interval": float("nan"), "ping_timeout": -1.0, "settle": float("inf")}
    session.receive(msgspec.convert(nonsense, Welcome), 0.0)
    assert session.wake_at is not None
    assert session.wake_at > 0.0
    call(session, "receive", {"type": "bye", "code": 4000, "come_back": "here", "after": 1e300}, 0.0)
    assert session.wake_at < 1000.0
