"""What a session may do, and what comes of it when that changes or ends."""

from __future__ import annotations

import pytest

from signaling.config import Auth, Config, LimitsConfig
from signaling.grants import Grants
from signaling.protocol.errors import CROWDED, EXPIRED
from signaling.protocol.messages import (
    Authenticate,
    Broadcasted,
    Bye,
    Done,
    Expiring,
    Join,
    Joined,
    Kicked,
    PeerLeft,
    PeerUpdated,
    Permitted,
    Ping,
    Refused,
    Signalled,
    Ticket,
)
from signaling.protocol.messages import Broadcast as BroadcastRequest
from signaling.protocol.permissions import EVERYBODY, Permission
from tests.signaling.kit import Client, World, in_room, only


@pytest.fixture
def world() -> World:
    return World()


def ask(client: Client, grants: Grants | None, request: int = 9) -> list[object]:
    """A newer token, judged as ``grants``."""
    assert client.session is not None
    client.say(Authenticate(request, "token"))
    world = client.world
    world.perform(world.hub.authenticated(client.session, request, grants, world.now, world.unix_now))
    return list(client.read())


def can(*permissions: Permission, subject: str = "ana", **fields: object) -> Grants:
    return Grants(subject=subject, can=frozenset(permissions), **fields)  # type: ignore[arg-type] # fields of Grants


def test_the_welcome_says_what_may_be_done(world: World) -> None:
    grants = can(Permission.SIGNAL, Permission.JOIN, expires=world.unix_now + 600)
    welcome = Client(world, grants=grants).connect().welcome
    assert welcome.subject == "ana"
    assert welcome.can == ["join", "signal"]
    assert welcome.expires == world.unix_now + 600


def test_a_room_beyond_the_token_is_refused_whether_it_is_there_or_not(world: World) -> None:
    in_room(world, "ben", room="game/secret")
    ana = Client(world, grants=Grants(subject="ana", app="game", rooms=("arena*",))).connect()
    there, elsewhere = ana.join("game/secret"), ana.join("game/nowhere")
    assert only(there, Refused) == only(elsewhere, Refused)
    assert only(there, Refused).code == "not-allowed"
    assert only(ana.join("game/arena-1"), Joined)


def test_who_may_join_but_not_create_gets_no_room_of_its_own(world: World) -> None:
    ana = Client(world, grants=can(Permission.JOIN)).connect()
    assert only(ana.join("garden"), Refused).code == "not-allowed"
    in_room(world, "ben")
    assert only(ana.join("garden"), Joined)


def test_signals_and_broadcasts_need_their_permissions(world: World) -> None:
    (ben,) = in_room(world, "ben")
    ana = Client(world, grants=can(Permission.JOIN)).connect()
    ana.join("garden")
    ben.read()
    refused = only(ana.signal(ben, 3), Refused)
    assert (refused.code, refused.to, refused.n) == ("not-allowed", ben.id, 3)
    assert only(ana.say(BroadcastRequest("garden", b"1")), Refused).code == "not-allowed"  # type: ignore[arg-type] # Raw is bytes
    assert not [event for event in ben.read() if isinstance(event, Signalled | Broadcasted)]


def test_who_may_not_publish_is_shown_so(world: World) -> None:
    (ben,) = in_room(world, "ben")
    ana = Client(world, grants=can(Permission.JOIN, Permission.SIGNAL)).connect()
    ana.join("garden")
    assert [peer.publishes for peer in only(ana.join("garden"), Joined).peers] == [True]
    newcomer = next(event for event in ben.read() if hasattr(event, "peer"))
    assert not newcomer.peer.publishes


def test_metadata_of_the_token_goes_before_what_the_client_says(world: World) -> None:
    ana = Client(world, grants=Grants(subject="ana", metadata={"team": "blue"})).connect()
    ana.join("garden", metadata={"team": "red", "hat": True})
    (ben,) = in_room(world, "ben")
    (peer,) = only(ben.join("garden"), Joined).peers
    assert peer.metadata == {"team": "blue", "hat": True}


def test_an_app_has_only_so_many_rooms() -> None:
    world = World(Config(limits=LimitsConfig(max_rooms_per_app=2)))
    ana = Client(world).connect()
    assert only(ana.join("game/a"), Joined)
    assert only(ana.join("game/b"), Joined)
    assert only(ana.join("game/c"), Refused).code == "app-full"
    assert only(ana.join("other/c"), Joined)


