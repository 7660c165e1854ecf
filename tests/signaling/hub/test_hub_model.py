"""The hub beside a model that is too simple to be wrong: dicts and lists, no links, no time-outs.

More examples: ``pytest --hypothesis-profile=thorough`` (see ``tests/conftest.py``).
"""

from __future__ import annotations

from collections import defaultdict

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signaling.config import Config, LimitsConfig, Session
from signaling.hub.room import Room
from signaling.hub.tickets import Tickets
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import REPLACED, ErrorCode
from signaling.protocol.ids import PeerId, room_name
from signaling.protocol.messages import (
    Ack,
    Acked,
    Broadcast,
    Broadcasted,
    Bye,
    Join,
    Joined,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Ping,
    Request,
    Signal,
    Signalled,
    Ticket,
    Update,
    Word,
)
from signaling.protocol.parts import Capabilities, Peer, Resume
from tests.signaling.kit import KEY, Client, World

WHO = st.integers(0, 4)
ROOMS = st.sampled_from(["one", "one", "default/one", "a/one", "a/two"])
WRONG = st.sampled_from([*[""] * 9, "epoch", "received", "ticket"])
KINDS = [Capabilities(), Capabilities(rollback=True), Capabilities(trickle=True)]
CAPACITY = 3
KEPT = 6
TICKETS = Tickets(KEY)
CONFIG = Config(
    session=Session(ping_interval=25.0, ping_timeout=10.0, resume_window=60.0, ticket_lifetime=300.0),
    limits=LimitsConfig(max_rooms=3, max_members=CAPACITY, mailbox_messages=KEPT),
)


