"""Sessions and the real hub in one small world: bytes of the real codec, and a clock turned by hand."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from peer.signaling_client.effects import (
    Connect,
    Disconnect,
    Effect,
    Ended,
    Heard,
    Renamed,
    Restored,
    Send,
    Tell,
    Told,
    Undelivered,
)
from peer.signaling_client.nearest import Addresses
from peer.signaling_client.session import Session, State
from signaling import effects as server_effects
from signaling.config import Config
from signaling.hub.hub import Hub
from signaling.hub.session import Session as ServerSession
from signaling.hub.tickets import Tickets
from signaling.protocol.codec import CLIENT_CODECS, SERVER_CODECS, Malformed
from signaling.protocol.errors import DRAINING
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    MSGPACK_SUBPROTOCOL,
    Ack,
    Bye,
    Hello,
    Join,
    PeerJoined,
    PeerLeft,
    Request,
    Signal,
    Word,
)
from signaling.protocol.parts import Capabilities

CODEC = CLIENT_CODECS[MSGPACK_SUBPROTOCOL]
SERVER_CODEC = SERVER_CODECS[MSGPACK_SUBPROTOCOL]
ROOM = "default/arena"
KEY = b"k" * 32


def payload(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(value))


class Line:
    """One link: what is under way in both directions. Cut it, and all of that is lost."""

    def __init__(self, client: Client, node: str) -> None:
        self.client = client
        self.node = node
        self.to_server: deque[bytes] = deque()
        self.to_client: deque[bytes | int] = deque()
        """Frames; a number is the close code, and the last."""
        self.session: ServerSession | None = None
        self.is_cut = False


class Client:
    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        addresses = Addresses(list(world.hubs))
        self.session = Session(Capabilities(), world.random.random, CODEC, addresses=addresses)
        self.line: Line | None = None
        self.told: list[Told] = []
        self.here: set[PeerId] = set()
        self.sent: dict[tuple[PeerId, PeerId], list[int]] = defaultdict(list)
        self.heard: dict[tuple[PeerId, PeerId], list[int]] = defaultdict(list)
        self.undelivered: set[int] = set()

    def perform(self, effects: Iterable[Effect]) -> None:
        waiting: list[Request] = []
        for effect in effects:
            match effect:
                case Connect(node):
                    self.line = Line(self, node)
                    self.world.dialling.append(self.line)
                case Send(message):
                    waiting.append(message)
                case Disconnect():
                    self._flush(waiting)
                    if self.line is not None:
                        self.world.hang_up(self.line)
                    self.line = None
                case Tell(event):
                    self._hear(event)
        self._flush(waiting)

    def enter(self) -> None:
        join = Join(self.session.next_request(), ROOM, self.name)
        self.perform([*self.session.join(join), *self.session.start(self.world.now)])

    def signal(self, to: PeerId) -> None:
        number = self.world.next_number()
        effects = self.session.signal(to, payload(number), self.world.now)
        self.sent[self.session.you, to].append(number)
        self.perform(effects)

    def told_of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def _flush(self, waiting: list[Request]) -> None:
        while waiting:
            if self.line is not None:
                self.line.to_server.append(CODEC.join([CODEC.encode(each) for each in waiting[:64]]))
            del waiting[:64]

    def _hear(self, event: Told) -> None:
        self.told.append(event)
        match event:
            case PeerJoined():
                assert event.peer.id not in self.here
                self.here.add(event.peer.id)
            case PeerLeft():
                self.here.remove(event.id)
            case Heard():
                number = CODEC.read_payload(event.payload)
                self.heard[event.sender, self.session.you].append(number)
            case Undelivered():
                self.undelivered.update(CODEC.read_payload(each) for each in event.payloads)
            case Renamed():
                assert isinstance(self.told[-2], Restored)
            case Ended():
                raise AssertionError(f"{self.name} was told to stay away: {event}")


class World:
    """Nodes that know nothing of each other but one key; mostly there is one."""

    def __init__(self, config: Config | None = None, seed: int = 1, nodes: Sequence[str] = ("",)) -> None:
        self.config = config or Config()
        self.random = random.Random(seed)
        self.now = 1000.0
        self.clients: list[Client] = []
        self.dialling: list[Line] = []
        self.lines: list[Line] = []
        self.loss = 0.0
        """The fraction of signals and acknowledgements that are lost on their way to another node."""
        self.down: set[str] = set()
        self.hubs: dict[str, Hub] = {}
        self._epochs = 0
        self._numbers = 0
        for node in nodes:
            self.restart(node)

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def client(self, name: str) -> Client:
        client = Client(self, name)
        self.clients.append(client)
        return client

    def restart(self, node: str = "") -> None:
        """A server is killed, and another one begins with the same key."""
        for line in list(self.lines):
            if line.node == node:
                self.cut(line)
        self._epochs += 1
        self.hubs[node] = Hub(self.config, Tickets(KEY), f"epoch {self._epochs}", self.random.randbytes)

    def drain(self, node: str) -> None:
        """It says goodbye to all."""
        for line in list(self.lines):
            if line.node == node and not line.is_cut:
                self._perform([server_effects.Close(line, DRAINING)])

    def cut(self, line: Line) -> None:
        """The network between the two breaks; both notice."""
        if line.is_cut:
            return
        line.is_cut = True
        line.to_server.clear()
        line.to_client.clear()
        if line in self.lines:
            self.lines.remove(line)
        self._server_lost(line)
        if line.client.line is line:
            line.client.line = None
            line.client.perform(line.client.session.link_lost(self.now, 1006))

    def hang_up(self, line: Line) -> None:
        """The client closes; what it has said still arrives."""
        while line.to_server and not line.is_cut:
            self.carry_to_server(line)
        line.is_cut = True
        if line in self.lines:
            self.lines.remove(line)
        self._server_lost(line)

    def connect(self, line: Line) -> None:
        self.dialling.remove(line)
        if line.client.line is not line:
            return
        if line.node in self.down:
            line.client.line = None
            line.client.perform(line.client.session.link_lost(self.now, 1006))
            return
        self.lines.append(line)
        line.client.perform(line.client.session.link_opened())

    def carry_to_server(self, line: Line) -> None:
        """One frame."""
        for message in SERVER_CODEC.decode(line.to_server.popleft()):
            assert not isinstance(message, Malformed)
            if isinstance(message, Signal | Ack) and self.random.random() < self.loss:
                message = Ack(PeerId("nobody"), 0)
            if line.session is not None:
                self._perform(self.hubs[line.node].receive(line.session, message, self.now))
            elif isinstance(message, Hello) and not line.is_cut:
                line.session, effects = self.hubs[line.node].open(line, message, self.now, self.now)
                self._perform(effects)

    def carry_to_client(self, line: Line) -> None:
        """One frame, or the close."""
        frame = line.to_client.popleft()
        client = line.client
        if client.line is not line:
            return
        if isinstance(frame, int):
            client.line = None
            client.perform(client.session.link_lost(self.now, frame))
            return
        for event in CODEC.decode(frame):
            client.perform(client.session.receive(event, self.now))

    def carry_everything(self) -> None:
        while True:
            for line in list(self.dialling):
                self.connect(line)
            busy = [line for line in self.lines if line.to_server or line.to_client]
            if not busy and not self.dialling:
                return
            for line in busy:
                if line.to_server:
                    self.carry_to_server(line)
                if line.to_client:
                    self.carry_to_client(line)

    def wait(self, seconds: float) -> None:
        """Turn the clock, stopping wherever somebody wants to be woken; nothing is carried."""
        until = self.now + seconds
        while self.now < until:
            self._turn(until)

    def live(self, seconds: float) -> None:
        """Turn the clock, and carry everything at once."""
        until = self.now + seconds
        self.carry_everything()
        while self.now < until:
            self._turn(until)
            self.carry_everything()

    def _turn(self, until: float) -> None:
        wishes = [client.session.wake_at for client in self.clients]
        wishes += [hub.wake_at for hub in self.hubs.values()]
        at = min((wish for wish in wishes if wish is not None), default=until)
        self.now = max(self.now, min(at, until))
        for client in self.clients:
            client.perform(client.session.wake(self.now))
        for hub in self.hubs.values():
            self._perform(hub.wake(self.now, self.now))

    def _server_lost(self, line: Line) -> None:
        session, line.session = line.session, None
        if session is not None:
            self._perform(self.hubs[line.node].link_lost(session, line, self.now))

    def _perform(self, effects: Iterable[server_effects.Effect]) -> None:
        for effect in effects:
            match effect:
                case server_effects.Deliver(link, message):
                    self._say(link, message)
                case server_effects.DeliverAll(links, message):
                    for link in links:
                        self._say(link, message)
                case server_effects.Replay(link, messages):
                    for message in messages:
                        self._say(link, message)
                case server_effects.Close(link, reason):
                    self._say(link, Bye(reason.code, reason.text, reason.come_back, reason.after))
                    link.session = None
                    link.to_client.append(reason.code)

    def _say(self, line: Line, message: Word) -> None:
        if not line.is_cut:
            line.to_client.append(SERVER_CODEC.encode(message))


def assert_promise_kept(clients: Iterable[Client]) -> None:
    """Every signal exactly once and in order for its pair, or its sender was told, or has left itself."""
    clients = list(clients)
    heard = {pair: numbers for client in clients for pair, numbers in client.heard.items()}
    for client in clients:
        for pair, sent in client.sent.items():
            arrived = heard.get(pair, [])
            assert arrived == sorted(set(arrived)), f"{pair}: {arrived} of {sent}"
            missing = set(sent) - set(arrived) - client.undelivered
            assert not missing or client.session.state is State.CLOSED, (
                f"{client.name} was not told of {missing}"
            )
            assert set(arrived) <= set(sent)
