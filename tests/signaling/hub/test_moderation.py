"""Owners, locks, passwords, waiting rooms, and who is thrown out."""

from __future__ import annotations

from typing import Any

import pytest

from signaling.config import Config, LimitsConfig
from signaling.grants import Grants
from signaling.protocol.messages import (
    Configure,
    Decide,
    Done,
    Joined,
    Kick,
    Kicked,
    Knocked,
    KnockEnded,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    Refused,
    RoomUpdated,
    Waiting,
    Word,
)
from signaling.protocol.permissions import EVERYBODY, Permission
from tests.signaling.kit import Client, World, in_room, only

ADMIN = Grants(subject="root", can=frozenset({Permission.ADMIN}))


@pytest.fixture
def world() -> World:
    return World()


def refusal(said: list[Word]) -> str:
    return only(said, Refused).code.value


def named(world: World, subject: str, **fields: Any) -> Client:
    return Client(world, grants=Grants(subject=subject, **fields)).connect()


def waiting_room(world: World) -> tuple[Client, Client]:
    """Ana, who owns a room with a waiting room, and Ben, who waits there."""
    ana, ben = Client(world).connect(), Client(world).connect()
    ana.join("garden", lobby=True, name="Ana")
    ben.join("garden", name="Ben")
    return ana, ben