class HubMachine(RuleBasedStateMachine):
    """Clients do everything they may and may not; the model says who may have heard what."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(CONFIG)
        # Few clients and rooms, so that most of what they do concerns each other.
        self.everybody = [Client(self.world, KINDS[who % 3]) for who in range(5)]
        self.members: dict[str, list[PeerId]] = defaultdict(list)
        """The model's rooms, in order of entry."""
        self.expected: dict[PeerId, list[tuple[PeerId, int]]] = defaultdict(list)
        """All signals, acknowledgements and broadcasts that a peer must hear in its session, in order."""
        self.confirmed: dict[PeerId, int] = defaultdict(int)
        self.good: dict[PeerId, list[list[str]]] = defaultdict(list)
        """What opens a peer's session until it expires: the tickets of its newest welcome, and before
        them, while the client may not have had that, those of the welcome before."""
        self.tickets: dict[str, None] = {}
        """All that were ever out, except those of which the hub may think either way."""
        self.counter = 0
        for client in self.everybody:
            self._note_welcome(client.connect(), [])
        for client in self.everybody[:CAPACITY]:
            self._join(client, "one")

    # What clients do

    @rule(who=WHO, room=ROOMS)
    def join(self, who: int, room: str) -> None:
        self._join(self._here(who), room)

    @rule(who=WHO, room=ROOMS)
    def leave(self, who: int, room: str) -> None:
        client = self._here(who)
        answer = self._say(client, Leave(1, room))
        inside = self._inside(room)
        assert any(isinstance(each, Left) for each in answer) is (client.id in inside)
        if client.id in inside:
            inside.remove(client.id)

    @rule(who=WHO, room=ROOMS, name=st.text(max_size=4), value=st.integers(0, 9))
    def update(self, who: int, room: str, name: str, value: int) -> None:
        self._say(self._here(who), Update(1, room, name, {"value": value}))

    @rule(who=WHO, whom=WHO)
    def signal(self, who: int, whom: int) -> None:
        client = self._here(who)
        other = self.everybody[whom].id
        self.counter += 1
        self._say(client, Signal(other, self.counter, msgspec.Raw(b"1")))
        if self._are_together(client.id, other):
            self.expected[other].append((client.id, self.counter))

    @rule(who=WHO, whom=WHO)
    def acknowledge(self, who: int, whom: int) -> None:
        client = self._here(who)
        other = self.everybody[whom].id
        self.counter += 1
        self._say(client, Ack(other, self.counter))
        if self._are_together(client.id, other):
            self.expected[other].append((client.id, self.counter))

    @rule(who=WHO, room=ROOMS)
    def broadcast(self, who: int, room: str) -> None:
        client = self._here(who)
        self.counter += 1
        self._say(client, Broadcast(room, msgspec.Raw(str(self.counter).encode())))
        inside = self._inside(room)
        for other in inside if client.id in inside else []:
            if other != client.id:
                self.expected[other].append((client.id, self.counter))

    @rule(who=WHO)
    def confirm(self, who: int) -> None:
        client = self._here(who)
        client.read()
        self.confirmed[client.id] = len(client.heard)
        self._say(client, Ping(len(client.heard)))

    @rule(who=WHO)
    def babble(self, who: int) -> None:
        """Once in a while is forgiven; the third time in one session is not, and is not tried here."""
        client = self._here(who)
        if client.session is not None and client.session.strikes < 2:
            self._say(client, Malformed(ErrorCode.MALFORMED))

    @rule(who=WHO)
    def say_bye(self, who: int) -> None:
        client = self._here(who)
        self._say(client, Bye())
        self._forget(client.id)
        self.good[client.id] = []
        newcomer = Client(self.world, client.capabilities).connect()
        self.everybody[self.everybody.index(client)] = newcomer
        self._note_welcome(newcomer, [])

    # What networks do

    @rule(who=WHO, on_the_way=st.integers(0, KEPT + 2))
    def lose_link(self, who: int, on_the_way: int) -> None:
        """The last few events that the hub has said have never arrived."""
        client = self._here(who)
        # The first stays, so that there is always somebody.
        if client is not self.everybody[0]:
            self._lose_link(client, on_the_way)

    @precondition(lambda self: not all(map(self._is_here, self.everybody)))
    @rule(who=WHO, wrong=WRONG, older=st.booleans())
    def come_back(self, who: int, wrong: str, older: bool) -> None:
        """With the newest ticket, or with the one before it, whose welcome may have been lost."""
        away = [client for client in self.everybody if not self._is_here(client)]
        client = away[who % len(away)]
        claim = client.claim(ticket=self.good[client.id][0 if older else -1][-1])
        if wrong == "ticket":
            claim = msgspec.structs.replace(claim, ticket=claim.ticket[:-1])
        elif wrong == "epoch":
            claim = msgspec.structs.replace(claim, epoch="another")
        elif wrong == "received":
            claim = msgspec.structs.replace(claim, received=claim.received + 1_000)
        self._connect(client, claim, is_right=not wrong)

    @rule(
        who=WHO, on_the_way=st.integers(0, KEPT + 2), olders=st.lists(st.booleans(), min_size=1, max_size=3)
    )
    def stumble(self, who: int, on_the_way: int, olders: list[bool]) -> None:
        """Link after link is lost before the client is heard on it."""
        client = self._here(who)
        for older in olders:
            self._lose_link(client, on_the_way)
            ticket = self.good[client.id][0 if older else -1][-1]
            self._connect(client, client.claim(ticket=ticket), is_right=True)

    @rule(who=WHO)
    def take_over(self, who: int) -> None:
        """The client has noticed before the server that its link is dead."""
        client = self._here(who)
        client.read()
        old_line = client.line
        self._connect(client, client.claim(), is_right=True)
        assert old_line.closed == REPLACED

    @rule()
    def steal(self) -> None:
        """Every ticket that was used up, has expired, or belongs to whoever has said bye."""
        good = {ticket for welcomes in self.good.values() for tickets in welcomes for ticket in tickets}
        lines = [client.line for client in self.everybody if self._is_here(client)]
        for ticket in self.tickets:
            if ticket not in good or not self._is_fresh(ticket):
                thief = Client(self.world).connect(Resume(ticket, "first", 0))
                assert thief.id not in self.good
                assert not thief.welcome.resumed
                thief.say(Bye())
        assert all(line.closed is None for line in lines)

    @rule(seconds=st.sampled_from([1.0, 20.0, 61.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        """Those who have a line answer in time; those who have none may be given up."""
        while seconds > 0:
            self.world.pass_time(min(seconds, 20.0))
            seconds -= 20.0
            for client in self.everybody:
                if self._is_here(client):
                    self._say(client, Ping(0))
        for inside in self.members.values():
            inside[:] = [each for each in inside if each in self.world.hub.sessions]

    # What must hold

    @invariant()
    def everybody_hears_exactly_what_the_model_says(self) -> None:
        for client in filter(self._is_here, self.everybody):
            client.read()
            heard = [numbered(each) for each in client.heard]
            assert [each for each in heard if each is not None] == self.expected[client.id]

    @invariant()
    def the_rooms_are_those_of_the_model(self) -> None:
        rooms = self._rooms()
        assert {name: list(room.members) for name, room in rooms.items()} == {
            name: inside for name, inside in self.members.items() if inside
        }
        assert len(rooms) == self.world.hub.room_count

    @invariant()
    def a_roster_made_of_events_is_the_room(self) -> None:
        rooms = self._rooms()
        for client in filter(self._is_here, self.everybody):
            client.read()
            for name, inside in self.members.items():
                if client.id in inside and client.session is not None:
                    room = rooms[name]
                    assert roster(client, name) == {p.id: p for p in room.snapshot_for(client.session)}

    @invariant()
    def both_ends_count_the_same(self) -> None:
        for client in filter(self._is_here, self.everybody):
            client.read()
            assert client.session is not None
            assert client.session.mailbox.end == len(client.heard)

    @invariant()
    def mailboxes_keep_their_bounds_and_add_up(self) -> None:
        mailboxes = [session.mailbox for session in self.world.hub.sessions.values()]
        assert all(mailbox.end - mailbox.first <= KEPT for mailbox in mailboxes)
        assert self.world.hub.kept_bytes == sum(mailbox.bytes for mailbox in mailboxes)

    # The model

    def _here(self, who: int) -> Client:
        """One of those that have a link."""
        here = [client for client in self.everybody if self._is_here(client)]
        return here[who % len(here)]

    def _is_here(self, client: Client) -> bool:
        return client.session is not None

    def _inside(self, room: str) -> list[PeerId]:
        return self.members[str(room_name(room))]

    def _are_together(self, one: PeerId, other: PeerId) -> bool:
        return any(one in inside and other in inside for inside in self.members.values())

    def _rooms(self) -> dict[str, Room]:
        return {room.name: room for each in self.world.hub.sessions.values() for room in each.rooms}

    def _say(self, client: Client, message: Request | Malformed) -> list[Word]:
        """Whoever speaks has had its welcome, so the ticket that it came with dies."""
        answer = [*client.read(), *client.say(message)]
        newest = self.good[client.id][-1]
        newest += [each.ticket for each in answer if isinstance(each, Ticket)]
        self.tickets.update(dict.fromkeys(newest))
        self.good[client.id] = [newest]
        return answer

    def _note_welcome(self, client: Client, came_with: list[str]) -> None:
        self.tickets[client.welcome.ticket] = None
        self.good[client.id] = [*([came_with] if came_with else []), [client.welcome.ticket]]

    def _is_fresh(self, ticket: str) -> bool:
        return TICKETS.read(ticket, self.world.unix_now) is not None

    def _connect(self, client: Client, claim: Resume, is_right: bool) -> None:
        former, old_id = self.world.hub.sessions.get(client.id), client.id
        is_good = self._is_fresh(claim.ticket)
        is_whole = former is not None and former.mailbox.end - claim.received <= KEPT
        if former is None and is_good:
            # Two tickets were out when the session ended; the other one may still open it another time.
            for tickets in self.good[old_id]:
                for ticket in tickets:
                    self.tickets.pop(ticket, None)
        client.connect(claim)
        assert client.welcome.resumed is (is_good and is_right and is_whole)
        assert (client.id == old_id) is is_good
        came_with = [tickets for tickets in self.good[old_id] if claim.ticket in tickets]
        self._note_welcome(client, came_with[0] if came_with else [])
        if client.welcome.resumed:
            return
        if is_good:
            # Otherwise its old self waits in its rooms for somebody who will never come.
            self._forget(old_id)
        self.expected[client.id] = []
        self.confirmed[client.id] = 0

    def _lose_link(self, client: Client, on_the_way: int) -> None:
        client.read()
        client.lose_link()
        client.session = None
        heard = max(self.confirmed[client.id], len(client.heard) - on_the_way)
        del client.heard[heard:]

    def _join(self, client: Client, room: str) -> None:
        inside = self._inside(room)
        mine = [each for each in self.members.values() if client.id in each]
        allowed = client.id in inside or (len(inside) < CAPACITY and len(mine) < 3)
        answer = self._say(client, Join(1, room))
        assert any(isinstance(each, Joined) for each in answer) is allowed
        if allowed and client.id not in inside:
            inside.append(client.id)

    def _forget(self, peer: PeerId) -> None:
        for inside in self.members.values():
            if peer in inside:
                inside.remove(peer)


def numbered(event: Word) -> tuple[PeerId, int] | None:
    """Who said which number, where the model keeps a list of them."""
    match event:
        case Signalled(sender=sender, n=n) | Acked(sender=sender, n=n):
            return sender, n
        case Broadcasted(sender=sender, payload=payload):
            return sender, int(bytes(payload))
    return None


def roster(client: Client, room: str) -> dict[PeerId, Peer]:
    """Who is in a room and how they look, going by nothing but what this client has heard."""
    inside: dict[PeerId, Peer] = {}
    for event in client.heard:
        match event:
            case Joined(room=name, peers=peers) if name == room:
                inside = {peer.id: peer for peer in peers}
            case PeerJoined(room=name, peer=peer) if name == room:
                assert peer.id not in inside
                inside[peer.id] = peer
            case PeerLeft(room=name, id=peer_id) if name == room:
                del inside[peer_id]
            case PeerUpdated(room=name, id=peer_id) if name == room:
                seen = inside[peer_id]
                inside[peer_id] = msgspec.structs.replace(
                    seen, name=event.name, metadata=event.metadata, away=event.away
                )
    return inside


TestHub = HubMachine.TestCase
TestHub.settings = settings(stateful_step_count=40, deadline=None)