def test_a_token_that_expires_ends_the_session_after_the_grace_and_not_before() -> None:
    world = World(Config(auth=Auth(refresh_before=60.0, grace=10.0)))
    (ben,) = in_room(world, "ben")
    ana = Client(world, grants=Grants(subject="ana", expires=world.unix_now + 600)).connect()
    ana.join("garden")
    for _ in range(53):
        world.pass_time(10.0)
        ana.say(Ping())
        ben.say(Ping())
    assert not [event for event in ana.line.said if isinstance(event, Expiring)]
    world.pass_time(10.0)
    assert only(ana.read(), Expiring).expires == ana.welcome.expires
    ben.read()
    for _ in range(6):
        ana.say(Ping())
        ben.say(Ping())
        world.pass_time(10.0)
    assert ana.line.closed is None
    world.pass_time(9.9)
    assert ana.line.closed is None
    world.pass_time(0.2)
    assert ana.line.closed is EXPIRED
    assert only(ben.read(), PeerLeft).reason == "expired"
    assert not Client(world, grants=Grants(subject="ana")).connect(ana.claim()).welcome.resumed


def test_a_session_that_is_away_ends_with_its_token_too() -> None:
    world = World(Config(auth=Auth(grace=10.0)))
    (ben,) = in_room(world, "ben")
    ana = Client(world, grants=Grants(subject="ana", expires=world.unix_now + 30)).connect()
    ana.join("garden")
    ana.lose_link()
    ben.read()
    for _ in range(4):
        world.pass_time(9.9)
        ben.say(Ping())
    assert not [event for event in ben.heard if isinstance(event, PeerLeft)]
    world.pass_time(1.0)
    assert only(ben.read(), PeerLeft).reason == "expired"


def test_a_newer_token_keeps_the_session(world: World) -> None:
    ana = Client(world, grants=Grants(subject="ana", expires=world.unix_now + 30)).connect()
    ana.join("garden")
    told = ask(ana, Grants(subject="ana", expires=world.unix_now + 600))
    assert only(told, Done).request == 9  # type: ignore[arg-type] # words
    assert only(told, Permitted).expires == world.unix_now + 600  # type: ignore[arg-type] # words
    for _ in range(10):
        world.pass_time(10.0)
        ana.say(Ping())
    assert ana.line.closed is None


@pytest.mark.parametrize("grants", [None, Grants(subject="ben"), Grants()])
def test_a_bad_token_or_one_of_somebody_else_changes_nothing(world: World, grants: Grants | None) -> None:
    ana = Client(world, grants=Grants(subject="ana")).connect()
    ana.join("garden")
    told = ask(ana, grants)
    assert only(told, Refused).code == "bad-token"  # type: ignore[arg-type] # words
    assert world.rooms_of(ana) == {"default/garden"}
    assert ana.session is not None
    assert ana.session.grants == Grants(subject="ana")


def test_fewer_permissions_hold_at_once(world: World) -> None:
    (ben,) = in_room(world, "ben", room="game/arena")
    ana = Client(world, grants=Grants(subject="ana")).connect()
    ana.join("game/arena")
    ana.join("garden")
    ben.read()
    told = ask(ana, Grants(subject="ana", rooms=("garden",), can=EVERYBODY - {Permission.PUBLISH}))
    assert only(told, Kicked).room == "game/arena"  # type: ignore[arg-type] # words
    assert only(ben.read(), PeerLeft).reason == "expired"
    assert world.rooms_of(ana) == {"default/garden"}
    assert only(ana.signal(ben), Refused).code == "unknown-peer"


def test_the_others_are_told_who_publishes_no_more(world: World) -> None:
    (ben,) = in_room(world, "ben")
    ana = Client(world, grants=Grants(subject="ana")).connect()
    ana.join("garden")
    ben.read()
    ask(ana, Grants(subject="ana", can=EVERYBODY - {Permission.PUBLISH}))
    assert not ben.read_one(PeerUpdated).publishes


def test_who_names_itself_gets_a_ticket_that_only_it_can_use(world: World) -> None:
    ana = Client(world).connect()
    ana.join("garden")
    told = ask(ana, Grants(subject="ana"))
    assert only(told, Ticket)  # type: ignore[arg-type] # words
    claim = ana.claim()
    ana.lose_link()
    assert not Client(world, grants=Grants(subject="eve")).connect(claim).welcome.resumed
    back = Client(world, grants=Grants(subject="ana"))
    back.heard = ana.heard
    assert back.connect(claim).welcome.resumed


