"""Many clients of the real kind, without the calls: who is told what, counted one by one.

They are the product's own signaling client, so it is its rules that number, acknowledge, resume and go from
node to node. What each application has heard is compared with what was said, and whom it sees with who is
there.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from peer.errors import Full
from peer.signaling_client.address import signaling_url
from peer.signaling_client.effects import Ended, Heard, Interrupted, Renamed, Restored, Told, Undelivered
from peer.signaling_client.nearest import Addresses
from peer.signaling_client.session import State
from peer.signaling_client.websocket import SignalingClient
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import IceServers, Join, Joined, PeerJoined, PeerLeft, PeerUpdated
from signaling.protocol.parts import Capabilities, IceServer

ROOM_SIZE = 4
JOINS_AT_ONCE = 50
"""Opened at the same time at the beginning, which is no storm."""


class Said(msgspec.Struct, array_like=True):
    """What a signal carries: who of the crowd says it to whom, the how many-th of this pair, when."""

    speaker: int
    listener: int
    n: int
    at: float


class Back(msgspec.Struct, frozen=True):
    """A client is back at a node."""

    at: float
    away: float
    """Seconds since it was interrupted."""
    resumed: bool


class Member:
    """One client in one room; ``urls`` begin with the node that it goes to first."""

    def __init__(self, crowd: Crowd, index: int, room: str, urls: Sequence[str]) -> None:
        self.index = index
        self.room = room
        self.roster: dict[PeerId, bool] = {}
        """Whom it believes to be in the room, and whether as away."""
        self.joined = asyncio.Event()
        self.has_departed = False
        self.renewed_servers: list[IceServer] = []
        """What the server has told besides the welcome, last."""
        self.ended = ""
        """Why there is no way back, once there is none."""
        self._crowd = crowd
        self._lost_at: float | None = None
        dialled = Addresses([signaling_url(url) for url in urls])
        self.client = SignalingClient(dialled, capabilities=Capabilities(), tell=self._told)

    @property
    def id(self) -> PeerId:
        return self.client.session.you

    async def depart(self) -> None:
        """Leave for good, with a bye, which a node that is dead does not hear."""
        self.has_departed = True
        await self.client.close()

    @property
    def is_open(self) -> bool:
        return self.client.session.state is State.OPEN

    async def enter(self) -> None:
        self.client.start()
        session = self.client.session
        self.client.perform(session.join(Join(session.next_request(), self.room, str(self.index))))
        await self.joined.wait()

    def say(self, listener: Member, said: Said) -> bool:
        """False when it was told at once that too much waits already."""
        payload = msgspec.Raw(msgspec.msgpack.encode(said))
        try:
            self.client.perform(self.client.session.signal(listener.id, payload, self.client.now))
        except Full:
            return False
        return True

    def _told(self, event: Told) -> None:
        match event:
            case Heard(sender=sender, payload=payload):
                said = msgspec.msgpack.decode(payload, type=Said)
                self._crowd.heard(said, self.index, sender)
            case Undelivered(payloads=payloads):
                self._crowd.told_undelivered([msgspec.msgpack.decode(each, type=Said) for each in payloads])
            case PeerJoined(peer=peer) if event.room == self.room:
                self.roster[peer.id] = peer.away
            case PeerUpdated(id=id, away=away) if event.room == self.room:
                self.roster[id] = away
            case PeerLeft(id=id) if event.room == self.room:
                self.roster.pop(id, None)
            case Joined():
                self.joined.set()
            case IceServers(ice_servers=servers):
                self.renewed_servers = servers
            case Interrupted():
                self._lost_at = self._lost_at or time.monotonic()
            case Restored(resumed=resumed):
                self._restored(resumed)
            case Renamed():
                self._crowd.renamed += 1
            case Ended(reason=reason):
                self.ended = reason
            case _:
                pass

    def _restored(self, resumed: bool) -> None:
        now = time.monotonic()
        if self._lost_at is not None:
            self._crowd.backs.append(Back(now, now - self._lost_at, resumed))
        self._lost_at = None


class Counts(msgspec.Struct, frozen=True):
    """Of all signals since the beginning."""

    said: int
    heard: int
    undelivered: int
    """Said to or by somebody who has left; their senders were told, if they were still there."""
    given_up: int
    """The same of somebody who is still there."""
    lost: int
    """Neither heard nor told."""
    doubled: int
    reordered: int
    astray: int
    """Heard by somebody else than they were said to, or as if said by somebody else."""


class Presence(msgspec.Struct, frozen=True):
    """What all clients together believe wrongly just now."""

    ghosts: int
    """Seen in a room by somebody, and not there."""
    missing: int
    """There, and not seen by somebody."""
    away: int
    """There with an open link, and seen as away by somebody."""

    @property
    def is_right(self) -> bool:
        return self == Presence(0, 0, 0)


class Crowd:
    """All clients: member ``i`` is in room ``i // 4``.

    ``homes[i]`` are the nodes of member ``i``, the first one first.
    """

    def __init__(self, homes: Sequence[Sequence[str]], seed: int = 1) -> None:
        self.backs: list[Back] = []
        self.renamed = 0
        self.delays: list[tuple[float, float, int]] = []
        """When a signal was said, how long it took, and in which room."""
        self._random = random.Random(seed)
        self._numbers: Counter[tuple[int, int]] = Counter()
        self._heard: dict[tuple[int, int], set[int]] = {}
        self._latest: Counter[tuple[int, int]] = Counter()
        self._undelivered: dict[tuple[int, int], set[int]] = {}
        self._doubled = 0
        self._reordered = 0
        self._astray = 0
        self.members = [
            Member(self, index, f"default/room-{index // ROOM_SIZE}", urls)
            for index, urls in enumerate(homes)
        ]

    async def enter(self) -> None:
        """Until all are in their rooms."""
        slots = asyncio.Semaphore(JOINS_AT_ONCE)

        async def enter(member: Member) -> None:
            async with slots:
                await member.enter()

        async with asyncio.TaskGroup() as tasks:
            for member in self.members:
                tasks.create_task(enter(member))

    async def leave(self) -> None:
        await asyncio.gather(*(each.client.close() for each in self.members if not each.has_departed))

    async def talk(self, rate: float) -> None:
        """So many signals a second over random pairs, until cancelled, however long each takes."""
        due = time.monotonic()
        while True:
            due += 1.0 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._say_one()

    def _say_one(self) -> None:
        first = self._random.randrange(len(self.members) // ROOM_SIZE) * ROOM_SIZE
        room = [index for index in range(first, first + ROOM_SIZE) if not self.members[index].has_departed]
        if len(room) < 2:
            return
        speaker, listener = self._random.sample(room, 2)
        pair = (speaker, listener)
        said = Said(speaker, listener, self._numbers[pair] + 1, time.monotonic())
        if self.members[speaker].say(self.members[listener], said):
            self._numbers[pair] += 1

    def heard(self, said: Said, listener: int, sender: PeerId) -> None:
        if (said.listener, self.members[said.speaker].id) != (listener, sender):
            self._astray += 1
            return
        pair = (said.speaker, said.listener)
        heard = self._heard.setdefault(pair, set())
        if said.n in heard:
            self._doubled += 1
            return
        heard.add(said.n)
        self._reordered += said.n < self._latest[pair]
        self._latest[pair] = max(self._latest[pair], said.n)
        self.delays.append((said.at, time.monotonic() - said.at, said.speaker // ROOM_SIZE))

    def told_undelivered(self, signals: Sequence[Said]) -> None:
        for said in signals:
            self._undelivered.setdefault((said.speaker, said.listener), set()).add(said.n)

    def counts(self) -> Counts:
        said = heard = undelivered = given_up = lost = 0
        for (speaker, listener), count in self._numbers.items():
            arrived = self._heard.get((speaker, listener), set())
            told = self._undelivered.get((speaker, listener), set()) - arrived
            said += count
            heard += len(arrived)
            missing = count - len(arrived) - len(told)
            if self.members[speaker].has_departed:
                # Nobody is there any more who could be told.
                undelivered += len(told) + missing
            else:
                lost += missing
                if self.members[listener].has_departed:
                    undelivered += len(told)
                else:
                    given_up += len(told)
        return Counts(said, heard, undelivered, given_up, lost, self._doubled, self._reordered, self._astray)

    def presence(self) -> Presence:
        ghosts = missing = away = 0
        for first in range(0, len(self.members), ROOM_SIZE):
            room = [each for each in self.members[first : first + ROOM_SIZE] if not each.has_departed]
            for member in room:
                there = {other.id: other.is_open for other in room if other is not member}
                ghosts += sum(id not in there for id in member.roster)
                missing += sum(id not in member.roster for id in there)
                away += sum(member.roster.get(id, False) for id, is_open in there.items() if is_open)
        return Presence(ghosts, missing, away)

    def delay(self, share: float, since: float, until: float, rooms: Collection[int]) -> float:
        """Of the signals that were said in this time in these rooms: what so many of them were below."""
        found = sorted(delay for at, delay, room in self.delays if since <= at <= until and room in rooms)
        return found[min(len(found) - 1, int(len(found) * share))] if found else 0.0

    async def settled(self, within: float) -> None:
        """Wait until all that was said has arrived or was told, and everybody sees who is there."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if self.counts().lost == 0 and self.presence().is_right:
                return
            await asyncio.sleep(0.1)
