"""Who gets which session: what docs/protocol.md promises of resumes and tickets."""

from __future__ import annotations

import msgspec
import pytest

from signaling.config import Config, LimitsConfig
from signaling.protocol.errors import (
    BAD_VERSION,
    FAREWELL,
    OVERLOADED,
    REPLACED,
)
from signaling.protocol.messages import (
    Bye,
    Hello,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Ping,
    Signalled,
    Ticket,
    Update,
)
from signaling.protocol.parts import Resume
from tests.signaling.kit import Client, World, in_room


@pytest.fixture
def world() -> World:
    return World()


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


def both_tickets(client: Client) -> tuple[Resume, Resume]:
    """It has lost a link, and the next one before it could say that it has the newer ticket."""
    older = client.claim()
    client.lose_link()
    client.connect(older)
    newer = client.claim()
    client.lose_link()
    return older, newer


def test_of_two_tickets_that_may_be_out_the_one_that_was_not_used_dies(world: World) -> None:
    """A welcome was lost, or went to a thief: whichever ticket comes next, the other opens nothing ever."""
    for use_the_newer in (True, False):
        (ana,) = in_room(world, "ana")
        older, newer = both_tickets(ana)
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
    older, newer = both_tickets(ana)
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


def test_who_was_at_another_node_meanwhile_comes_back_under_the_same_id_and_afresh() -> None:
    """Nodes without a bus: the one of before still has the session as it was."""
    first, second = World(seed=1), World(epoch="second", seed=2)
    (ana,) = in_room(first, "ana")
    id, old = ana.id, ana.claim()
    ana.lose_link()
    ana.world = second
    assert not ana.connect(old).welcome.resumed
    newer = ana.claim()
    ana.world = first
    # Even with the epoch of the first one: what happened meanwhile is not in its mailbox.
    ana.connect(msgspec.structs.replace(newer, epoch=old.epoch, received=old.received))
    assert (ana.id, ana.welcome.resumed) == (id, False)
    ana.say(Ping())
    for used in (old, newer):
        assert Client(first).connect(used).id != id
