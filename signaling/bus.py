"""This node among the others: its beats, what it hears of them, and what the rules tell them.

What is said to one node in one turn of the loop goes out as one frame. Nothing here waits for another
node but :meth:`Bus.fetch`, on behalf of a client that comes from there.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any, Literal, Protocol

from signaling.backplane.base import Backplane, BusAway
from signaling.cluster.codec import NodeCodec
from signaling.cluster.nodes import BEAT_INTERVAL, Neighbour, Nodes
from signaling.cluster.subjects import Subjects
from signaling.cluster.words import (
    ALONE,
    MAX_FRAME_BYTES,
    Beat,
    Farewell,
    Fetch,
    Fetched,
    ForLink,
    FromLink,
    NodeId,
    NodeWord,
    Passport,
    Who,
)
from signaling.config import Cluster
from signaling.effects import ClusterEffect, Effect, Listen, Opened, Tell, Unlisten
from signaling.grants import Grants
from signaling.hub.tickets import Claim
from signaling.metrics import BusCounts, BusState
from signaling.protocol.ids import RoomName, room_name
from signaling.protocol.parts import Resume

log = logging.getLogger("signaling.bus")

FRAME_BYTES = MAX_FRAME_BYTES // 8
"""About so much goes into one frame; a single word may be longer."""
FETCH_TIMEOUT = 2.0
"""A session that does not come by then starts afresh: its client waits for the welcome."""
LINK_TIMEOUT = 5.0
"""For what is passed on to the node of a link."""
POLL_TIMEOUT = 25.0
"""Longer than such a node waits for something to say."""
MAX_ASKED_LINKS = 8_192
"""Requests that wait for other nodes."""
MAX_FETCHED_ROOMS = 1_000
Outcome = Literal["whole", "fresh", "spent"]
"""``spent``: somebody else goes on with that session, so whoever shows the ticket is given nothing of it."""
MAX_ASKING = 64
"""So many rooms are asked for at the same time; the others wait for their turn."""
MAX_LATE = 1.0
"""Seconds of our own standstill in which not hearing others says nothing about them."""


class ClusterHub(Protocol):
    """What a bus wants of a hub: each returns what is to be done."""

    def heard_node(self, sender: NodeId, word: NodeWord, now: float) -> list[Effect]: ...
    def bus_changed(self, is_there: bool, now: float) -> list[Effect]: ...
    def node_died(self, node: NodeId, now: float) -> list[Effect]: ...
    def check_node(self, node: NodeId, everything: bool, now: float) -> list[Effect]: ...
    def room_asked(self, name: RoomName, anybody: bool | None, now: float) -> list[Effect]: ...
    def open_for_arrival(self, name: RoomName, now: float) -> list[Effect]: ...
    def adopt(
        self, passport: Passport, claim: Claim, grants: Grants, now: float
    ) -> tuple[bool, list[Effect]]: ...
    def came_too_late(self, passport: Passport) -> list[Effect]: ...
    def arrived(self, names: list[RoomName]) -> list[Effect]: ...


class Bus:
    """``perform`` does what the hub asks for; ``beat`` tells how this node is; ``changed`` is told when the
    nodes that live, or what they say of themselves, has changed."""

    def __init__(
        self,
        config: Cluster,
        node: NodeId,
        backplane: Backplane,
        hub: ClusterHub,
        *,
        perform: Callable[[list[Effect]], None],
        beat: Callable[[], Beat],
        changed: Callable[[], None],
        now: Callable[[], float],
        counts: BusCounts | None = None,
    ) -> None:
        self.node = node
        self.backplane = backplane
        self.nodes = Nodes(node, config.dead_after)
        self.is_there = False
        """Whether the bus is usable now."""
        self.counts = counts or BusCounts()
        self._hub = hub
        self._perform = perform
        self._beat = beat
        self._changed = changed
        self._now = now
        self._codec = NodeCodec(config.key)
        self._subjects = Subjects(config.prefix)
        self._waiting: dict[NodeId, list[bytes]] = {}
        """Words that go out at the end of this turn of the loop."""
        self._beats = 0
        self._beat_at = 0.0
        self._looked_at = now()
        self._there_since = 0.0
        self._requests = itertools.count(1)
        self._fetching: dict[int, asyncio.Future[Fetched]] = {}
        self._asked_links: dict[int, tuple[NodeId, asyncio.Future[FromLink]]] = {}
        self.link_asked: Callable[[NodeId, ForLink], None] = lambda sender, word: None
        """What takes requests of clients whose link is here, and who have come to another node."""
        self._opening: dict[RoomName, list[asyncio.Future[None]]] = {}
        self._asking = asyncio.Semaphore(MAX_ASKING)
        self._tasks: asyncio.TaskGroup | None = None
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Call it on the running loop."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Say farewell, and leave the bus."""
        self._publish(self._subjects.everyone, ALONE, 0, [self._codec.encode(Farewell())])
        await asyncio.sleep(0.05)  # for the socket: whoever does not hear it finds out by itself
        self.is_there = False
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        inbox = self._subjects.inbox(self.node)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(
                self.backplane.run((inbox, self._subjects.everyone), self._heard, self._bus_changed)
            )

    # What the rules ask for

    def perform(self, effect: ClusterEffect) -> None:
        """Never waits."""
        if isinstance(effect, Tell):
            encoded = self._codec.encode(effect.word)
            self.counts.handovers["given"] += (
                isinstance(effect.word, Fetched) and effect.word.passport is not None
            )
            for node in effect.nodes:
                self._put(node, encoded)
        elif isinstance(effect, Listen):
            if self._tasks is not None:
                self._tasks.create_task(self._ask(effect.room, effect.request))
        elif isinstance(effect, Opened):
            for future in self._opening.pop(effect.room, ()):
                if not future.done():
                    future.set_result(None)
        else:
            assert isinstance(effect, Unlisten)
            self.backplane.close(self._subjects.room(effect.room))

    def state(self) -> BusState:
        """For whoever asks how the bus is."""
        figures = self.backplane.figures
        living = len(self.nodes.living)
        return BusState(
            self.is_there, living, figures.missed, figures.dropped, figures.late, figures.reconnects
        )

    def look(self) -> None:
        """Call it often: beats, and who is not heard of any more."""
        now = self._now()
        late, self._looked_at = now - self._looked_at, now
        # While we hear nobody at all, that says nothing about them.
        for node in self.nodes.wake(now, late if late >= MAX_LATE else 0.0) if self.is_there else ():
            self._died(node, now)
        if now >= self._beat_at:
            self._beat_at = now + BEAT_INTERVAL
            self.say_beat()

    def say_beat(self) -> None:
        """Tell the others how this node is."""
        self._flush()
        self._beats += 1
        beat = self._beat()
        beat.sent = self.nodes.sent()
        self._publish(self._subjects.everyone, ALONE, self._beats, [self._codec.encode(beat)])

    async def fetch(self, claim: Claim, resume: Resume, grants: Grants) -> Outcome:
        """Have the session of a ticket that another node has written: whole, or not at all."""
        if not self.is_there or not self.nodes.live(claim.node):
            return "fresh"
        names: list[RoomName] = []
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                told = await self._question(claim, resume, take=False)
                if told.rooms is not None:
                    await self._open(told.rooms, names)
                    told = await self._question(claim, resume, take=True)
                if told.passport is None:
                    return "spent" if told.is_spent else "fresh"
                return "whole" if self._adopt(told.passport, claim, grants) else "fresh"
        except TimeoutError:
            return "fresh"
        except _Unreachable:
            self._lost(claim.node)
            return "fresh"
        finally:
            self._perform(self._hub.arrived(names))

    async def ask_link(self, node: NodeId, word: ForLink) -> FromLink:
        """Pass on what a client has said or asks for to the node that has its link."""
        if self.is_there and not self.nodes.live(node):
            return FromLink(word.request, 410)
        if not self.is_there or len(self._asked_links) >= MAX_ASKED_LINKS:
            return FromLink(word.request, 503)
        if len(word.frame) > MAX_FRAME_BYTES // 2:
            return FromLink(word.request, 413)
        word.request = next(self._requests)
        future: asyncio.Future[FromLink] = asyncio.get_running_loop().create_future()
        self._asked_links[word.request] = node, future
        self._put(node, self._codec.encode(word))
        try:
            async with asyncio.timeout(POLL_TIMEOUT if word.is_poll else LINK_TIMEOUT):
                return await future
        except TimeoutError:
            return FromLink(word.request, 503)
        finally:
            self._asked_links.pop(word.request, None)

    def _adopt(self, passport: Passport, claim: Claim, grants: Grants) -> bool:
        is_whole, effects = self._hub.adopt(passport, claim, grants, self._now())
        self._perform(effects)
        return is_whole

    async def _open(self, rooms: list[str], opened: list[RoomName]) -> None:
        loop = asyncio.get_running_loop()
        waiting = []
        for text in rooms[:MAX_FETCHED_ROOMS]:
            name = room_name(text)
            if name is not None:
                opened.append(name)
                future = loop.create_future()
                self._opening.setdefault(name, []).append(future)
                waiting.append(future)
                self._perform(self._hub.open_for_arrival(name, self._now()))
        await asyncio.gather(*waiting)

    # Inside

    def _lost(self, node: NodeId) -> None:
        """Nobody has heard what was said to it."""
        if self.nodes.unreachable(node):
            self._died(node, self._now())

    def _died(self, node: NodeId, now: float) -> None:
        log.warning("! node %s is not heard of any more", node)
        self.counts.deaths += 1
        self._links_gone(node)
        self._perform(self._hub.node_died(node, now))
        self._changed()

    def _links_gone(self, node: NodeId) -> None:
        for request, (asked, future) in self._asked_links.items():
            if asked == node and not future.done():
                future.set_result(FromLink(request, 410))

    def _put(self, node: NodeId, encoded: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        words = self._waiting.setdefault(node, [])
        words.append(encoded)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for node, words in waiting.items():
            inbox = self._subjects.inbox(node)
            for batch in _batches(words):
                n = self.nodes.next_frame(node)
                if n:
                    self._publish(inbox, node, n, batch)

    def _publish(
        self,
        subject: str,
        to: NodeId,
        n: int,
        words: list[bytes],
        reached: asyncio.Future[bool] | None = None,
    ) -> None:
        frame = self._codec.frame(self.node, to, n, words)
        if len(frame) > MAX_FRAME_BYTES:
            log.warning("! a word of %d bytes is longer than a bus takes", len(frame))
            return
        if self.is_there:
            self.counts.frames_out += 1
            self.counts.bytes_out += len(frame)
        self.backplane.publish(subject, frame, reached)

    async def _ask(self, name: RoomName, request: int) -> None:
        question = self._codec.frame(self.node, ALONE, 0, [self._codec.encode(Who(name, request))])
        async with self._asking:
            try:
                anybody: bool | None = await self.backplane.open(self._subjects.room(name), question)
            except BusAway:
                anybody = None
        self._perform(self._hub.room_asked(name, anybody, self._now()))

    def _bus_changed(self, is_there: bool) -> None:
        if is_there == self.is_there:
            return
        self.is_there = is_there
        if is_there:
            log.info("= the bus is there")
            self._there_since = self._now()
            self.nodes.forgive(self._there_since)
            self.say_beat()
        else:
            self.counts.outages += 1
            log.warning("! the bus is away: this node goes on alone")
        self._perform(self._hub.bus_changed(is_there, self._now()))
        self._changed()

    def _heard(self, subject: str, body: bytes) -> None:
        self.counts.frames_in += 1
        self.counts.bytes_in += len(body)
        frame = self._codec.decode(body)
        if frame is None or frame.to not in (ALONE, self.node):
            self.counts.refused += 1
            return
        sender, now = frame.sender, self._now()
        if frame.to == ALONE and frame.n:
            for word in frame.words:
                if isinstance(word, Beat):
                    self._heard_beat(sender, frame.n, word, now)
            return
        is_next, news = self.nodes.heard_frame(sender, frame.n, now)
        self._consider(sender, news, now)
        for word in frame.words if is_next else ():
            self._heard_word(sender, word, now)

    def _heard_beat(self, sender: NodeId, n: int, beat: Beat, now: float) -> None:
        before = self.nodes.by_id.get(sender)
        said_before = None if before is None else _place(before)
        self._consider(sender, self.nodes.heard_beat(sender, n, beat, now), now)
        after = self.nodes.by_id.get(sender)
        if after is not None and _place(after) != said_before:
            self._changed()

    def _heard_word(self, sender: NodeId, word: Any, now: float) -> None:
        if isinstance(word, Fetched):
            future = self._fetching.pop(word.request, None)
            if future is not None and not future.done():
                future.set_result(word)
            elif word.passport is not None:
                self._perform(self._hub.came_too_late(word.passport))
        elif isinstance(word, ForLink):
            self.link_asked(sender, word)
        elif isinstance(word, FromLink):
            asked, waiting = self._asked_links.get(word.request, (sender, None))
            if waiting is not None and asked == sender and not waiting.done():
                waiting.set_result(word)
        elif isinstance(word, Farewell):
            self._links_gone(sender)
            if self.nodes.farewell(sender):
                self._perform(self._hub.node_died(sender, now))
                self._changed()
        else:
            self._perform(self._hub.heard_node(sender, word, now))

    def _consider(self, sender: NodeId, news: list[Any], now: float) -> None:
        if not news:
            return
        if "new" in news and self.is_there:
            # So that it need not wait for our next beat.
            self.say_beat()
        if "gap" in news:
            self.counts.gaps += 1
            log.warning("! something that node %s said did not arrive", sender)
        if "gap" in news or "back" in news:
            self._perform(self._hub.check_node(sender, "back" in news, now))

    async def _question(self, claim: Claim, resume: Resume, take: bool) -> Fetched:
        request = next(self._requests)
        future: asyncio.Future[Fetched] = asyncio.get_running_loop().create_future()
        self._fetching[request] = future
        word = Fetch(request, claim.peer, claim.nonce, resume.epoch, resume.received, take)
        self._flush()
        n = self.nodes.next_frame(claim.node)
        reached: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def has_reached(told: asyncio.Future[bool]) -> None:
            # One that has not been heard since the bus is back has yet to notice that, as we have.
            is_over = not told.result() and self.nodes.heard_since(claim.node, self._there_since)
            if is_over and not future.done():
                future.set_exception(_Unreachable)

        reached.add_done_callback(has_reached)
        if n:
            inbox = self._subjects.inbox(claim.node)
            self._publish(inbox, claim.node, n, [self._codec.encode(word)], reached)
        else:
            reached.set_result(False)
        try:
            return await future
        finally:
            self._fetching.pop(request, None)


class _Unreachable(Exception):  # noqa: N818  # named for what has happened
    """Nobody listens to what is said to this node."""


def _place(node: Neighbour) -> tuple[str, str, float, bool]:
    beat = node.beat
    return beat.url, beat.region, beat.weight, beat.is_draining


def _batches(words: list[bytes]) -> list[list[bytes]]:
    batches: list[list[bytes]] = [[]]
    size = 0
    for word in words:
        if batches[-1] and size + len(word) > FRAME_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(word)
        size += len(word)
    return batches
