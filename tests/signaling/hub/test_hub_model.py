"""The hub beside a model that is too simple to be wrong: dicts and lists, no links, no time."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signaling.config import Config, LimitsConfig, Session
from signaling.protocol.ids import room_name
from signaling.protocol.messages import (
    Ack,
    Acked,
    Broadcast,
    Broadcasted,
    Bye,
    Joined,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Ping,
    Signal,
    Signalled,
    Update,
)
from tests.signaling.kit import Client, World

WHO = st.integers(0, 4)
ROOMS = ["one", "one", "a/one", "a/two"]
CONFIG = Config(
    session=Session(ping_interval=25.0, ping_timeout=10.0, resume_window=60.0),
    limits=LimitsConfig(max_rooms=3, max_members=3, mailbox_messages=12),
)


class HubMachine(RuleBasedStateMachine):
    """Clients do everything they may and may not; the model says who may have heard what."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(CONFIG)
        # Few clients and rooms, so that most of what they do concerns each other.
        self.everybody = [Client(self.world).connect() for _ in range(5)]
        self.members: dict[str, list[Client]] = defaultdict(list)
        """The model's rooms, in order of entry."""
        self.expected: dict[int, list[Any]] = defaultdict(list)
        """By client: all signals and broadcasts that it must hear in this session, in order."""
        self.used_tickets: list[tuple[Client, Any]] = []
        self.counter = 0
        for who in range(3):
            self._join(self.everybody[who], "one")

    @rule(who=WHO, room=st.sampled_from(ROOMS))
    def join(self, who: int, room: str) -> None:
        if self.everybody[who].session is not None:
            self._join(self.everybody[who], room)

    @rule(who=WHO, room=st.sampled_from(ROOMS))
    def leave(self, who: int, room: str) -> None:
        client = self.everybody[who]
        if client.session is None:
            return
        answer = client.say(Leave(1, room))
        inside = self.members[str(room_name(room))]
        assert any(isinstance(each, Left) for each in answer) is (client in inside)
        if client in inside:
            inside.remove(client)

    @rule(who=WHO, room=st.sampled_from(ROOMS), name=st.text(max_size=4))
    def update(self, who: int, room: str, name: str) -> None:
        client = self.everybody[who]
        if client.session is not None:
            client.say(Update(1, room, name=name))

    @rule(who=WHO, whom=WHO)
    def signal(self, who: int, whom: int) -> None:
        client, other = self.everybody[who], self.everybody[whom]
        if client.session is None:
            return
        self.counter += 1
        client.say(Signal(other.id, self.counter, msgspec.Raw(b"1")))
        if any(client in inside and other in inside for inside in self.members.values()):
            self.expected[id(other)].append((client.id, self.counter))

    @rule(who=WHO, whom=WHO)
    def acknowledge(self, who: int, whom: int) -> None:
        client, other = self.everybody[who], self.everybody[whom]
        if client.session is not None:
            client.say(Ack(other.id, 1))

    @rule(who=WHO, room=st.sampled_from(ROOMS))
    def broadcast(self, who: int, room: str) -> None:
        client = self.everybody[who]
        if client.session is None:
            return
        self.counter += 1
        client.say(Broadcast(room, msgspec.Raw(str(self.counter).encode())))
        inside = self.members[str(room_name(room))]
        for other in inside if client in inside else []:
            if other is not client:
                self.expected[id(other)].append((client.id, self.counter))

    @rule(who=WHO)
    def confirm(self, who: int) -> None:
        client = self.everybody[who]
        if client.session is not None:
            client.read()
            client.say(Ping(len(client.heard)))

    @rule(who=WHO)
    def lose_link(self, who: int) -> None:
        """What is on the way is lost; the client has read what it has read."""
        client = self.everybody[who]
        if client.session is None or client.session.link is None:
            return
        client.lose_link()
        client.session = None

    @rule(who=WHO, wrong=st.sampled_from(["", "", "", "epoch", "received", "ticket"]))
    def come_back(self, who: int, wrong: str) -> None:
        client = self.everybody[who]
        if client.session is not None:
            return
        claim = client.claim()
        former, old_id = self.world.hub.sessions.get(client.id), client.id
        can_be_whole = former is not None and former.mailbox.holds(claim.received)
        if wrong == "ticket":
            claim = msgspec.structs.replace(claim, ticket=claim.ticket[:-1])
        elif wrong == "epoch":
            claim = msgspec.structs.replace(claim, epoch="another")
        elif wrong == "received":
            claim = msgspec.structs.replace(claim, received=claim.received + 1_000)
        client.connect(claim)
        assert client.welcome.resumed is (can_be_whole and not wrong)
        assert (client.id == old_id) is (wrong != "ticket")
        if not client.welcome.resumed:
            if wrong == "ticket":
                # Its old self waits for somebody who will never come.
                ghost = Client(self.world)
                ghost.welcome = msgspec.structs.replace(client.welcome, you=old_id)
                for inside in self.members.values():
                    inside[:] = [ghost if each is client else each for each in inside]
            else:
                self._forget(client)
            self.expected[id(client)] = []
        elif former is not None:
            self.used_tickets.append((client, claim))
            client.say(Ping(0))

    @precondition(lambda self: self.used_tickets)
    @rule(data=st.data())
    def replay_an_old_ticket(self, data: st.DataObject) -> None:
        victim, claim = data.draw(st.sampled_from(self.used_tickets))
        line = victim.line
        thief = Client(self.world).connect(claim)
        assert thief.id not in {client.id for client in self.everybody}
        assert line.closed is None or victim.session is None

    @rule(who=WHO)
    def say_bye(self, who: int) -> None:
        client = self.everybody[who]
        if client.session is None:
            return
        client.read()
        client.say(Bye())
        client.session = None
        self._forget(client)
        self.everybody[who] = Client(self.world).connect()
        self.used_tickets = [each for each in self.used_tickets if each[0] is not client]

    @rule(seconds=st.sampled_from([1.0, 20.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        """Those who have a line answer in time; those who have none may be given up."""
        for _ in range(int(seconds // 20) or 1):
            self.world.pass_time(min(seconds, 20.0))
            for client in self.everybody:
                if client.session is not None:
                    client.read()
                    client.say(Ping(0))
        for inside in self.members.values():
            inside[:] = [each for each in inside if each.id in self.world.hub.sessions]

    def _join(self, client: Client, room: str) -> None:
        name = str(room_name(room))
        inside = self.members[name]
        mine = [each for each in self.members.values() if client in each]
        allowed = client in inside or (len(inside) < 3 and len(mine) < 3)
        answer = client.join(room)
        assert any(isinstance(each, Joined) for each in answer) is allowed
        if allowed and client not in inside:
            inside.append(client)

    def _forget(self, client: Client) -> None:
        for inside in self.members.values():
            if client in inside:
                inside.remove(client)

    @invariant()
    def nobody_hears_more_or_less_than_the_model_allows(self) -> None:
        for client in self.everybody:
            if client.session is None:
                continue
            client.read()
            heard = [
                (each.sender, each.n if isinstance(each, Signalled) else int(bytes(each.payload)))
                for each in client.heard
                if isinstance(each, (Signalled, Broadcasted))
            ]
            assert heard == self.expected[id(client)]

    @invariant()
    def the_rooms_are_those_of_the_model(self) -> None:
        rooms = self.world.hub._rooms.by_name
        model = {name: {each.id for each in inside} for name, inside in self.members.items() if inside}
        assert {name: set(room.members) for name, room in rooms.items()} == model

    @invariant()
    def a_roster_made_of_events_is_the_room(self) -> None:
        for client in self.everybody:
            if client.session is None:
                continue
            for name, inside in self.members.items():
                client.read()
                if client in inside:
                    assert roster(client, name) == {each.id for each in inside if each is not client}

    @invariant()
    def both_ends_count_the_same(self) -> None:
        for client in self.everybody:
            if client.session is not None:
                client.read()
                assert client.session.mailbox.end == len(client.heard)

    @invariant()
    def mailboxes_keep_their_bounds_and_add_up(self) -> None:
        mailboxes = [session.mailbox for session in self.world.hub.sessions.values()]
        assert all(mailbox.end - mailbox.first <= 12 for mailbox in mailboxes)
        assert self.world.hub.kept_bytes == sum(mailbox.bytes for mailbox in mailboxes)


def roster(client: Client, room: str) -> set[str]:
    """Who is in a room, going by nothing but what this client has heard."""
    inside: set[str] = set()
    for event in client.heard:
        match event:
            case Joined(room=name, peers=peers) if name == room:
                inside = {peer.id for peer in peers}
            case PeerJoined(room=name, peer=peer) if name == room:
                assert peer.id not in inside
                inside.add(peer.id)
            case PeerLeft(room=name, id=peer_id) if name == room:
                inside.remove(peer_id)
            case PeerUpdated(room=name, id=peer_id) if name == room:
                assert peer_id in inside
            case Acked():
                pass
    return inside


TestHub = HubMachine.TestCase
TestHub.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
