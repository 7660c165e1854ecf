"""What docs/protocol.md promises of messages, silence and mistakes."""

from __future__ import annotations

import pytest

from signaling.config import Config, LimitsConfig
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import (
    BAD_WORDS,
    SILENT,
    ErrorCode,
)
from signaling.protocol.messages import (
    Ack,
    Acked,
    Hello,
    Leave,
    PeerLeft,
    PeerUpdated,
    Ping,
    Pong,
    Refused,
    Signalled,
)
from tests.signaling.kit import Client, World, in_room, only


@pytest.fixture
def world() -> World:
    return World()


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


def test_confirmed_events_are_forgotten_and_the_rest_is_kept(world: World) -> None:
    ana, ben = in_room(world, "ana", "ben")
    ana.signal(ben, 1)
    ben.read()
    assert isinstance(ben.say(Ping(len(ben.heard)))[0], Pong)
    assert world.hub.sessions[ben.id].mailbox.bytes == 0
    ben.lose_link()
    ben.connect(ben.claim(received=0))
    assert not ben.welcome.resumed


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


def test_all_mailboxes_together_never_hold_more_than_their_half_and_the_largest_goes() -> None:
    limits = LimitsConfig(total_queued_bytes=40_000, mailbox_bytes=20_000, outbox_bytes=20_000)
    world = World(Config(limits=limits))
    ana, ben, eve = in_room(world, "ana", "ben", "eve")
    ben.lose_link()
    for n in range(1, 19):
        ana.signal(ben, n, "x" * 1_000)
        assert world.hub.kept_bytes <= 20_000
    assert world.hub.mailboxes_shed == 1
    assert not ben.connect(ben.claim()).welcome.resumed
    eve.lose_link()
    assert eve.connect(eve.claim()).welcome.resumed