def test_i4_a_ticket_is_no_good_for_another_user_and_the_victim_does_not_notice(world: World) -> None:
    ana = Client(world, grants=Grants(subject="ana")).connect()
    ana.join("garden")
    (ben,) = in_room(world, "ben")
    ana.read()
    eve = Client(world, grants=Grants(subject="eve")).connect(ana.claim())
    assert not eve.welcome.resumed
    assert eve.id != ana.id
    assert ana.line.closed is None
    ben.signal(ana, 1, "still there?")
    assert only(ana.read(), Signalled)


def test_a_resume_with_fewer_permissions_does_not_keep_the_rooms(world: World) -> None:
    (ben,) = in_room(world, "ben")
    ana = Client(world, grants=Grants(subject="ana")).connect()
    ana.join("garden")
    ana.lose_link()
    ben.read()
    ana.grants = Grants(subject="ana", rooms=("other",))
    ana.connect(ana.claim())
    assert ana.welcome.resumed
    assert world.rooms_of(ana) == set()
    assert [event.reason for event in ben.read() if isinstance(event, PeerLeft)] == ["expired"]


def test_a_jump_of_the_calendar_ends_no_session(world: World) -> None:
    ana = Client(world, grants=Grants(subject="ana", expires=world.unix_now + 600)).connect()
    ana.say(Join(1, "garden"))
    world.unix_now += 3600.0
    world.pass_time(20.0)
    assert ana.line.closed is None


def test_who_may_only_make_rooms_stays_in_those_it_has_made(world: World) -> None:
    ana = Client(world, grants=can(Permission.CREATE)).connect()
    assert only(ana.join("garden"), Joined)
    ana.lose_link()
    ana.connect(ana.claim())
    assert world.rooms_of(ana) == {"default/garden"}


def test_a_user_has_only_so_many_sessions() -> None:
    world = World(Config(limits=LimitsConfig(sessions_per_user=2)))
    ana, again = (Client(world, grants=Grants(subject="ana")).connect() for _ in range(2))
    third = Client(world, grants=Grants(subject="ana")).connect()
    assert third.session is None
    assert third.line.closed is CROWDED
    assert Client(world, grants=Grants(subject="ben")).connect().session is not None
    ana.lose_link()
    ana.connect(ana.claim())
    assert ana.welcome.resumed
    again.say(Bye())
    assert Client(world, grants=Grants(subject="ana")).connect().session is not None


def test_a_newer_token_does_not_get_round_that() -> None:
    world = World(Config(limits=LimitsConfig(sessions_per_user=1)))
    Client(world, grants=Grants(subject="ana")).connect()
    guest = Client(world).connect()
    assert only(ask(guest, Grants(subject="ana")), Refused).code == "bad-token"  # type: ignore[arg-type] # words


BROADCAST = BroadcastRequest("garden", b"1")  # type: ignore[arg-type] # Raw is bytes


def refusals(client: Client) -> list[Refused]:
    return [event for event in client.say(BROADCAST) if isinstance(event, Refused)]


def test_who_speaks_to_a_room_too_fast_is_read_more_slowly_and_loses_nothing() -> None:
    world = World(Config(limits=LimitsConfig(broadcasts_per_second=2.0, broadcasts_burst=3)))
    ana, ben = in_room(world, "ana", "ben")
    for client in (ana, ben, ana):
        assert not refusals(client)
        assert client.line.pause == 0.0
    assert not refusals(ben)
    assert ben.line.pause == 0.5
    assert not refusals(ana)
    assert ana.line.pause == 1.0
    world.pass_time(1.0)
    ana.read(), ben.read()
    heard = [sum(isinstance(event, Broadcasted) for event in client.heard) for client in (ana, ben)]
    assert heard == [2, 3]


def test_what_a_crowd_says_at_once_beyond_what_its_members_may_wait_for_is_refused() -> None:
    world = World(Config(limits=LimitsConfig(broadcasts_per_second=2.0, broadcasts_burst=3)))
    crowd = in_room(world, *"abcdefghi")
    answers = [refusals(client) for client in crowd]
    assert answers[:8] == [[]] * 8
    assert [(each.code, each.retry_after) for each in answers[8]] == [("too-fast", 2.5)]
    world.pass_time(2.5)
    assert not refusals(crowd[8])
