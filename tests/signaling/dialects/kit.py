"""Foreign clients at a hub without sockets: what they say, and what they hear, as bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

from signaling.dialects.base import PING, PONG, Arrival, Dialect, Said
from signaling.grants import OPEN, Grants
from signaling.hub.session import Session
from signaling.protocol.codec import Malformed
from signaling.protocol.messages import Hello, Request
from tests.signaling.kit import Line, World

Make = Callable[[Arrival], Dialect]


class Doors:
    """A world to which foreign clients come."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.clients: list[ForeignClient] = []
        self._numbers = itertools.count(1)

    def come(
        self,
        make: Make,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        app: str = "default",
        grants: Grants = OPEN,
    ) -> ForeignClient:
        """A client whose link has just opened."""
        arrival = Arrival(app, path or {}, query or {}, f"random-{next(self._numbers)}")
        client = ForeignClient(self, make(arrival), grants)
        self.clients.append(client)
        client.begin()
        self.settle()
        return client

    def settle(self) -> None:
        """Let everybody hear what was said to them, until nobody has anything to say."""
        while any(client.hear() for client in list(self.clients)):
            pass

    def pass_time(self, seconds: float) -> None:
        """In small steps, so that nobody wakes up much too late."""
        for _ in range(round(seconds * 4)):
            self.world.pass_time(0.25)
            for client in list(self.clients):
                client.wake()
            self.settle()


class ForeignClient:
    """``heard``: the frames that it has been sent, and not yet taken."""

    def __init__(self, doors: Doors, dialect: Dialect, grants: Grants) -> None:
        self.dialect = dialect
        self.heard: list[str] = []
        self._doors = doors
        self._grants = grants
        self._line = Line()
        self._read = 0
        self.session: Session | None = None

    @property
    def has_ended(self) -> bool:
        return self._line.closed is not None

    def begin(self) -> None:
        said = self.dialect.begin(self._doors.world.now)
        self._take(said)

    def says(self, *frames: str | bytes) -> list[str]:
        """Returns what it has been sent until everybody is silent."""
        for frame in frames:
            if not self.has_ended:
                raw = frame.encode() if isinstance(frame, str) else frame
                self._take(self.dialect.heard(raw, self._doors.world.now))
            self._doors.settle()
        return self.taken()

    def taken(self) -> list[str]:
        """What it has heard since it was last asked."""
        heard, self.heard = self.heard, []
        return heard

    def leaves(self) -> None:
        """Its link ends."""
        self._doors.clients.remove(self)
        if self.session is not None and not self.has_ended:
            world = self._doors.world
            world.perform(world.hub.link_lost(self.session, self._line, world.now))
        self._doors.settle()

    def hear(self) -> bool:
        """Whether there was anything."""
        new = self._line.said[self._read :]
        self._read += len(new)
        for event in new:
            self._take(self.dialect.told(event, self._doors.world.now))
        return bool(new)

    def wake(self) -> None:
        if self.dialect.wake_at <= self._doors.world.now and not self.has_ended:
            self._take(self.dialect.wake(self._doors.world.now))

    def _take(self, said: Said) -> None:
        self.heard += [frame.decode() for frame in said.frames if frame != PING]
        for request in said.requests:
            self._request(request)
        if PING in said.frames:
            # As a WebSocket does by itself.
            self._take(self.dialect.heard(PONG, self._doors.world.now))

    def _request(self, request: Request | Malformed) -> None:
        world = self._doors.world
        if isinstance(request, Hello):
            self.session, effects = world.hub.open(
                self._line, request, world.now, world.unix_now, self._grants
            )
            world.perform(effects)
        elif self.session is not None and not self.has_ended:
            world.perform(world.hub.receive(self.session, request, world.now))
