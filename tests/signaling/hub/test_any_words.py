"""Whatever one client says, the hub has an answer, and every other client can read what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.effects import Deliver, DeliverAll, Effect, Replay
from signaling.protocol.codec import CLIENT_CODECS, SERVER_CODECS, Malformed
from signaling.protocol.messages import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Word
from tests.signaling.kit import Client, World, in_room

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
common: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.integers(-2, 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
packed_only = st.builds(msgspec.msgpack.Ext, st.integers(0, 127), st.binary(max_size=4)) | st.just(
    datetime(2026, 1, 1, tzinfo=UTC)
)
keys = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | text | st.tuples(st.integers(0, 3))


def values(name: str) -> st.SearchStrategy[Any]:
    """Anything that this codec has a form for, however little the other one has."""
    if name == JSON_SUBPROTOCOL:
        return st.recursive(
            common, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=6
        )
    leaves = common.filter(lambda each: not isinstance(each, int) or -(2**63) <= each < 2**64)
    return st.recursive(
        leaves | st.floats() | st.binary(max_size=4) | packed_only,
        lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
        max_leaves=6,
    )


def words(name: str, peers: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """What looks like a message, with anything for a value here and there."""
    anything = values(name)
    number = st.integers(0, 5) | st.sampled_from([-1, 2**53, 2**53 + 1, 2**64 - 1])
    kinds = ["join", "leave", "update", "signal", "ack", "broadcast", "ping", "pong", "bye", "hello", "?"]
    sensible: dict[str, st.SearchStrategy[Any]] = {
        "type": st.sampled_from(kinds),
        "request": number,
        "room": st.sampled_from(["garden", "attic", ""]) | text,
        "name": text,
        "metadata": st.dictionaries(text, anything, max_size=2),
        "capacity": number,
        "to": st.sampled_from(peers) | text,
        "n": number,
        "payload": anything,
        "received": number,
    }
    spoiled = st.dictionaries(st.sampled_from([*sensible, "from", "code"]), anything, max_size=1)
    sound = st.fixed_dictionaries(sensible)
    return st.builds(lambda one, other: one | other, sound, spoiled | st.just({}))


def said(effects: list[Effect]) -> list[Word]:
    messages: list[Word] = []
    for effect in effects:
        if isinstance(effect, Replay):
            messages += effect.messages
        elif isinstance(effect, Deliver | DeliverAll):
            messages += [effect.message] * (len(effect.links) if isinstance(effect, DeliverAll) else 1)
    return messages


@pytest.mark.parametrize("name", [JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL])
@given(data=st.data())
def test_whatever_one_client_says_every_other_can_read_what_comes_of_it(
    name: str, data: st.DataObject
) -> None:
    world = World()
    clients = in_room(world, "ana", "ben", "eve")
    encode = msgspec.json.encode if name == JSON_SUBPROTOCOL else msgspec.msgpack.encode
    for word in data.draw(st.lists(words(name, [client.id for client in clients]), max_size=6)):
        frame = encode(word)
        speaker = clients[0]
        assert speaker.session is not None
        for message in SERVER_CODECS[name].decode(frame):
            if speaker.session.link is not None:
                effects = world.hub.receive(speaker.session, message, world.now)
                world.perform(effects)
                for event in said(effects):
                    assert_readable(event)
    for client in clients:
        if client.session is not None and client.session.link is not None:
            line = client.line
            client.lose_link()
            newcomer = Client(world).connect(client.claim(received=client.session.mailbox.first))
            assert newcomer.welcome.resumed
            assert line is not newcomer.line
            for event in newcomer.line.said:
                assert_readable(event)


def assert_readable(event: Word) -> None:
    """In either codec, and its payload too."""
    for subprotocol, codec in SERVER_CODECS.items():
        reader = CLIENT_CODECS[subprotocol]
        (heard,) = reader.decode(codec.encode(event))
        assert not isinstance(heard, Malformed), heard
        if hasattr(heard, "payload"):
            reader.read_payload(heard.payload)
