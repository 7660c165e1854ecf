"""WHIP and WHEP by their rules alone: a resource on a real hub, with members of our own, and no HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.dialects.base import Arrival, Said
from signaling.dialects.whip import (
    ANSWER_TIMEOUT,
    GATHER_TIMEOUT,
    MAX_CLIENT_CANDIDATES,
    MEMBER_TIMEOUT,
    RETURN_TIMEOUT,
    Resource,
    Whep,
    Whip,
)
from signaling.dialects.whip_sdp import Fragment, UnusableError, parse_offer
from signaling.dialects.whip_words import Delete, Patch, Reply, refusal_of_tag
from signaling.grants import OPEN, Grants
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    Configure,
    Hello,
    Kick,
    Leave,
    PeerJoined,
    PeerLeft,
    Signal,
    Signalled,
    Word,
)
from signaling.protocol.parts import Capabilities, Peer
from signaling.protocol.permissions import Permission
from signaling.protocol.signals import Candidate, Description, IceCandidateInit, PeerPayload, PleaseOffer
from tests.signaling.dialects.descriptions import CANDIDATE, UFRAG, answer, offer
from tests.signaling.kit import Client, Line, World

ROOM = "default/studio"
BROWSER = Capabilities(engine="browser", rollback=True, ice_restart=True, trickle=True, media=True)
_payloads: msgspec.json.Decoder[Any] = msgspec.json.Decoder(PeerPayload)


class Applicant:
    """A resource, and what a transport would have of it."""

    def __init__(
        self,
        world: World,
        kind: type[Resource] = Whip,
        wanted: str = "",
        name: str = "OBS",
        grants: Grants = OPEN,
    ) -> None:
        self.world = world
        arrival = Arrival("default", {"room": "studio"}, {"name": name}, "random")
        direction = kind.direction
        self.dialect = kind(arrival, ROOM, parse_offer(offer(direction=direction), direction), wanted)
        self.replies: list[Reply] = []
        self.line = Line()
        self._read = 0
        hello, *more = self.dialect.begin(world.now).requests
        assert isinstance(hello, Hello)
        self.capabilities = hello.capabilities
        self.session, effects = world.hub.open(self.line, hello, world.now, world.unix_now, grants)
        world.perform(effects)
        self._do(Said(more, []))
        self.listen()

    @property
    def id(self) -> PeerId:
        return self.dialect.me

    @property
    def reply(self) -> Reply:
        return self.replies[-1]

    @property
    def has_ended(self) -> bool:
        return self.line.closed is not None

    def listen(self) -> None:
        """Hear what has been said to it, and do what follows."""
        while self._read < len(self.line.said):
            word = self.line.said[self._read]
            self._read += 1
            self._do(self.dialect.told(word, self.world.now))

    def say(self, words: Patch | Delete) -> None:
        self._do(self.dialect.heard(msgspec.json.encode(words), self.world.now))
        self.listen()

    def patch(self, if_match: str = "", **fragment: Any) -> Reply:
        self.say(Patch(len(self.replies) + 1, Fragment(**fragment), if_match))
        return self.reply

    def wait(self, seconds: float) -> None:
        """Time passes, and it wakes up whenever it wants to."""
        end = self.world.now + seconds
        while self.dialect.wake_at <= end and not self.has_ended:
            self.world.pass_time(max(0.0, self.dialect.wake_at - self.world.now))
            self._do(self.dialect.wake(self.world.now))
            self.listen()
        self.world.pass_time(max(0.0, end - self.world.now))
        self.listen()

    def _do(self, said: Said) -> None:
        self.replies += [msgspec.json.decode(frame, type=Reply) for frame in said.frames if len(frame) > 1]
        for request in said.requests:
            if self.session is not None and self.line.closed is None:
                self.world.perform(self.world.hub.receive(self.session, request, self.world.now))


class Member:
    """One of our own, who answers when told to."""

    def __init__(self, world: World, name: str = "Ana", **metadata: Any) -> None:
        self.client = Client(world, BROWSER).connect()
        self.client.join(ROOM, name=name, metadata=metadata)
        self._said: dict[PeerId, int] = {}

    def leave(self) -> None:
        self.client.say(Leave(9, ROOM))

    def heard(self) -> list[PeerPayload]:
        words: list[Word] = self.client.read()
        return [_payloads.decode(word.payload) for word in words if isinstance(word, Signalled)]

    def offered(self) -> Description:
        (found,) = (each for each in self.heard() if isinstance(each, Description))
        assert found.type == "offer"
        return found

    def say(self, to: Applicant, *payloads: PeerPayload) -> None:
        for payload in payloads:
            n = self._said[to.id] = self._said.get(to.id, 0) + 1
            self.client.say(Signal(to.id, n, msgspec.Raw(msgspec.json.encode(payload))))
        to.listen()

    def answers(self, to: Applicant, sdp: str = answer(), *candidates: str) -> None:
        self.say(to, Description(1, "answer", sdp), *(found(each) for each in candidates), Candidate(1))


def found(candidate: str, ufrag: str | None = None) -> Candidate:
    return Candidate(1, IceCandidateInit(candidate, "0", 0, ufrag))


@pytest.fixture
def world() -> World:
    return World()


def live(world: World, kind: type[Resource] = Whip) -> tuple[Applicant, Member]:
    member = Member(world)
    applicant = Applicant(world, kind)
    member.answers(applicant)
    member.heard()
    assert applicant.reply.status == 201
    return applicant, member


# An answer


def test_the_offer_goes_to_the_member_and_its_answer_with_all_candidates_to_the_client(world: World) -> None:
    ana = Member(world)
    applicant = Applicant(world)
    (joined,) = (word for word in ana.client.read() if isinstance(word, PeerJoined))
    assert (joined.peer.name, joined.peer.metadata) == ("OBS", {"dialect": "whip", "role": "publisher"})
    assert not joined.peer.you_offer
    ana.say(applicant, Description(1, "answer", answer()), found(CANDIDATE))
    assert applicant.replies == []
    ana.say(applicant, Candidate(1))
    (reply,) = applicant.replies
    assert (reply.number, reply.status, reply.etag) == (0, 201, '"ice-0"')
    assert f"a={CANDIDATE}\r\na=end-of-candidates\r\n" in reply.text


def test_the_offer_says_which_slots_its_sections_are(world: World) -> None:
    ana = Member(world)
    Applicant(world)
    description = next(
        _payloads.decode(word.payload) for word in ana.client.line.said if isinstance(word, Signalled)
    )
    assert description.generation == 1
    assert description.slots == {"0": "microphone", "1": "camera"}


def test_a_viewer_offers_to_receive(world: World) -> None:
    ana = Member(world)
    applicant = Applicant(world, Whep)
    assert "a=recvonly" in ana.offered().sdp
    ana.answers(applicant)
    assert applicant.reply.status == 201


def test_candidates_that_come_late_are_not_waited_for(world: World) -> None:
    ana = Member(world)
    applicant = Applicant(world)
    ana.say(applicant, Description(1, "answer", answer()))
    applicant.wait(GATHER_TIMEOUT)
    assert applicant.reply.status == 201
    ana.say(applicant, found(CANDIDATE))
    assert len(applicant.replies) == 1


def test_an_answer_that_is_complete_is_waited_for_no_longer(world: World) -> None:
    ana = Member(world)
    applicant = Applicant(world)
    whole = answer().replace("a=mid:0\r\n", "a=mid:0\r\na=end-of-candidates\r\n")
    ana.say(applicant, Description(1, "answer", whole))
    assert applicant.reply.status == 201
    assert applicant.reply.text.count("a=end-of-candidates\r\n") == 1


def test_a_member_that_takes_only_a_part_is_no_answer(world: World) -> None:
    ana = Member(world)
    applicant = Applicant(world)
    ana.answers(applicant, answer().replace("m=video 9", "m=video 0"))
    assert applicant.reply.status == 422
    assert applicant.has_ended


def test_candidates_of_the_member_that_make_no_sense_are_left_out(world: World) -> None:
    ana = Member(world)
    applicant = Applicant(world)
    odd = [found("candidate:x"), found(CANDIDATE, "another"), found(CANDIDATE.replace(" 1 ", " 2 ", 1))]
    ana.say(applicant, Description(1, "answer", answer()), *odd, Candidate(1))
    assert "a=candidate" not in applicant.reply.text


# Whom to ask


def test_the_first_who_came_is_asked(world: World) -> None:
    ana, ben = Member(world), Member(world, "Ben")
    Applicant(world)
    assert ana.offered()
    assert ben.heard() == []


def test_who_says_that_it_answers_is_asked_and_who_says_that_it_does_not_is_not(world: World) -> None:
    ana, ben, cleo = Member(world), Member(world, "Ben", whip=False), Member(world, "Cleo", whip=True)
    Applicant(world)
    assert cleo.offered()
    assert ana.heard() == ben.heard() == []


def test_a_viewer_names_whom_it_wants_to_see(world: World) -> None:
    ana, ben = Member(world), Member(world, "Ben")
    Applicant(world, Whep, wanted="Ben")
    Applicant(world, Whep, wanted=str(ana.client.id))
    assert ben.offered()
    assert ana.offered()


def test_who_does_not_answer_gives_way_to_the_next_one(world: World) -> None:
    ana, ben = Member(world), Member(world, "Ben")
    applicant = Applicant(world)
    ana.offered()
    applicant.wait(MEMBER_TIMEOUT)
    ben.offered()
    ana.answers(applicant)
    assert applicant.replies == []
    ben.answers(applicant)
    assert applicant.reply.status == 201


def test_who_leaves_or_cannot_use_the_offer_gives_way_too(world: World) -> None:
    ana, ben, cleo = Member(world), Member(world, "Ben"), Member(world, "Cleo")
    applicant = Applicant(world)
    ana.leave()
    applicant.listen()
    ben.offered()
    ben.say(applicant, PleaseOffer(1, rebuild=True))
    cleo.offered()
    cleo.answers(applicant)
    assert applicant.reply.status == 201


def test_the_only_one_may_take_all_the_time(world: World) -> None:
    ana = Member(world)
    applicant = Applicant(world)
    applicant.wait(ANSWER_TIMEOUT - 0.5)
    ana.answers(applicant)
    assert applicant.reply.status == 201


def test_who_comes_while_the_client_waits_is_asked(world: World) -> None:
    applicant = Applicant(world)
    applicant.wait(1.0)
    ana = Member(world)
    applicant.listen()
    ana.answers(applicant)
    assert applicant.reply.status == 201


def test_when_nobody_answers_the_client_is_told_to_come_back(world: World) -> None:
    Member(world)
    applicant = Applicant(world)
    applicant.wait(ANSWER_TIMEOUT)
    assert (applicant.reply.status, applicant.reply.retry_after) == (504, 5)
    assert applicant.has_ended


def test_in_an_empty_room_a_publisher_waits_and_a_viewer_does_not(world: World) -> None:
    publisher, viewer = Applicant(world), Applicant(world, Whep)
    assert (viewer.reply.status, viewer.reply.retry_after) == (409, 5)
    assert publisher.replies == []
    publisher.wait(ANSWER_TIMEOUT)
    assert (publisher.reply.status, publisher.reply.retry_after) == (503, 5)
    assert Applicant(world, Whep, wanted="Zoe").reply.status == 404


def test_clients_of_other_protocols_are_not_asked(world: World) -> None:
    Applicant(world)
    assert Applicant(world, Whep).reply.status == 409


def test_a_room_that_lets_nobody_in_says_so(world: World) -> None:
    ana = Member(world)
    ana.client.say(Configure(2, ROOM, locked=True))
    applicant = Applicant(world)
    assert applicant.reply.status == 403
    assert applicant.has_ended


def test_a_token_has_to_permit_what_is_wanted(world: World) -> None:
    ana = Member(world)
    listener = Grants(can=frozenset((Permission.JOIN, Permission.SIGNAL)))
    publisher, viewer = Applicant(world, grants=listener), Applicant(world, Whep, grants=listener)
    assert publisher.reply.status == 403
    assert "publish" in publisher.reply.text
    ana.answers(viewer)
    assert viewer.reply.status == 201
    admin = Applicant(world, grants=Grants(can=frozenset((Permission.ADMIN,))))
    assert admin.replies == []


def test_a_name_that_cannot_be_one_is_refused(world: World) -> None:
    assert Applicant(world, name="x" * 200).reply.status == 400


# Trickle


def test_candidates_go_to_the_member(world: World) -> None:
    applicant, ana = live(world)
    assert applicant.patch(ufrag=UFRAG, candidates=[CANDIDATE], is_complete=True).status == 204
    trickled, end = ana.heard()
    assert trickled == Candidate(1, IceCandidateInit(CANDIDATE, "0", 0, UFRAG))
    assert end == Candidate(1)


def test_a_tag_must_be_the_one_of_this_ice_session(world: World) -> None:
    applicant, ana = live(world)
    assert applicant.patch('"ice-0"', ufrag=UFRAG, candidates=[CANDIDATE]).status == 204
    assert applicant.patch('"ice-7"', ufrag=UFRAG, candidates=[CANDIDATE]).status == 412
    assert len(ana.heard()) == 1


def test_a_client_has_a_limited_number_of_candidates(world: World) -> None:
    applicant, ana = live(world)
    for _ in range(MAX_CLIENT_CANDIDATES):
        applicant.patch(ufrag=UFRAG, candidates=[CANDIDATE, CANDIDATE])
    assert len(ana.heard()) == MAX_CLIENT_CANDIDATES


# ICE restart


def test_new_credentials_are_a_restart_and_the_answer_has_those_of_the_member(world: World) -> None:
    applicant, ana = live(world)
    applicant.say(Patch(1, Fragment("newu", "n" * 22, [CANDIDATE]), "*"))
    description = ana.offered()
    assert "a=ice-ufrag:newu\r\n" in description.sdp
    assert f"a=ice-pwd:{'n' * 22}\r\n" in description.sdp
    assert UFRAG not in description.sdp
    assert f"a={CANDIDATE}\r\n" in description.sdp
    assert description.generation == 1
    ana.answers(applicant, answer(ufrag="theirs"), CANDIDATE)
    reply = applicant.reply
    assert (reply.number, reply.status, reply.etag) == (1, 200, '"ice-1"')
    assert "a=ice-ufrag:theirs\r\n" in reply.text
    assert f"a={CANDIDATE}\r\n" in reply.text
    assert applicant.patch('"ice-1"', ufrag="newu").status == 204
    assert applicant.patch('"ice-0"', ufrag="newu").status == 412


@pytest.mark.parametrize(
    ("if_match", "pwd", "status"), [("", "n" * 22, 428), ('"ice-3"', "n" * 22, 412), ("*", "", 400)]
)
def test_a_restart_that_is_none_changes_nothing(world: World, if_match: str, pwd: str, status: int) -> None:
    applicant, ana = live(world)
    assert applicant.patch(if_match, ufrag="newu", pwd=pwd).status == status
    assert ana.heard() == []
    assert not applicant.has_ended
    assert applicant.patch('"ice-0"', ufrag=UFRAG).status == 204


def test_one_restart_at_a_time_and_candidates_meanwhile(world: World) -> None:
    applicant, ana = live(world)
    applicant.say(Patch(1, Fragment("newu", "n" * 22), "*"))
    assert applicant.patch("*", ufrag="third", pwd="n" * 22).status == 409
    assert applicant.patch("*", ufrag="newu", candidates=[CANDIDATE]).status == 204
    assert ana.heard()[-1] == Candidate(1, IceCandidateInit(CANDIDATE, "0", 0, "newu"))


def test_a_restart_that_nobody_answers_fails_and_the_resource_stays(world: World) -> None:
    applicant, ana = live(world)
    applicant.say(Patch(1, Fragment("newu", "n" * 22), "*"))
    applicant.wait(ANSWER_TIMEOUT)
    assert (applicant.reply.number, applicant.reply.status) == (1, 504)
    assert not applicant.has_ended
    ana.answers(applicant)
    assert len(applicant.replies) == 2
    applicant.say(Patch(2, Fragment("again", "n" * 22), "*"))
    ana.answers(applicant, answer(ufrag="late"))
    assert (applicant.reply.number, applicant.reply.status) == (2, 200)


@pytest.mark.parametrize(
    ("if_match", "is_restart", "status"),
    [
        ("*", True, None),
        ('"*"', True, None),
        ('"ice-0"', False, None),
        ("ice-0", False, None),
        ('W/"ice-0"', False, None),
        ("", False, None),
        ("", True, 428),
        ('"ice-1"', True, 412),
    ],
)
def test_tags_are_read_as_clients_write_them(if_match: str, is_restart: bool, status: int | None) -> None:
    refusal = refusal_of_tag(if_match, '"ice-0"', is_restart)
    assert (None if refusal is None else refusal[0]) == status


# The end


def test_a_client_that_leaves_leaves_the_room(world: World) -> None:
    applicant, ana = live(world)
    applicant.say(Delete())
    assert applicant.has_ended
    assert [word.reason for word in ana.client.read() if isinstance(word, PeerLeft)] == ["left"]


def test_a_resource_ends_with_the_member_that_answered(world: World) -> None:
    applicant, ana = live(world)
    ben = Member(world, "Ben")
    ana.leave()
    applicant.listen()
    assert applicant.has_ended
    assert ben.heard() == []


def test_a_resource_ends_when_it_is_thrown_out(world: World) -> None:
    applicant, ana = live(world)
    ana.client.say(Kick(5, ROOM, applicant.id))
    applicant.listen()
    assert applicant.has_ended


def test_a_resource_ends_when_the_member_says_that_the_connection_cannot_be_saved(world: World) -> None:
    applicant, ana = live(world)
    ana.say(applicant, PleaseOffer(1, restart=True), PleaseOffer(0, rebuild=True))
    assert not applicant.has_ended
    ana.say(applicant, PleaseOffer(1, rebuild=True))
    assert applicant.has_ended


def test_a_member_whose_session_was_lost_may_return(world: World) -> None:
    applicant, ana = live(world)
    shown = Peer(ana.client.id, "Ana", capabilities=BROWSER)
    dialect, now = applicant.dialect, world.now
    dialect.told(PeerLeft(ROOM, ana.client.id, "reset"), now)
    dialect.told(PeerJoined(ROOM, shown), now)
    applicant.wait(RETURN_TIMEOUT)
    assert not applicant.has_ended
    dialect.told(PeerLeft(ROOM, ana.client.id, "reset"), world.now)
    applicant.wait(RETURN_TIMEOUT)
    assert applicant.has_ended


@given(
    st.binary(max_size=200) | st.builds(msgspec.json.encode, st.recursive(st.text() | st.none(), st.lists))
)
def test_no_signal_of_a_member_is_too_odd(payload: bytes) -> None:
    world = World()
    ana = Member(world)
    applicant = Applicant(world)
    applicant.dialect.told(Signalled(ana.client.id, 1, msgspec.Raw(payload)), world.now)
    applicant.dialect.heard(payload, world.now)
    assert not applicant.has_ended


def test_offers_are_judged_before_anybody_is_asked() -> None:
    with pytest.raises(UnusableError) as caught:
        parse_offer("hello", "sendonly")
    assert caught.value.status == 400
