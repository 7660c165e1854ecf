"""What other nodes say over the bus: frames, and the words in them, which a hub hears as from a neighbour."""

from __future__ import annotations

from typing import Any

import msgspec

from signaling.backplane.frames import MARK_BYTES, Frames
from signaling.cluster.codec import VERSION_BYTE, Frame, NodeCodec
from signaling.cluster.words import (
    ALONE,
    Acknowledge,
    Ban,
    Beat,
    Cast,
    Changed,
    Claimed,
    Entered,
    Expel,
    Farewell,
    Fetch,
    Fetched,
    Gone,
    Here,
    Knock,
    KnockEnd,
    Moved,
    NodeId,
    NodeWord,
    Passport,
    Place,
    Quit,
    Ruled,
    Rules,
    Say,
    Shown,
    Throw,
    Unknown,
    Verdict,
    Who,
)
from signaling.effects import Effect, Listen, Tell
from signaling.grants import OPEN
from signaling.hub.hub import Hub
from signaling.hub.tickets import Claim, Tickets
from signaling.protocol.ids import PeerId, RoomName, room_name
from signaling.protocol.messages import PeerLeft
from signaling.protocol.parts import Capabilities
from tests.fuzz.mutation import trees
from tests.fuzz.target import Target
from tests.signaling.hub.test_any_words import assert_readable, said
from tests.signaling.kit import KEY, Client, World

ME, OTHER, THIRD = NodeId("a"), NodeId("b"), NodeId("c")
PEER, STRANGER = PeerId("AAAAAAAAAAAAAAAAAAAAAQ"), PeerId("s" * 22)
ROOM = "default/garden"
PLAIN, SIGNED = NodeCodec(""), NodeCodec("k" * 32)


def read_frame(data: bytes) -> None:
    """As it came, and as if it had the right version and were signed; what was read is written the same."""
    Frames(b"s" * 8).read(data[:MARK_BYTES])
    for codec in (PLAIN, SIGNED):
        codec.decode(data)
        frame = codec.decode(VERSION_BYTE + codec._signature(data) + data)
        if frame is None:
            continue
        words = [codec.encode(word) for word in frame.words]
        again = codec.decode(codec.frame(frame.sender, frame.to, frame.n, words))
        assert again is not None
        assert [codec.encode(word) for word in again.words] == words


