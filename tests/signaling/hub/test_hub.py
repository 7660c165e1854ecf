"""What docs/protocol.md promises of the server, sentence by sentence."""

from __future__ import annotations

import msgspec
import pytest

from signaling.config import Config, LimitsConfig
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import (
    BAD_VERSION,
    BAD_WORDS,
    FAREWELL,
    OVERLOADED,
    REPLACED,
    SILENT,
    ErrorCode,
)
from signaling.protocol.messages import (
    Ack,
    Acked,
    Broadcast,
    Broadcasted,
    Bye,
    Capabilities,
    Hello,
    Joined,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Ping,
    Pong,
    Refused,
    Signalled,
    Ticket,
    Update,
    Updated,
)
from tests.signaling.kit import Client, World, in_room, only


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth > 1 else []


@pytest.fixture
def world() -> World:
    return World()


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


def test_a_signal_reaches_only_the_one_it_is_for_and_says_who_sent_it(world: World) -> None:
    ana, ben, eve = in_room(world, "ana", "ben", "eve")
    ana.signal(ben, payload={"from": eve.id})
    signalled = ben.read_one(Signalled)
    assert (signalled.sender, signalled.n) == (ana.id, 1)
    assert eve.read() == []


def test_acknowledgements_go_back_to_the_sender(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ana.signal(ben)
    ben.say(Ack(ana.id, 1))
    acked = ana.read_one(Acked)
    assert (acked.sender, acked.n) == (ben.id, 1)


def test_a_signal_to_nobody_is_refused_with_its_number(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ben.say(Leave(2, "garden"))
    refused = only(ana.signal(ben, n=5), Refused)
    assert (refused.code, refused.to, refused.n) == (ErrorCode.UNKNOWN_PEER, ben.id, 5)


def test_a_broadcast_reaches_all_others_and_not_its_sender(world: World) -> None:
    ana, ben, eve = in_room(world, "ana", "ben", "eve")
    assert ana.say(Broadcast("garden", msgspec.Raw(b'"hi"'))) == []
    for other in (ben, eve):
        heard = other.read_one(Broadcasted)
        assert (heard.sender, bytes(heard.payload)) == (ana.id, b'"hi"')


def test_a_lost_link_shows_as_away_and_a_resume_as_back(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ben.lose_link()
    assert ana.read_one(PeerUpdated).away
    ben.connect(ben.claim())
    assert ben.welcome.resumed
    assert not ana.read_one(PeerUpdated).away


def test_a_resumed_session_hears_exactly_what_it_missed(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ana.signal(ben, 1)
    ben.read()
    ana.signal(ben, 2)  # on the line, but never read
    ben.lose_link()
    ana.signal(ben, 3)
    ben.connect(ben.claim())
    assert [event.n for event in ben.heard if isinstance(event, Signalled)] == [1, 2, 3]


def test_a_resumed_client_is_told_how_many_of_its_requests_arrived(world: World) -> None:
    (ana,) = in_room(world, "ana")
    ana.say(Update(2, "garden", name="x"))
    ana.say(Ping(1))
    ana.lose_link()
    ana.connect(ana.claim())
    assert ana.welcome.received == 2


@pytest.mark.parametrize("changes", [{"epoch": "other"}, {"received": 99}, {"received": 0}, {"received": -1}])
def test_a_resume_that_cannot_be_whole_starts_afresh_and_the_others_hear_of_it(
    changes: dict[str, object],
) -> None:
    world = World(Config(limits=LimitsConfig(mailbox_messages=2)))
    ana, ben = in_room(world, "ana", "ben")
    for n in range(1, 4):
        ana.signal(ben, n)
    before = ben.id
    ben.lose_link()
    ana.read()
    ben.connect(ben.claim(**changes))
    assert (ben.welcome.resumed, ben.id, ben.welcome.received) == (False, before, 0)
    assert ana.read_one(PeerLeft).reason == "reset"
    assert world.rooms_of(ben) == set()
    ben.join("garden", name="ben")
    assert ana.read_one(PeerJoined).peer.id == before


def test_confirmed_events_are_forgotten_and_the_rest_is_kept(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ana.signal(ben, 1)
    ben.read()
    assert isinstance(ben.say(Ping(len(ben.heard)))[0], Pong)
    assert world.hub.sessions[ben.id].mailbox.bytes == 0
    ben.lose_link()
    ben.connect(ben.claim(received=0))
    assert not ben.welcome.resumed


def test_a_ticket_opens_a_session_once(world: World) -> None:
    (ana,) = in_room(world, "ana")
    old = ana.claim()
    ana.lose_link()
    ana.connect(old)
    ana.say(Ping(len(ana.heard)))
    thief = Client(world).connect(old)
    assert thief.id != ana.id
    assert not thief.welcome.resumed
    assert ana.line.closed is None


def test_a_ticket_works_again_while_its_welcome_may_have_been_lost(world: World) -> None:
    (ana,) = in_room(world, "ana")
    claim = ana.claim()
    ana.lose_link()
    first = ana.connect(claim).id
    ana.lose_link()
    ana.connect(claim)
    assert (ana.id, ana.welcome.resumed) == (first, True)


def test_of_two_tickets_that_may_be_out_the_one_that_was_not_used_dies(world: World) -> None:
    """A welcome was lost, or went to a thief: whichever ticket comes next, the other opens nothing ever."""
    for use_the_newer in (True, False):
        (ana,) = in_room(world, "ana")
        older = ana.claim()
        ana.lose_link()
        ana.connect(older)
        newer = ana.claim()
        ana.lose_link()
        used, unused = (newer, older) if use_the_newer else (older, newer)
        assert ana.connect(used).welcome.resumed
        ana.say(Ping(len(ana.heard)))
        ana.lose_link()
        world.pass_time(world.config.session.resume_window)
        assert ana.id not in world.hub.sessions
        assert Client(world).connect(unused).id != ana.id
        assert Client(world).connect(used).id != ana.id


def test_after_bye_no_ticket_that_was_ever_out_opens_anything(world: World) -> None:
    (ana,) = in_room(world, "ana")
    older = ana.claim()
    ana.lose_link()
    ana.connect(older)
    newer = ana.claim()
    ana.lose_link()
    world.pass_time(world.config.session.resume_window)
    before = ana.id
    assert ana.connect(older).id == before
    ana.say(Bye())
    for claim in (older, newer, ana.claim()):
        assert Client(world).connect(claim).id != before


@pytest.mark.parametrize("ticket", ["", "x", "é", "a.b", "A" * 600])
def test_a_false_claim_gets_a_new_id_and_harms_nobody(world: World, ticket: str) -> None:
    ana, ben = in_room(world, "ana", "ben")
    thief = Client(world).connect(ana.claim(ticket=ticket))
    assert thief.id not in (ana.id, ben.id)
    ben.signal(ana, 1)
    assert ana.read_one(Signalled)
    assert ana.line.closed is None


def test_the_right_ticket_twice_leaves_the_newest_line(world: World) -> None:
    (ana,) = in_room(world, "ana")
    old_line = ana.line
    ana.connect(ana.claim())
    assert old_line.closed == REPLACED
    assert ana.welcome.resumed
    world.perform(world.hub.link_lost(ana.session, old_line, world.now))  # type: ignore[arg-type] # it is open
    assert not world.hub.sessions[ana.id].away


def test_a_restarted_server_grants_the_same_id_afresh(world: World) -> None:
    (ana,) = in_room(world, "ana")
    before, claim = ana.id, ana.claim()
    ana.world = World(epoch="second", seed=1)
    ana.connect(claim)
    assert (ana.id, ana.welcome.resumed) == (before, False)
    ana.say(Ping())
    thief = Client(ana.world).connect(claim)
    assert thief.id != before


def test_a_ticket_expires_and_is_renewed_before_that(world: World) -> None:
    (ana,) = in_room(world, "ana")
    first = ana.welcome.ticket
    lifetime = world.config.session.ticket_lifetime
    for _ in range(int(lifetime / 20)):
        world.pass_time(20.0)
        ana.say(Ping(len(ana.heard)))
    tickets = [message.ticket for message in ana.line.said if isinstance(message, Ticket)]
    assert tickets
    world.unix_now += 1
    ana.lose_link()
    assert Client(world).connect(ana.claim(ticket=first)).id != ana.id
    ana.connect(ana.claim(ticket=tickets[-1]))
    assert ana.welcome.resumed


def test_bye_ends_the_session_for_good(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    claim = ana.claim()
    ana.say(Bye())
    assert ana.line.closed == FAREWELL
    assert ben.read_one(PeerLeft).reason == "left"
    assert Client(world).connect(claim).id != ana.id


def test_silence_is_asked_about_and_then_ended(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    times = world.config.session
    world.pass_time(times.ping_interval)
    assert isinstance(ana.read()[-1], Ping)
    ben.say(Pong(len(ben.heard)))
    world.pass_time(times.ping_timeout)
    assert ana.line.closed == SILENT
    assert ben.line.closed is None
    assert ben.read_one(PeerUpdated).away


def test_who_does_not_come_back_in_time_is_gone(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ben.lose_link()
    ana.read()
    for _ in range(12):
        world.pass_time(world.config.session.resume_window / 12)
        ana.say(Ping(len(ana.heard)))
    assert [event.reason for event in ana.heard if isinstance(event, PeerLeft)] == ["lost"]
    assert ben.id not in world.hub.sessions
    ben.connect(ben.claim())
    assert not ben.welcome.resumed


def test_three_unreadable_frames_end_the_session(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    for _ in range(2):
        assert only(ana.say(Malformed(ErrorCode.MALFORMED)), Refused).code == ErrorCode.MALFORMED
    assert ana.line.closed is None
    ana.say(Malformed(ErrorCode.MALFORMED))
    assert ana.line.closed == BAD_WORDS
    assert ben.read_one(PeerLeft)


def test_hello_is_said_once(world: World) -> None:
    assert only(Client(world).connect().say(Hello()), Refused).code == ErrorCode.HELLO_TWICE


def test_another_version_is_turned_away(world: World) -> None:
    client = Client(world)
    session, effects = world.hub.open(client.line, Hello(version=2), world.now, world.unix_now)
    world.perform(effects)
    assert session is None
    assert client.line.closed == BAD_VERSION


def test_a_full_server_takes_only_those_who_come_back() -> None:
    world = World(Config(limits=LimitsConfig(max_sessions=1)))
    (ana,) = in_room(world, "ana")
    newcomer = Client(world).connect()
    assert newcomer.session is None
    assert newcomer.line.closed == OVERLOADED
    ana.lose_link()
    assert ana.connect(ana.claim()).welcome.resumed


def test_when_all_mailboxes_together_are_too_large_the_largest_goes() -> None:
    world = World(Config(limits=LimitsConfig(total_queued_bytes=20_000)))
    ana, ben, eve = in_room(world, "ana", "ben", "eve")
    ben.lose_link()
    for n in range(1, 25):
        ana.signal(ben, n, "x" * 1_000)
    assert world.hub.kept_bytes > 20_000
    assert world.hub.shed() == 1
    assert world.hub.kept_bytes < 20_000
    assert world.hub.shed() == 0
    assert not ben.connect(ben.claim()).welcome.resumed
    eve.lose_link()
    assert eve.connect(eve.claim()).welcome.resumed
