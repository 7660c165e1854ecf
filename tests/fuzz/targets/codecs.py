"""The native codec, for both directions, and the rules and the session that hear what it has read."""

from __future__ import annotations

from typing import Any

import msgspec

from peer.engine.ice.servers import parse_servers
from peer.errors import PeerlaneError
from peer.signaling_client.effects import Connect, Disconnect, Effect, Ended, Send, Tell
from peer.signaling_client.session import Session
from signaling.protocol.codec import CLIENT_CODECS, SERVER_CODECS, UNREADABLE, Codec, Malformed, size_in_both
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    MAX_BATCH_MESSAGES,
    MSGPACK_SUBPROTOCOL,
    Hello,
    IceServers,
    Join,
    Signalled,
    Welcome,
    Word,
)
from signaling.protocol.parts import Capabilities
from tests.fuzz.mutation import in_pieces, joined, pieces, trees
from tests.fuzz.target import Target
from tests.signaling.hub.test_any_words import assert_readable, said
from tests.signaling.kit import Client, World, in_room

MILLION = 1_000_000
BY_NAME = {JSON_SUBPROTOCOL: msgspec.json, MSGPACK_SUBPROTOCOL: msgspec.msgpack}


def read_as_server(name: str, frame: bytes) -> None:
    """What was read is written and read again as the same, and every payload reaches readers of both."""
    server, client = SERVER_CODECS[name], CLIENT_CODECS[name]
    messages = server.decode(frame)
    assert 0 < len(messages) <= MAX_BATCH_MESSAGES
    for message in messages:
        if isinstance(message, Malformed):
            assert len(messages) == 1
            continue
        _again(server, client, message)
        payload = getattr(message, "payload", None)
        if payload is not None:
            _reaches(Signalled(PeerId("p"), 1, payload))


def _again(server: Codec[Any], client: Codec[Any], message: Word) -> None:
    try:
        size_in_both(getattr(message, "metadata", None))
    except UNREADABLE:
        return  # refused by the rules, which alone look into it
    carried = getattr(message, "payload", None)
    if carried is not None:
        message = msgspec.structs.replace(message, payload=getattr(carried, "raw", carried))
    written = client.encode(message)
    (again,) = server.decode(written)
    assert type(again) is type(message), again
    carried = getattr(again, "payload", None)
    if carried is not None:
        again = msgspec.structs.replace(again, payload=getattr(carried, "raw", carried))
    assert client.encode(again) == written


def _reaches(event: Word) -> None:
    for subprotocol, codec in SERVER_CODECS.items():
        (heard,) = CLIENT_CODECS[subprotocol].decode(codec.encode(event))
        assert not isinstance(heard, Malformed), heard
        try:
            CLIENT_CODECS[subprotocol].read_payload(heard.payload)  # type: ignore[union-attr]
        except UNREADABLE:
            # Well-formed JSON may hold numbers that no JSON reader of ours has room for.
            assert subprotocol == JSON_SUBPROTOCOL


def hear_in_hub(name: str, data: bytes) -> None:
    """Frames of one member in a room of three: every other can read what comes of it."""
    world = World()
    ana, *others = in_room(world, "ana", "ben", "eve")
    for frame in pieces(data, most=8):
        for message in SERVER_CODECS[name].decode(frame):
            if isinstance(message, Hello):
                Client(world, message.capabilities).connect(message.resume)
            assert ana.session is not None
            if ana.session.link is None:
                break
            effects = world.hub.receive(ana.session, message, world.now)
            world.perform(effects)
            for event in said(effects):
                assert_readable(event)
    for client in others:
        assert client.session is not None
        client.lose_link()
        again = Client(world).connect(client.claim(received=client.session.mailbox.first))
        for event in again.line.said:
            assert_readable(event)
    world.pass_time(100.0)


