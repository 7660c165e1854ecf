"""A hub with a clock that tests turn, and clients that note what they are told."""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

import msgspec

from signaling.config import Config
from signaling.effects import Close, Deliver, DeliverAll, Effect, Replay, Slow
from signaling.grants import OPEN, Grants
from signaling.hub.hub import Hub
from signaling.hub.session import Session
from signaling.hub.tickets import Tickets
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import CloseReason
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    NUMBERED_EVENTS,
    Hello,
    Join,
    Joined,
    Request,
    Signal,
    Ticket,
    Welcome,
    Word,
)
from signaling.protocol.parts import Capabilities, Resume

KEY = b"k" * 32
WordT = TypeVar("WordT", bound=Word)


class Line:
    """A link as the hub sees it: something to hand back. Notes what is said on it."""

    def __init__(self) -> None:
        self.said: list[Word] = []
        self.closed: CloseReason | None = None
        self.pause = 0.0
        """Seconds after the last message until the server reads the next; nobody in here waits for it."""


class World:
    """One hub, and everything that its effects ask for, done in order."""

    def __init__(self, config: Config | None = None, epoch: str = "first", seed: int = 0) -> None:
        counter = itertools.count(seed * 1_000_000 + 1)
        self.config = config or Config()
        self.now = 1_000.0
        self.unix_now = 1_700_000_000.0
        self.hub = Hub(
            self.config,
            Tickets(KEY),
            epoch,
            lambda count: next(counter).to_bytes(8, "big").rjust(count, b"\0"),
        )

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Deliver(line, message):
                    _say(line, message)
                case DeliverAll(lines, message):
                    for line in lines:
                        _say(line, message)
                case Replay(line, messages):
                    for message in messages:
                        _say(line, message)
                case Close(line, reason):
                    line.closed = reason
                case Slow(line, wait):
                    line.pause = wait

    def pass_time(self, seconds: float) -> None:
        """Let the clocks run, waking the hub whenever it asks for it."""
        end = self.now + seconds
        while self.hub.wake_at is not None and self.hub.wake_at <= end:
            step = max(0.0, self.hub.wake_at - self.now)
            self.now += step
            self.unix_now += step
            self.perform(self.hub.wake(self.now, self.unix_now))
        self.unix_now += end - self.now
        self.now = end

    def rooms_of(self, client: Client) -> set[str]:
        return {room.name for room in client.session.rooms} if client.session is not None else set()


def _say(line: Any, message: Word) -> None:
    assert line.closed is None, f"{message} was said after the goodbye"
    line.said.append(message)


class Client:
    """A well-behaved client: it knows its ticket, and counts what it hears."""

    def __init__(self, world: World, capabilities: Capabilities | None = None, grants: Grants = OPEN) -> None:
        self.world = world
        self.grants = grants
        """What its token comes to, with each hello."""
        self.capabilities = capabilities or Capabilities()
        self.line = Line()
        self.session: Session | None = None
        self.heard: list[Word] = []
        """All numbered events of the session, over all its lines."""
        self.welcome: Welcome
        self._read = 0

    @property
    def id(self) -> PeerId:
        return self.welcome.you

    def connect(self, resume: Resume | None = None) -> Client:
        """Open a line and say hello; the welcome, if any, is in ``welcome``."""
        self.line = Line()
        self._read = 0
        hello = Hello(capabilities=self.capabilities, resume=resume)
        world = self.world
        self.session, effects = world.hub.open(self.line, hello, world.now, world.unix_now, self.grants)
        self.world.perform(effects)
        self.read()
        return self

    def claim(self, **changes: Any) -> Resume:
        """An honest claim to this session, or with something changed."""
        claim = Resume(self.welcome.ticket, self.welcome.epoch, len(self.heard))
        return msgspec.structs.replace(claim, **changes)

    def say(self, message: Request | Malformed) -> list[Word]:
        """Say something; returns what is heard in answer."""
        assert self.session is not None
        self.world.perform(self.world.hub.receive(self.session, message, self.world.now))
        return self.read()

    def join(self, room: str, **fields: Any) -> list[Word]:
        return self.say(Join(1, room, **fields))

    def signal(self, to: Client, n: int = 1, payload: object = None) -> list[Word]:
        return self.say(Signal(to.id, n, msgspec.Raw(msgspec.json.encode(payload))))

    def lose_link(self) -> None:
        """The line breaks; what was on it and has not been read is gone."""
        assert self.session is not None
        self.world.perform(self.world.hub.link_lost(self.session, self.line, self.world.now))
        self._read = len(self.line.said)

    def read(self) -> list[Word]:
        """What has come since the last look."""
        new = self.line.said[self._read :]
        self._read = len(self.line.said)
        for message in new:
            if isinstance(message, Welcome):
                self.welcome = message
                if not message.resumed:
                    self.heard = []
            elif isinstance(message, Ticket):
                self.welcome = msgspec.structs.replace(self.welcome, ticket=message.ticket)
            if isinstance(message, NUMBERED_EVENTS):
                self.heard.append(message)
        return new

    def read_one(self, kind: type[WordT]) -> WordT:
        """The only message of this kind that has come since the last look."""
        return only(self.read(), kind)


def only(messages: list[Word], kind: type[WordT]) -> WordT:
    """The one message of this kind."""
    found = [message for message in messages if isinstance(message, kind)]
    assert len(found) == 1, f"expected one {kind.__name__} in {messages}"
    return found[0]


def in_room(world: World, *names: str, room: str = "garden") -> list[Client]:
    """Clients that are in a room together and have read everything so far."""
    clients = []
    for name in names:
        client = Client(world).connect()
        assert only(client.join(room, name=name), Joined)
        clients.append(client)
    for client in clients:
        client.read()
    return clients