class Neighboured(World):
    """One node of several: what it says to them can be read there."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub(self.config, Tickets(KEY), "first", self.hub._admission._random_bytes, ME)
        self.perform(self.hub.bus_changed(True, self.now))

    def perform(self, effects: list[Effect]) -> None:
        for event in said(effects):
            assert_readable(event)
        for effect in effects:
            if isinstance(effect, Tell):
                frame = PLAIN.decode(PLAIN.frame(ME, OTHER, 1, [PLAIN.encode(effect.word)]))
                assert frame is not None
                assert [type(word) for word in frame.words] == [type(effect.word)]
            elif isinstance(effect, Listen):
                self.perform(self.hub.room_asked(effect.room, False, self.now))
        super().perform(effects)


def hear_in_hub(data: bytes) -> None:
    """A neighbour says anything about a room that has members of both: our own go on, and can come back."""
    frame = PLAIN.decode(VERSION_BYTE + data)
    if frame is None:
        return
    world = Neighboured()
    ana, ben = (Client(world).connect() for _ in range(2))
    ana.join("garden")
    ben.join("garden")
    assert ana.id == PEER
    for word in OPENING:
        world.perform(world.hub.heard_node(OTHER, word, world.now))
    for word in frame.words:
        if isinstance(word, Fetched):
            _adopt(world, word)
        else:
            world.perform(world.hub.heard_node(OTHER, word, world.now))
    for session in world.hub.sessions.values():
        assert len({room.name for room in session.rooms}) == len(session.rooms)
        assert all(room.members[session.id].session is session for room in session.rooms)
    for client in (ana, ben):
        if client.session is not None and client.session.link is client.line:
            client.lose_link()
            Client(world).connect(client.claim(received=client.session.mailbox.first))
    world.perform(world.hub.node_died(OTHER, world.now))
    world.pass_time(100.0)


def _adopt(world: Neighboured, word: Fetched) -> None:
    """As the bus does it."""
    names = [name for text in (word.rooms or ["garden"]) if (name := room_name(text)) is not None]
    for name in names:
        world.perform(world.hub.open_for_arrival(name, world.now))
    if word.passport is not None:
        claim = Claim(STRANGER, b"n" * 16, 2_000_000_000, b"", OTHER)
        world.perform(world.hub.adopt(word.passport, claim, OPEN, world.now)[1])
    world.perform(world.hub.arrived(names))


def _pack(frame: Frame) -> bytes:
    words = [PLAIN.encode(word) for word in frame.words]
    return PLAIN.frame(frame.sender, frame.to, frame.n, words).removeprefix(VERSION_BYTE)


RULES = Rules(1_700_000_000.0, OTHER, 3, OTHER, 5, STRANGER, False, b"", True)
SHOWN = Shown(STRANGER, "eve", {"a": [1]}, Capabilities(engine="aiortc"), False, True, False, 1)
EVENT = msgspec.json.encode(PeerLeft(RoomName(ROOM), PEER, "left"))
PLACE = Place(ROOM, "eve", {"a": 1}, RULES, [SHOWN], {STRANGER: 4})
PASSPORT = Passport(STRANGER, 1, Capabilities(), 3, 2, [(False, EVENT)], [PLACE])
OPENING: tuple[NodeWord, ...] = (Here(ROOM, RULES, [SHOWN], [], [OTHER, THIRD], [("ip:1", 5.0)], 0, 0),)
WORDS: tuple[NodeWord, ...] = (
    *OPENING,
    Beat("eu", "https://n1.example", 2.0, False, 5, 3, "0.1", {ME: 7, THIRD: 1}),
    Farewell(),
    Who(ROOM, 3),
    Here(ROOM, asks=4),
    Here(ROOM, RULES, [SHOWN], [SHOWN], [], [], 1, 0),
    Entered(ROOM, SHOWN),
    Entered(ROOM, SHOWN, True),
    Changed(ROOM, SHOWN),
    Gone(ROOM, STRANGER, "left"),
    Moved(ROOM, STRANGER, THIRD),
    Quit(ROOM),
    Ruled(ROOM, RULES, [THIRD]),
    Say(STRANGER, PEER, 1, b'{"kind":"candidate"}', False),
    Say(STRANGER, PEER, 2, b"\x81\xa1a\x01", True),
    Acknowledge(STRANGER, PEER, 1),
    Unknown(PEER, STRANGER, 1),
    Cast(ROOM, STRANGER, 1, b"[1]", False),
    Cast(ROOM, STRANGER, 2, b"\x93\x01\x02\xc3", True),
    Throw(ROOM, PEER, 5.0, "out"),
    Ban(ROOM, "ip:1", 60.0),
    Knock(ROOM, SHOWN),
    KnockEnd(ROOM, STRANGER),
    Verdict(ROOM, PEER, True),
    Expel(PEER),
    Claimed(PEER, 9),
    Fetch(1, PEER, b"n" * 16, "first", 0, True),
    Fetched(1, True),
    Fetched(1, rooms=["garden"]),
    Fetched(1, passport=PASSPORT),
    Fetched(1, passport=msgspec.structs.replace(PASSPORT, places=[PLACE, PLACE])),
)
SEEDS = (
    *(_pack(Frame(OTHER, ALONE, 0, [word])) for word in WORDS),
    _pack(Frame(OTHER, ME, 1, [*WORDS[6:9], *WORDS[12:16]])),
    _pack(
        Frame(OTHER, ME, 2, [Here(ROOM, RULES, [SHOWN]), Knock(ROOM, SHOWN), Fetched(1, passport=PASSPORT)])
    ),
)
ODD: tuple[Any, ...] = (ROOM, "garden", PEER, STRANGER, ME, OTHER, 1e18, EVENT, b"\xc1", b"[" * 2000)
NAMES = tuple(str(word.__struct_config__.tag).encode() for word in WORDS)

TARGETS = [
    Target("node_frame", read_frame, SEEDS, NAMES, trees(msgspec.msgpack, ODD)),
    Target("node_words", hear_in_hub, SEEDS, NAMES, trees(msgspec.msgpack, ODD)),
]