def hear_as_client(name: str, data: bytes) -> None:
    """A server that says anything: the session answers in words that can be written, and rests at times."""
    codec = CLIENT_CODECS[name]
    session = Session(Capabilities(), lambda: 0.5, codec)
    now = 1_000.0
    nothing = msgspec.Raw(b"null" if codec.is_text else b"\xc0")

    def perform(effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Connect():
                    perform(session.link_opened())
                case Send(message):
                    codec.encode(message)
                case Tell(Ended()) | Disconnect():
                    pass
                case Tell(event) if isinstance(event, IceServers):
                    parse_servers(event.ice_servers)

    perform(session.start(now))
    perform(session.join(Join(session.next_request(), "default/garden")))
    for frame in pieces(data, most=16):
        for event in codec.decode(frame):
            perform(session.receive(event, now))
            if isinstance(event, Welcome):
                parse_servers(event.ice_servers)
            if isinstance(event, Signalled):
                try:
                    perform(session.signal(event.sender, nothing, now))
                except PeerlaneError:
                    pass  # too much for what the server says that it takes, as it is promised
        now += 0.5
        if session.wake_at is not None and session.wake_at <= now:
            perform(session.wake(now))
            assert session.wake_at is None or session.wake_at > now, "a timer that never rests"


PEER = "AAAAAAAAAAAAAAAAAAAAAg"
HIDDEN: tuple[dict[str, Any], ...] = (
    {"type": "hello", "capabilities": {"engine": "aiortc", "trickle": True}, "token": "a.b.c"},
    {"type": "hello", "resume": {"ticket": "a.b", "epoch": "first", "received": 3}},
    {"type": "join", "request": 1, "room": "garden", "name": "ana", "metadata": {"a": [1, {"b": 2.5}]}},
    {"type": "join", "request": 1, "room": "app/attic", "capacity": 2, "proof": "p" * 43, "lobby": True},
    {"type": "leave", "request": 2, "room": "garden"},
    {"type": "update", "request": 3, "room": "garden", "name": "Ana", "metadata": {}},
    {"type": "signal", "to": PEER, "n": 1, "payload": {"kind": "candidate", "generation": 1}},
    {"type": "ack", "to": PEER, "n": 1},
    {"type": "broadcast", "room": "garden", "payload": ["é", None, 1e10, -5]},
    {"type": "authenticate", "request": 4, "token": "a.b.c"},
    {"type": "kick", "request": 5, "room": "garden", "id": PEER, "ban": 1.5, "reason": "x"},
    {"type": "configure", "request": 6, "room": "garden", "locked": True, "capacity": 3, "owner": PEER},
    {"type": "configure", "request": 6, "room": "garden", "proof": "", "lobby": False},
    {"type": "decide", "request": 7, "room": "garden", "id": PEER, "admit": True},
    {"type": "ping", "received": 5},
    {"type": "pong", "received": 5, "unix_now": 1.5},
    {"type": "bye", "code": 0, "come_back": "never"},
)
WELCOME = {
    "type": "welcome", "you": "me", "epoch": "first", "resumed": False, "received": 0, "ticket": "t.s",
    "unix_now": 1.5, "ping_interval": 15.0, "ping_timeout": 10.0, "resume_window": 30.0, "settle": 3.0,
    "limits": {"max_message_bytes": 65536, "max_metadata_bytes": 4096, "max_rooms": 8,
    "messages_per_second": 50.0},
    "ice_servers": [{"urls": ["stun:a:1", "turn:[::1]:1?transport=tcp"], "username": "u", "credential": "c"}],
    "can": ["signal"], "expires": 1e9,
}  # fmt: skip
ROOM = "default/garden"
MEMBER = {
    "id": PEER,
    "name": "ben",
    "metadata": {"x": 1},
    "capabilities": {"rollback": True},
    "you_offer": True,
}
EVENTS: tuple[dict[str, Any], ...] = (
    {
        "type": "joined",
        "request": 1,
        "room": ROOM,
        "peers": [MEMBER],
        "capacity": 8,
        "settings": {"capacity": 8},
    },
    {"type": "peer-joined", "room": ROOM, "peer": MEMBER},
    {"type": "peer-updated", "room": ROOM, "id": PEER, "name": "Ben", "metadata": {}, "away": True},
    {"type": "peer-left", "room": ROOM, "id": PEER, "reason": "reset"},
    {"type": "signal", "from": PEER, "n": 1, "payload": {"kind": "please-offer", "generation": 1}},
    {"type": "ack", "from": PEER, "n": 1},
    {"type": "broadcast", "room": ROOM, "from": PEER, "payload": 5},
    {"type": "refused", "code": "unknown-peer", "hint": "", "to": PEER, "n": 1, "retry_after": 1.0},
    {"type": "refused", "code": "malformed", "hint": "h", "request": 1},
    {"type": "kicked", "room": ROOM, "reason": "r", "ban": 1.0},
    {"type": "waiting", "request": 1, "room": ROOM},
    {"type": "left", "request": 1, "room": ROOM},
    {"type": "permitted", "can": ["signal"], "expires": None},
    {"type": "expiring", "expires": 1e9},
    {"type": "ticket", "ticket": "t"},
    {"type": "ice-servers", "ice_servers": [{"urls": ["turns:h"], "username": "u", "credential": "c"}]},
    {"type": "room-updated", "room": ROOM, "settings": {"capacity": 2, "locked": True}},
    {"type": "ping", "received": 1},
    {"type": "pong", "received": 2**53},
    {"type": "bye", "code": 4001, "reason": "x", "come_back": "here", "after": 5.0},
)
ODD = (PEER, "garden", "never", "elsewhere", *(word["type"] for word in HIDDEN))


def _words(sentences: tuple[dict[str, Any], ...], encode: Any) -> tuple[bytes, ...]:
    found = {name for word in sentences for name in word} | {str(word["type"]) for word in sentences}
    return tuple(encode(name) for name in sorted(found))


def _targets() -> list[Target]:
    made = []
    for name, module in BY_NAME.items():
        short = name.rpartition(".")[2]
        encode = module.encode
        single = tuple(encode(word) for word in HIDDEN)
        frames = (*single, encode(list(HIDDEN)), encode([HIDDEN[6]] * 64), b"", encode(None))
        talks = tuple(joined(word, *single[4:7]) for word in (*single, frames[-3]))
        events = (WELCOME, *EVENTS)
        heard = (
            *(joined(encode(WELCOME), encode(EVENTS[0]), encode(event)) for event in EVENTS),
            joined(encode(WELCOME), *map(encode, EVENTS)),
            joined(encode([WELCOME, *EVENTS[:5]]), encode(EVENTS[-1]), encode(WELCOME | {"resumed": True})),
        )
        in_tree = trees(module, ODD)
        made += [
            Target(
                f"server_{short}",
                lambda data, name=name: read_as_server(name, data),  # type: ignore[misc]
                frames,
                _words(HIDDEN, encode),
                in_tree,
                at_least=MILLION,
            ),
            Target(
                f"hub_{short}",
                lambda data, name=name: hear_in_hub(name, data),  # type: ignore[misc]
                talks,
                _words(HIDDEN, encode),
                in_pieces(in_tree),
            ),
            Target(
                f"client_{short}",
                lambda data, name=name: hear_as_client(name, data),  # type: ignore[misc]
                heard,
                _words(events, encode),
                in_pieces(in_tree),
                max_bytes=4_096,
            ),
        ]
    return made


TARGETS = _targets()
