"""Three nodes and clients that do everything, over a bus that delivers in any order: in the end all agree.

More examples: ``pytest --hypothesis-profile=thorough`` (see ``tests/conftest.py``).
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from signaling.config import Config, LimitsConfig
from signaling.journal import fold, read
from signaling.protocol.messages import Configure, Join, Kick, Leave, Update
from tests.signaling.kit import Client
from tests.signaling.nodes_kit import Nodes, believed

NAMES = ("a", "b", "c")
SEED = st.integers(0, 1_000_000)
"""Of the order in which the bus delivers."""
WHO = st.integers(0, 5)
ROOMS = st.sampled_from(["one", "two"])
NODE = st.sampled_from(NAMES)
CONFIG = Config(limits=LimitsConfig(joins_per_second=1e9))


class NodesMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.nodes = Nodes(*NAMES, config=CONFIG)
        self.everybody = [Client(self.nodes[NAMES[who % 3]]) for who in range(6)]
        for client in self.everybody:
            client.connect()

    @rule(who=WHO, room=ROOMS)
    def join(self, who: int, room: str) -> None:
        self._say(who, Join(1, room, name=f"peer {who}"))

    @rule(who=WHO, room=ROOMS)
    def leave(self, who: int, room: str) -> None:
        self._say(who, Leave(1, room))

    @rule(who=WHO, room=ROOMS, name=st.sampled_from(["x", "y"]))
    def update(self, who: int, room: str, name: str) -> None:
        self._say(who, Update(1, room, name=name))

    @rule(who=WHO, whom=WHO, room=ROOMS)
    def kick(self, who: int, whom: int, room: str) -> None:
        self._say(who, Kick(1, room, self.everybody[whom].id))

    @rule(who=WHO, room=ROOMS, capacity=st.integers(2, 6))
    def configure(self, who: int, room: str, capacity: int) -> None:
        self._say(who, Configure(1, room, capacity=capacity))

    @rule(who=WHO)
    def lose_link(self, who: int) -> None:
        client = self.everybody[who]
        if client.session is not None and client.session.link is client.line:
            client.read()
            client.lose_link()

    @rule(who=WHO)
    def resume(self, who: int) -> None:
        client = self.everybody[who]
        client.read()
        client.connect(client.claim())

    @rule(who=WHO, node=NODE, is_patient=st.booleans())
    def move(self, who: int, node: str, is_patient: bool) -> None:
        client = self.everybody[who]
        client.read()
        if client.world is not self.nodes[node]:
            self.nodes.move(client, node, is_patient)

    @rule(seed=SEED, count=st.integers(1, 10))
    def deliver(self, seed: int, count: int) -> None:
        choose = random.Random(seed).randrange
        for _ in range(count):
            self.nodes.deliver_one(choose)

    @rule(node=NODE)
    def separate_for_a_while(self, node: str) -> None:
        self.nodes.separate(node)
        self.nodes.pass_time(1.0)
        self.nodes.reunite(node)

    @rule(order=st.permutations(NAMES), seconds=st.sampled_from([0.0, 0.25, 2.0]))
    def lose_the_bus_for_a_while(self, order: list[str], seconds: float) -> None:
        self.nodes.lose_bus()
        self.nodes.pass_time(1.0)
        for name in order:
            self.nodes.find_bus(name)
            if seconds:
                self.nodes.pass_time(seconds)

    @rule(seed=SEED)
    def settle(self, seed: int) -> None:
        self.nodes.settle(random.Random(seed).randrange)
        self.check()

    def teardown(self) -> None:
        self.nodes.settle()
        self.check()

    def check(self) -> None:
        self.nodes.pass_time(10.0)
        self._check_rooms()
        self._check_clients()
        self._check_journals()

    def _check_rooms(self) -> None:
        truth: dict[str, dict[str, tuple[str, str, bool]]] = {}
        for node in self.nodes.living:
            for room in node.hub.rooms.values():
                for peer, member in room.members.items():
                    told = truth.setdefault(room.name, {})
                    assert peer not in told, f"{peer} is at two nodes"
                    told[peer] = (node.id, member.name, member.session.away)
        for node in self.nodes.living:
            assert not node.hub._rooms.openings
            assert not node.hub._rooms.arriving
            for room in node.hub.rooms.values():
                assert room.members or room.waiting, "a room that nobody here is in"
                seen = {peer: (node.id, each.name, each.session.away) for peer, each in room.members.items()}
                for peer, remote in room.elsewhere.members.items():
                    seen[peer] = (remote.node, remote.shown.name, remote.shown.is_away)
                assert seen == truth[room.name], (node.id, room.name, seen, truth[room.name])
                others = {each.id for each in self.nodes.living if room.name in each.hub.rooms} - {node.id}
                assert room.elsewhere.nodes == others
            indexed = {
                (peer, room.name) for peer, each in node.hub._neighbours.remote.items() for room in each.rooms
            }
            held = {(peer, room.name) for room in node.hub.rooms.values() for peer in room.elsewhere.members}
            assert indexed == held
        for name in truth:
            settings_seen = {
                node.hub.rooms[name].settings for node in self.nodes.living if name in node.hub.rooms
            }
            assert len(settings_seen) == 1, settings_seen

    def _check_clients(self) -> None:
        for client in self.everybody:
            client.read()
            session = client.session
            if session is None or session.link is not client.line:
                continue
            rooms = believed(client.heard)
            for room in session.rooms:
                truth = {peer.id: (peer.name, peer.away) for peer in room.snapshot_for(session)}
                assert rooms[room.name] == truth, (session.id, room.name, rooms[room.name], truth)

    def _check_journals(self) -> None:
        """The rooms of a node are what its events come to."""
        for node in self.nodes.living:
            entries = node.journal.after(0)
            assert entries is not None
            told = {
                name: (room.settings, {member.id: member for member in room.members.values()})
                for name, room in fold(read(entries)).items()
            }
            assert told == {
                name: (
                    room.settings,
                    {
                        member.id: node.hub._rooms.noted(member)
                        for member in [*room.members.values(), *room.elsewhere.members.values()]
                    },
                )
                for name, room in node.hub.rooms.items()
                if room.noted is not None
            }

    def _say(self, who: int, message: Any) -> None:
        client = self.everybody[who]
        if client.session is not None and client.session.link is client.line:
            client.say(message)


TestNodes = NodesMachine.TestCase
# The thorough profile takes its time.
TestNodes.pytestmark = [pytest.mark.timeout(1_800)]
TestNodes.settings = settings(stateful_step_count=30, deadline=None)