def test_who_makes_a_room_owns_it(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    settings = only(ben.join("garden"), Joined).settings
    assert settings is not None
    assert settings.owner == ana.id


def test_an_owner_that_leaves_for_good_leaves_no_owner_behind(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ana.say(Leave(2, "garden"))
    settings = only(ben.join("garden"), Joined).settings
    assert settings is not None
    assert settings.owner is None
    assert refusal(ben.say(Kick(2, "garden", ana.id))) == "unknown-peer"


def test_an_owner_throws_out_and_all_are_told(world: World) -> None:
    ana, ben, eve = in_room(world, "ana", "ben", "eve")
    assert only(ana.say(Kick(5, "garden", eve.id, reason="noise")), Done).request == 5
    assert eve.read_one(Kicked).reason == "noise"
    assert [event.reason for event in ben.read() if isinstance(event, PeerLeft)] == ["kicked"]
    assert world.rooms_of(eve) == set()
    assert refusal(eve.signal(ben)) == "unknown-peer"


@pytest.mark.parametrize(
    "make", [lambda ana, ben: Kick(2, "garden", ana.id), lambda ana, ben: Configure(2, "garden", True)]
)
def test_others_may_not(world: World, make: Any) -> None:
    ana, ben = in_room(world, "ana", "ben")
    assert refusal(ben.say(make(ana, ben))) == "not-allowed"
    assert world.rooms_of(ana) == {"default/garden"}


def test_a_token_may_make_somebody_a_moderator(world: World) -> None:
    _, eve = in_room(world, "ana", "eve")
    ben = named(world, "ben", can=EVERYBODY | {Permission.KICK})
    ben.join("garden")
    assert only(ben.say(Kick(2, "garden", eve.id)), Done)
    assert refusal(ben.say(Configure(3, "garden", locked=True))) == "not-allowed"


def test_nobody_throws_out_an_admin_or_itself(world: World) -> None:
    (ana,) = in_room(world, "ana")
    root = Client(world, grants=ADMIN).connect()
    root.join("garden")
    assert refusal(ana.say(Kick(2, "garden", root.id))) == "not-allowed"
    assert refusal(ana.say(Kick(3, "garden", ana.id))) == "not-allowed"


def test_i8_who_was_thrown_out_cannot_resume_into_the_room(world: World) -> None:
    ana, eve = in_room(world, "ana", "eve")
    eve.lose_link()
    ana.say(Kick(2, "garden", eve.id, 60.0))
    eve.connect(eve.claim())
    assert eve.welcome.resumed
    assert world.rooms_of(eve) == set()
    refused = only(eve.join("garden"), Refused)
    assert refused.code == "banned"
    assert refused.retry_after is not None
    assert 59.0 < refused.retry_after <= 60.0


def test_i8_a_ban_is_about_who_somebody_is_and_not_about_the_session(world: World) -> None:
    (ana,) = in_room(world, "ana")
    eve = named(world, "eve")
    eve.join("garden")
    ana.say(Kick(2, "garden", eve.id, 60.0))
    again = named(world, "eve")
    assert refusal(again.join("garden")) == "banned"
    assert only(again.join("meadow"), Joined)
    assert only(named(world, "ben").join("garden"), Joined)


def test_a_ban_outlives_the_room_and_ends_in_time(world: World) -> None:
    (ana,) = in_room(world, "ana")
    eve = named(world, "eve")
    eve.join("garden")
    ana.say(Kick(2, "garden", eve.id, 60.0))
    ana.say(Leave(3, "garden"))
    assert refusal(eve.join("garden")) == "banned"
    world.pass_time(61.0)
    assert only(named(world, "eve").join("garden"), Joined)


@pytest.mark.parametrize("ban", [float("nan"), float("inf"), -5.0, 0.0])
def test_a_ban_that_is_no_time_is_none(world: World, ban: float) -> None:
    ana, eve = in_room(world, "ana", "eve")
    ana.say(Kick(2, "garden", eve.id, ban))
    assert eve.read_one(Kicked).ban == 0.0
    assert only(eve.join("garden"), Joined)


def test_nobody_comes_into_a_locked_room_but_who_was_there(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ana.say(Configure(2, "garden", locked=True))
    assert ben.read_one(RoomUpdated).settings.locked
    assert refusal(Client(world).connect().join("garden")) == "room-locked"
    ben.lose_link()
    ben.connect(ben.claim())
    assert world.rooms_of(ben) == {"default/garden"}
    ana.say(Configure(3, "garden", locked=False))
    assert only(Client(world).connect().join("garden"), Joined)


def test_a_room_with_a_password_opens_to_its_proof_only(world: World) -> None:
    ana, ben = Client(world).connect(), Client(world).connect()
    settings = only(ana.join("garden", proof="p" * 43), Joined).settings
    assert settings is not None
    assert settings.has_password
    assert refusal(ben.join("garden")) == "bad-password"
    assert refusal(ben.join("garden", proof="q" * 43)) == "bad-password"
    assert only(ben.join("garden", proof="p" * 43), Joined)
    ana.say(Configure(2, "garden", proof=""))
    assert only(Client(world).connect().join("garden"), Joined)


def test_the_proof_of_a_password_is_nowhere_in_the_room(world: World) -> None:
    ana = Client(world).connect()
    ana.join("garden", proof="p" * 43)
    assert ana.session is not None
    (room,) = ana.session.rooms
    assert b"ppp" not in room.key


def test_who_comes_to_a_waiting_room_waits_until_it_is_let_in(world: World) -> None:
    ana, ben = waiting_room(world)
    assert only(ben.line.said, Waiting).room == "default/garden"
    assert ana.read_one(Knocked).peer.name == "Ben"
    assert refusal(ben.signal(ana)) == "unknown-peer"
    told = ana.say(Decide(2, "garden", ben.id, True))
    assert only(told, KnockEnded).id == ben.id
    assert only(told, PeerJoined).peer.id == ben.id
    assert only(told, Done)
    joined = ben.read_one(Joined)
    assert (joined.request, [peer.id for peer in joined.peers]) == (1, [ana.id])


def test_who_is_not_let_in_is_told(world: World) -> None:
    ana, ben = waiting_room(world)
    ana.say(Decide(2, "garden", ben.id, False))
    assert ben.read_one(Refused).code == "turned-away"
    assert world.rooms_of(ben) == set()
    assert refusal(ana.say(Decide(3, "garden", ben.id, True))) == "unknown-peer"


def test_only_who_may_decides_and_hears_of_it(world: World) -> None:
    ana, ben = waiting_room(world)
    ana.say(Decide(2, "garden", ben.id, True))
    eve = Client(world).connect()
    ben.read()
    eve.join("garden")
    assert ben.read() == []
    assert refusal(ben.say(Decide(2, "garden", eve.id, True))) == "not-allowed"


def test_who_waits_may_go_or_get_lost(world: World) -> None:
    ana, ben = waiting_room(world)
    ana.read()
    assert only(ben.say(Leave(2, "garden")), Left)
    assert ana.read_one(KnockEnded).id == ben.id
    ben.join("garden")
    ana.read()
    ben.lose_link()
    for _ in range(13):
        world.pass_time(10.0)
        ana.say(Leave(9, "elsewhere"))
    assert [event for event in ana.heard if isinstance(event, KnockEnded)][-1].id == ben.id


def test_when_nobody_is_left_to_decide_who_waits_is_told(world: World) -> None:
    ana, ben = waiting_room(world)
    ana.say(Leave(2, "garden"))
    assert ben.read_one(Refused).code == "turned-away"
    assert only(ben.join("garden"), Joined)


def test_a_waiting_room_that_is_opened_lets_in_as_many_as_fit(world: World) -> None:
    ana, ben, eve = (Client(world).connect() for _ in range(3))
    ana.join("garden", lobby=True, capacity=2)
    ben.join("garden")
    eve.join("garden")
    ben.read(), eve.read()
    ana.say(Configure(2, "garden", lobby=False))
    assert only(ben.read(), Joined)
    assert eve.read_one(Refused).code == "turned-away"


def test_a_waiting_room_has_a_limit() -> None:
    world = World(Config(limits=LimitsConfig(max_waiting=1)))
    waiting_room(world)
    assert refusal(Client(world).connect().join("garden")) == "room-full"


def test_a_new_owner_hears_who_waits(world: World) -> None:
    ana, ben = waiting_room(world)
    ana.say(Decide(2, "garden", ben.id, True))
    eve = Client(world).connect()
    eve.join("garden")
    ben.read()
    ana.say(Configure(3, "garden", owner=ben.id))
    told = ben.read()
    assert only(told, RoomUpdated).settings.owner == ben.id
    assert only(told, Knocked).peer.id == eve.id
    assert refusal(ana.say(Configure(4, "garden", locked=True))) == "not-allowed"


def test_a_moderator_cannot_take_the_room_over(world: World) -> None:
    in_room(world, "ana")
    ben = named(world, "ben", can=EVERYBODY | {Permission.LOCK})
    ben.join("garden")
    assert refusal(ben.say(Configure(2, "garden", owner=ben.id))) == "not-allowed"


def test_an_admin_needs_no_password_no_key_and_no_place(world: World) -> None:
    ana, eve = Client(world).connect(), Client(world).connect()
    ana.join("garden", proof="p" * 43, capacity=2, lobby=True)
    eve.join("garden", proof="p" * 43)
    root = Client(world, grants=ADMIN).connect()
    assert only(root.say(Decide(2, "garden", eve.id, True)), Done)
    ana.say(Configure(2, "garden", locked=True))
    assert only(root.join("garden"), Joined)
    assert only(root.say(Kick(3, "garden", ana.id)), Done)


def test_an_admin_of_one_app_is_nobody_in_another(world: World) -> None:
    (ana,) = in_room(world, "ana", room="other/garden")
    root = named(world, "root", app="game", can=frozenset({Permission.ADMIN}))
    assert refusal(root.join("other/garden")) == "not-allowed"
    assert refusal(root.say(Kick(2, "other/garden", ana.id))) == "not-a-member"


def test_an_owner_that_has_lost_its_past_is_still_the_owner(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ana.connect(ana.claim(epoch="another"))
    assert not ana.welcome.resumed
    ana.join("garden")
    assert only(ana.say(Kick(2, "garden", ben.id)), Done)
