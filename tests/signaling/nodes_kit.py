"""Several hubs that tell each other things: each pair in order, otherwise in any order that a test likes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from signaling.cluster.words import Fetch, Fetched, NodeId, NodeWord, Who
from signaling.config import Config
from signaling.effects import Effect, Listen, Opened, Tell, Unlisten
from signaling.hub.hub import Hub
from signaling.hub.tickets import Tickets
from signaling.journal import Journal
from signaling.protocol.ids import RoomName
from signaling.protocol.messages import Hello, Joined, PeerJoined, PeerLeft, PeerUpdated, Word
from signaling.protocol.parts import Resume
from tests.signaling.kit import KEY, Client, Line, World

FIRST = 0


class NodeWorld(World):
    """One node: a hub, and what it says to the others in the order in which it says it."""

    def __init__(self, cluster: Nodes, name: str, seed: int) -> None:
        super().__init__(cluster.config, epoch=f"epoch-{name}", seed=seed)
        self.cluster = cluster
        self.id = NodeId(name)
        random_bytes = self.hub._admission._random_bytes
        self.journal = Journal(name, 1_000_000, 1 << 30, lambda: self.unix_now)
        self.hub = Hub(self.config, Tickets(KEY), f"epoch-{name}", random_bytes, self.id, self.journal)
        self.listens: set[RoomName] = set()
        self.fetched: dict[int, Fetched] = {}
        self.impatient: set[int] = set()
        """Requests whose answers are not waited for any more."""
        self.is_alive = True

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Tell(nodes, word):
                    for node in nodes:
                        self.cluster.put(self.id, node, msgspec.msgpack.encode(word), type(word))
                case Listen(room, request):
                    self.cluster.ask(self, room, request)
                case Unlisten(room):
                    self.listens.discard(room)
                case Opened():
                    pass
                case _:
                    super().perform([effect])

    def hear(self, sender: NodeId, word: NodeWord) -> None:
        if isinstance(word, Fetched) and word.request in self.impatient:
            if word.passport is not None:
                self.perform(self.hub.came_too_late(word.passport))
        elif isinstance(word, Fetched):
            self.fetched[word.request] = word
        else:
            self.perform(self.hub.heard_node(sender, word, self.now))

    def wake(self) -> None:
        if self.hub.wake_at is not None and self.hub.wake_at <= self.now:
            self.perform(self.hub.wake(self.now, self.unix_now))


class Nodes:
    """A cluster. What is said waits until :meth:`settle`, or :meth:`deliver_one`."""

    def __init__(self, *names: str, config: Config | None = None) -> None:
        self.config = config or Config()
        self.lines: dict[tuple[NodeId, NodeId], deque[tuple[bytes, type]]] = {}
        self.cut: set[NodeId] = set()
        """Nodes that the bus does not reach; what is said to or by them is lost."""
        self.unanswered = 0
        """So many questions for rooms the bus is too slow for; they are not heard by anybody."""
        self.nodes = {name: NodeWorld(self, name, seed) for seed, name in enumerate(names)}
        for node in self.nodes.values():
            node.perform(node.hub.bus_changed(True, node.now))

    def __getitem__(self, name: str) -> NodeWorld:
        return self.nodes[name]

    @property
    def living(self) -> list[NodeWorld]:
        return [node for node in self.nodes.values() if node.is_alive]

    def put(self, sender: NodeId, to: NodeId, word: bytes, kind: type) -> None:
        if not {sender, to} & self.cut and self.nodes[to].is_alive:
            self.lines.setdefault((sender, to), deque()).append((word, kind))

    def ask(self, node: NodeWorld, room: RoomName, request: int) -> None:
        """Of the room's subject; whoever listens hears it in its turn."""
        node.listens.add(room)
        if self.unanswered:
            self.unanswered -= 1
            node.perform(node.hub.room_asked(room, None, node.now))
            return
        listeners = (
            [] if node.id in self.cut else [n for n in self.living if room in n.listens and n is not node]
        )
        listeners = [other for other in listeners if other.id not in self.cut]
        for other in listeners:
            self.put(node.id, other.id, msgspec.msgpack.encode(Who(room, request)), Who)
        node.perform(node.hub.room_asked(room, bool(listeners), node.now))

    def deliver_one(self, choose: Callable[[int], int] = lambda count: FIRST) -> bool:
        """The next word of one pair; False when nothing is on its way."""
        waiting = [pair for pair, words in self.lines.items() if words]
        if not waiting:
            return False
        sender, to = waiting[choose(len(waiting))]
        encoded, kind = self.lines[sender, to].popleft()
        if self.nodes[to].is_alive:
            self.nodes[to].hear(sender, msgspec.msgpack.decode(encoded, type=kind))
        return True

    def settle(self, choose: Callable[[int], int] = lambda count: FIRST) -> None:
        """Until nothing is on its way any more."""
        for _ in range(100_000):
            if not self.deliver_one(choose):
                return
        raise AssertionError("they talk for ever")

    def pass_time(self, seconds: float) -> None:
        """In small steps, so that answers arrive in between."""
        steps = max(1, round(seconds / 0.25))
        for _ in range(steps):
            for node in self.living:
                node.pass_time(seconds / steps)
                node.wake()
            self.settle()

    def kill(self, name: str) -> None:
        """The node is gone; the others find out."""
        dead = self.nodes[name]
        dead.is_alive = False
        for pair in [pair for pair in self.lines if name in pair]:
            del self.lines[pair]
        for node in self.living:
            node.perform(node.hub.node_died(dead.id, node.now))

    def separate(self, name: str) -> None:
        """The bus does not reach this node any more: it knows that it is alone, the others think it dead."""
        self.cut.add(NodeId(name))
        for pair in [pair for pair in self.lines if name in pair]:
            del self.lines[pair]
        lonely = self.nodes[name]
        lonely.perform(lonely.hub.bus_changed(False, lonely.now))
        for node in self.living:
            if node is not lonely:
                node.perform(node.hub.node_died(lonely.id, node.now))

    def reunite(self, name: str) -> None:
        self.cut.discard(NodeId(name))
        lonely = self.nodes[name]
        for node in self.living:
            if node is not lonely:
                node.perform(node.hub.check_node(lonely.id, True, node.now))
        lonely.perform(lonely.hub.bus_changed(True, lonely.now))

    def lose_bus(self) -> None:
        """It is gone for all of them, with all that was on its way."""
        self.cut.update(node.id for node in self.living)
        self.lines.clear()
        for node in self.living:
            node.perform(node.hub.bus_changed(False, node.now))

    def find_bus(self, name: str) -> None:
        """It is there again for this node, before any other has thought it dead."""
        self.cut.discard(NodeId(name))
        node = self.nodes[name]
        node.perform(node.hub.bus_changed(True, node.now))

    def move(self, client: Client, name: str, is_patient: bool = True, **changes: Any) -> bool:
        """A client comes to another node with its ticket, as the bus would have it; whether it is whole.

        ``is_patient``: until its session has come; otherwise that comes when it is not waited for any more.
        """
        node, resume = self.nodes[name], client.claim(**changes)
        hello = Hello(capabilities=client.capabilities, resume=resume)
        client.world = node
        client.line, client._read = Line(), 0
        claim = node.hub.claim_elsewhere(hello, node.unix_now)
        if claim is not None and self.nodes[claim.node].is_alive and claim.node not in self.cut:
            hello = self._fetch(node, claim, hello, resume, is_patient)
        client.session, effects = node.hub.open(client.line, hello, node.now, node.unix_now, client.grants)
        node.perform(effects)
        client.read()
        return client.welcome.resumed

    def _fetch(self, node: NodeWorld, claim: Any, hello: Hello, resume: Resume, is_patient: bool) -> Hello:
        told = self._question(node, claim, resume, take=False)
        names = [RoomName(each) for each in told.rooms or ()]
        for each in names:
            node.perform(node.hub.open_for_arrival(each, node.now))
        self.settle()
        if told.rooms is not None and is_patient:
            told = self._question(node, claim, resume, take=True)
        elif told.rooms is not None:
            node.impatient.add(self._ask_for(node, claim, resume, take=True))
        is_whole = False
        if told.passport is not None:
            is_whole, effects = node.hub.adopt(told.passport, claim, node_grants(hello), node.now)
            node.perform(effects)
        node.perform(node.hub.arrived(names))
        if told.is_spent:
            return msgspec.structs.replace(hello, resume=None)
        if not is_whole:
            return hello
        return msgspec.structs.replace(hello, resume=msgspec.structs.replace(resume, epoch=node.hub.epoch))

    def _question(self, node: NodeWorld, claim: Any, resume: Resume, take: bool) -> Fetched:
        request = self._ask_for(node, claim, resume, take)
        self.settle()
        return node.fetched[request]

    def _ask_for(self, node: NodeWorld, claim: Any, resume: Resume, take: bool) -> int:
        request = len(node.fetched) + len(node.impatient) + 1
        word = Fetch(request, claim.peer, claim.nonce, resume.epoch, resume.received, take)
        self.put(node.id, claim.node, msgspec.msgpack.encode(word), Fetch)
        return request


def node_grants(hello: Hello) -> Any:
    from signaling.grants import OPEN

    return OPEN


def believed(heard: list[Word]) -> dict[str, dict[str, tuple[str, bool]]]:
    """The rooms of a client as what it has heard makes them: name and away of everybody else there."""
    rooms: dict[str, dict[str, tuple[str, bool]]] = {}
    for event in heard:
        if isinstance(event, Joined):
            rooms[event.room] = {peer.id: (peer.name, peer.away) for peer in event.peers}
        elif isinstance(event, PeerJoined):
            assert event.peer.id not in rooms[event.room], f"{event.peer.id} has come twice"
            rooms[event.room][event.peer.id] = (event.peer.name, event.peer.away)
        elif isinstance(event, PeerUpdated):
            assert event.id in rooms[event.room], f"{event.id} changed, and is not there"
            rooms[event.room][event.id] = (event.name, event.away)
        elif isinstance(event, PeerLeft):
            del rooms[event.room][event.id]
    return rooms
