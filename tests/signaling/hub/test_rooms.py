"""Entering, leaving and changing, and what the others hear of it: docs/protocol.md, sentence by sentence."""

from __future__ import annotations

import msgspec
import pytest

from signaling.config import Config, LimitsConfig
from signaling.protocol.errors import (
    ErrorCode,
)
from signaling.protocol.messages import (
    Broadcast,
    Broadcasted,
    Joined,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Refused,
    Update,
    Updated,
)
from signaling.protocol.parts import Capabilities
from tests.signaling.kit import Client, World, in_room, only


@pytest.fixture
def world() -> World:
    return World()


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth > 1 else []


def test_a_newcomer_gets_a_snapshot_and_the_others_hear_of_it(world: World) -> None:
    (ana,) = in_room(world, "ana")
    ben = Client(world).connect()
    joined = only(ben.join("garden", name="ben", metadata={"colour": "red"}), Joined)
    assert [peer.name for peer in joined.peers] == ["ana"]
    seen = ana.read_one(PeerJoined)
    assert (seen.room, seen.peer.name, seen.peer.metadata) == ("default/garden", "ben", {"colour": "red"})


def test_joining_again_refreshes_the_snapshot_and_announces_nobody_twice(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    assert [peer.id for peer in only(ben.join("default/garden", name="benny"), Joined).peers] == [ana.id]
    assert ana.read_one(PeerUpdated).name == "benny"


def test_rooms_of_one_name_in_two_apps_are_two_rooms(world: World) -> None:
    (ana,) = in_room(world, "ana", room="chess/hall")
    ben = Client(world).connect()
    assert only(ben.join("poker/hall"), Joined).peers == []
    assert ana.read() == []
    assert only(ben.signal(ana), Refused).code == ErrorCode.UNKNOWN_PEER


def test_one_side_of_each_pair_is_named_the_offerer_and_both_are_told_the_same(world: World) -> None:
    kinds = [Capabilities(rollback=True, ice_restart=True, trickle=True), Capabilities(), Capabilities()]
    told: dict[tuple[str, str], bool] = {}
    clients = [Client(world, capabilities).connect() for capabilities in kinds]
    for client in clients:
        client.join("garden")
    for client in clients:
        client.read()
        for message in client.heard:
            peers = message.peers if isinstance(message, Joined) else []
            for peer in [*peers, *([message.peer] if isinstance(message, PeerJoined) else [])]:
                told[client.id, peer.id] = peer.you_offer
    assert len(told) == 6
    assert all(told[a, b] is not told[b, a] for a, b in told)
    browser = clients[0].id
    assert told[browser, clients[1].id]
    assert told[browser, clients[2].id]


def test_a_change_reaches_the_others_and_what_is_left_out_stays(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    assert only(ana.say(Update(7, "garden", metadata={"mood": 1})), Updated).request == 7
    seen = ben.read_one(PeerUpdated)
    assert (seen.name, seen.metadata) == ("ana", {"mood": 1})


@pytest.mark.parametrize("bad", [{"x": {None: 2}}, {"x": 2**64}, {"x": "y" * 16_384}])
def test_a_change_to_metadata_that_cannot_be_is_refused_and_changes_nothing(
    world: World, bad: dict[str, object]
) -> None:
    ana, ben = in_room(world, "ana", "ben")
    assert only(ana.say(Update(7, "garden", metadata=bad)), Refused).code == ErrorCode.BAD_METADATA
    assert only(ana.say(Update(8, "garden", name="x" * 129)), Refused).code == ErrorCode.BAD_NAME
    assert ben.read() == []
    assert only(ben.join("garden"), Joined).peers[0].metadata == {}


def test_what_mailboxes_keep_of_old_metadata_is_counted(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ben.lose_link()
    before = world.hub.kept_bytes
    for n in range(10):
        ana.say(Update(n, "garden", metadata={"x": "y" * 10_000}))
    assert world.hub.kept_bytes - before > 100_000


def test_leaving_says_so_and_the_last_one_out_ends_the_room(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    assert only(ana.say(Leave(3, "garden")), Left).request == 3
    assert ben.read_one(PeerLeft).reason == "left"
    ben.say(Leave(4, "garden"))
    assert world.hub.room_count == 0


@pytest.mark.parametrize(
    "message", [Leave(9, "attic"), Update(9, "attic", name="x"), Broadcast("attic", msgspec.Raw(b"1"))]
)
def test_nothing_can_be_done_in_a_room_one_is_not_in(world: World, message: Leave) -> None:
    in_room(world, "ana", room="attic")
    (ben,) = in_room(world, "ben")
    refused = only(ben.say(message), Refused)
    assert refused.code == ErrorCode.NOT_A_MEMBER
    assert refused.request == getattr(message, "request", None)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"room": ""}, ErrorCode.BAD_ROOM_NAME),
        ({"room": "a/b/c"}, ErrorCode.BAD_ROOM_NAME),
        ({"room": "x" * 129}, ErrorCode.BAD_ROOM_NAME),
        ({"room": "a\nb"}, ErrorCode.BAD_ROOM_NAME),
        ({"room": "hall", "name": "x" * 129}, ErrorCode.BAD_NAME),
        ({"room": "hall", "name": "a\u202eb"}, ErrorCode.BAD_NAME),
        # Sorting these takes half a second, so they are refused unseen.
        ({"room": "a" + "\u0316\u0300" * 16_000}, ErrorCode.BAD_ROOM_NAME),
        ({"room": "hall", "name": "a" + "\u0316\u0300" * 16_000}, ErrorCode.BAD_NAME),
        ({"room": "hall", "metadata": {"x": "y" * 16_384}}, ErrorCode.BAD_METADATA),
        # What a MessagePack client can say and a JSON client cannot hear, and the other way round.
        ({"room": "hall", "metadata": {"x": msgspec.msgpack.Ext(5, b"")}}, ErrorCode.BAD_METADATA),
        ({"room": "hall", "metadata": {"x": {(1,): 2}}}, ErrorCode.BAD_METADATA),
        ({"room": "hall", "metadata": {"x": {None: 2}}}, ErrorCode.BAD_METADATA),
        ({"room": "hall", "metadata": {"x": 2**64}}, ErrorCode.BAD_METADATA),
        ({"room": "hall", "metadata": {"x": nested(128)}}, ErrorCode.BAD_METADATA),
    ],
)
def test_what_cannot_be_a_room_a_name_or_metadata_is_refused(
    world: World, fields: dict[str, object], code: ErrorCode
) -> None:
    client = Client(world).connect()
    refused = only(client.join(**fields), Refused)  # type: ignore[arg-type] # one bad value each
    assert (refused.code, refused.request) == (code, 1)
    assert world.hub.room_count == 0


def test_a_full_room_takes_nobody_more_until_somebody_leaves(world: World) -> None:
    ana = Client(world).connect()
    assert only(ana.join("nook", capacity=1), Joined).capacity == 1
    ben = Client(world).connect()
    assert only(ben.join("nook"), Refused).code == ErrorCode.ROOM_FULL
    ana.say(Leave(2, "nook"))
    assert only(ben.join("nook"), Joined)


def test_a_session_is_in_so_many_rooms_and_no_more() -> None:
    world = World(Config(limits=LimitsConfig(max_rooms=2)))
    client = Client(world).connect()
    client.join("one")
    client.join("two")
    assert only(client.join("three"), Refused).code == ErrorCode.TOO_MANY_ROOMS
    assert only(client.join("two"), Joined)


def test_a_broadcast_reaches_all_others_and_not_its_sender(world: World) -> None:
    ana, ben, eve = in_room(world, "ana", "ben", "eve")
    assert ana.say(Broadcast("garden", msgspec.Raw(b'"hi"'))) == []
    for other in (ben, eve):
        heard = other.read_one(Broadcasted)
        assert (heard.sender, bytes(heard.payload)) == (ana.id, b'"hi"')
