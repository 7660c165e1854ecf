"""Two ends meet in a room, connect, and find out together how good the path between them is.

The room decides who meets whom: whoever comes in alone waits for the next tester, whoever finds one there
takes that one, and whoever finds two is told that the test is taken.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from peer.channels.channel import Channel
from peer.channels.kinds import BULK, RELIABLE, UNRELIABLE
from peer.engine.ice.policy import IcePolicy
from peer.errors import Diagnosis, Lost, PeerlaneError, Refused
from peer.events import PeerInterrupted, PeerLeft, ServerTroubled
from peer.facts import Trouble
from peer.nat.pair.measures import PING, Arrivals, Rate, RoundTrips, pong, read
from peer.nat.pair.meeting import (
    MAX_SECONDS,
    METADATA,
    VERSION,
    Counted,
    Farewell,
    Hello,
    Meeting,
    Path,
    Traffic,
    Weighed,
    Word,
    is_of_our_version,
    is_tester,
    read_word,
    write_word,
)
from peer.room import JoinOptions, RemotePeer, Room, join
from peer.stats import PairReport

SERVER_TIMEOUT = 5.0
CONNECT_TIMEOUT = 25.0
"""Ways that work are found in a few seconds; after a failure everything is tried anew."""
HOPELESS = frozenset({"relay-only-without-turn", "protocol-violation"})
"""Diagnoses that time does not change."""
STEP_TIMEOUT = 10.0
"""For what the other end is to say, beside the time that a step takes."""
FAREWELL_TIMEOUT = 1.0
LOOK_EVERY = 0.1
PACKETS_PER_SECOND = 100
DATAGRAMS_LAST = 1.5
"""Times ``seconds``: few are lost, so there must be some."""
SETTLE = 0.5
"""Until what is under way has come."""
MESSAGE_BYTES = 16_384
LEAST_SECONDS = 0.1
MAX_TROUBLES = 20
PREFIX = "peerlane-nat-pair"
END = "end"
"""Behind the last of the bulk."""

Tell = Callable[[str, float], None]
"""What is being done, and which fraction of the whole is done."""


class PairOptions(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    token: str = ""
    verify: bool = True
    relay_only: bool = False
    seconds: float = 2.0
    """How long to send for, each way."""
    timeout: float = 300.0
    """How long to wait for the other end."""


async def run(
    url: str, room: str, options: PairOptions, *, waiting: Callable[[], None], tell: Tell
) -> Meeting:
    """The whole test; ``waiting`` is called when nobody is there yet.

    Raises AddressError for a ``url`` that cannot be a server's; all else is in what it returns.
    """
    joining = JoinOptions(
        token=options.token,
        verify=options.verify,
        policy=IcePolicy(relay_only=options.relay_only),
        timeout=SERVER_TIMEOUT,
    )
    tell("entering the room", 0.0)
    try:
        async with join(url, room, name=options.name, metadata=dict(METADATA), options=joining) as joined:
            return await _meet(joined, options, waiting, tell)
    except Refused as error:
        return Meeting(room=room, problem="refused", diagnosis=_told(error))
    except Lost as error:
        return Meeting(room=room, problem="no-server", diagnosis=_told(error))


def _told(error: PeerlaneError) -> Diagnosis:
    if isinstance(error, Refused):
        return Diagnosis(error.code, error.text, error.hint)
    return error.diagnosis or Diagnosis("no-server", error.text, error.hint)


async def _meet(room: Room, options: PairOptions, waiting: Callable[[], None], tell: Tell) -> Meeting:
    testers = [peer for peer in room.roster if is_tester(peer.metadata) and not peer.away]
    if len(testers) > 1:
        return Meeting(room=room.name, problem="taken")
    if not testers:
        waiting()
    try:
        async with asyncio.timeout(options.timeout):
            async for peer in room.peers():
                if is_tester(peer.metadata) and not peer.away:
                    break
    except TimeoutError:
        return Meeting(room=room.name, problem="nobody")
    if not is_of_our_version(peer.metadata):
        return Meeting(room=room.name, partner=peer.name, problem="other-version")
    end = End(room, peer, options, tell)
    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(end.run()), tasks.create_task(end.watch())]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
    return end.meeting()


class End:
    """One end of the test, with its partner."""

    def __init__(self, room: Room, peer: RemotePeer, options: PairOptions, tell: Tell) -> None:
        self._room = room
        self._peer = peer
        self._options = options
        self._tell = tell
        self._began = _now()
        self._pairs: list[PairReport] = []
        self._troubles: list[Trouble] = []
        self._found: dict[str, Any] = {}
        """Fields of the meeting."""
        self._interruptions = 0

    def meeting(self) -> Meeting:
        """All that is known until now."""
        return Meeting(
            room=self._room.name,
            partner=self._peer.name,
            is_relay_only=self._options.relay_only,
            pairs=self._pairs,
            interruptions=self._interruptions,
            troubles=self._troubles,
            **self._found,
        )

    async def watch(self) -> None:
        """Note what goes wrong meanwhile; until the other end has left."""
        async for event in self._room.events():
            match event:
                case PeerLeft(peer) if peer is self._peer:
                    # What it said before that may still be on its way.
                    await asyncio.sleep(FAREWELL_TIMEOUT)
                    return
                case PeerInterrupted(peer) if peer is self._peer:
                    self._interruptions += 1
                case ServerTroubled(peer, url, code, text) if peer is self._peer:
                    trouble = Trouble(url, code, text)
                    if trouble not in self._troubles and len(self._troubles) < MAX_TROUBLES:
                        self._troubles.append(trouble)

    async def run(self) -> None:
        self._tell("connecting", 0.1)
        if not await self._connect():
            return
        self._found["has_ended_early"] = True
        try:
            await self._measure()
            self._found["has_ended_early"] = False
        except (PeerlaneError, TimeoutError):
            pass  # what was measured until then is told
        self._found["diagnosis"] = self._peer.diagnosis

    async def _connect(self) -> bool:
        waiting = asyncio.create_task(self._peer.wait_connected())
        try:
            self._look()
            while not waiting.done() and not self._is_hopeless():
                await asyncio.wait([waiting], timeout=LOOK_EVERY)
                self._look()
            if waiting.done() and waiting.exception() is None:
                self._found["connected_after"] = _now() - self._began
                self._found["path"] = self._path()
                return True
            self._found["has_ended_early"] = waiting.done()
            return False
        finally:
            waiting.cancel()
            await asyncio.wait([waiting])

    def _is_hopeless(self) -> bool:
        told = self._found.get("diagnosis")
        return _now() - self._began >= CONNECT_TIMEOUT or (told is not None and told.code in HOPELESS)

    def _look(self) -> None:
        """What was known before the other end gave up is worth more than that it did."""
        self._pairs = self._peer.pairs() or self._pairs
        self._found["diagnosis"] = self._peer.diagnosis or self._found.get("diagnosis")

    def _path(self) -> Path | None:
        it = self._peer.statistics()
        if it.route is None or it.protocol is None:
            return None
        facts = {"route": it.route, "protocol": it.protocol, "local_type": it.local, "remote_type": it.remote}
        return msgspec.convert(facts, Path)

    async def _measure(self) -> None:
        talk = Talk(await self._peer.open(PREFIX, RELIABLE))
        datagrams = await self._peer.open(f"{PREFIX}-datagrams", UNRELIABLE)
        bulk = await self._peer.open(f"{PREFIX}-bulk", BULK)
        scale = Scale(bulk)
        meter = Meter(datagrams)
        await talk.say(Hello(VERSION, self._options.seconds))
        hello = await talk.hear(Hello)
        self._found["first_message_after"] = _now() - self._began
        length = min(max(min(hello.seconds, self._options.seconds), LEAST_SECONDS), MAX_SECONDS)
        self._tell("sending datagrams both ways", 0.2)
        await meter.run(length * DATAGRAMS_LAST)
        await talk.say(meter.counted)
        self._found |= meter.found(await talk.hear(Counted))
        # Once to here and once to there: both at a time would halve what each gets.
        is_first = self._room.me < self._peer.id
        for turn in range(2):
            self._tell("measuring the throughput", 0.5 + turn * 0.2)
            if is_first == (turn == 0):
                await pour(bulk, length)
                weighed = await talk.hear(Weighed, length)
                self._add_rate("to_partner", weighed.bytes_per_second)
            else:
                rate = await scale.weigh(length)
                await talk.say(Weighed(rate))
                self._add_rate("from_partner", rate)
        self._tell("comparing", 0.95)
        await self._part(talk, is_first)

    async def _part(self, talk: Talk, is_first: bool) -> None:
        # That somebody has left may be known before the last that they said has come: so one leaves
        # when it has heard the other, and the other when it is alone.
        if is_first:
            await talk.say(Farewell(self._path()))
        self._found["partner_path"] = (await talk.hear(Farewell)).path
        if not is_first:
            await talk.say(Farewell(self._path()))
            await talk.ended()

    def _add_rate(self, way: str, rate: float | None) -> None:
        self._found[way] = msgspec.structs.replace(self._found[way], bytes_per_second=rate)


class Talk:
    """What the two tell each other, one word after the other."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def say(self, word: Word) -> None:
        async with asyncio.timeout(STEP_TIMEOUT):
            await self._channel.send(write_word(word))

    async def hear(self, kind: type[Any], seconds: float = 0.0) -> Any:
        """The next word of this kind. Raises TimeoutError and PeerlaneError."""
        async with asyncio.timeout(STEP_TIMEOUT + seconds):
            async for message in self._channel:
                word = read_word(message)
                if isinstance(word, kind):
                    return word
        raise Lost("the other end has left")

    async def ended(self) -> None:
        """Until the other end has left, or has had the time to."""
        with suppress(TimeoutError, PeerlaneError):
            async with asyncio.timeout(STEP_TIMEOUT):
                async for _ in self._channel:
                    pass


class Meter:
    """Datagrams at an even pace, each answered at once."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._trips = RoundTrips()
        self._arrivals = Arrivals()
        channel.on_message(self._received)

    async def run(self, seconds: float) -> None:
        began = _now()
        for number in range(round(seconds * PACKETS_PER_SECOND)):
            await asyncio.sleep(began + number / PACKETS_PER_SECOND - _now())
            self._channel.send_now(self._trips.send(_now()))
        rtt = self._trips.result()
        await asyncio.sleep(SETTLE + (2 * rtt.p99 if rtt is not None else 0.0))

    @property
    def counted(self) -> Counted:
        it = self._arrivals
        return Counted(self._trips.sent, it.count, it.jitter, it.reordered)

    def found(self, there: Counted) -> dict[str, Any]:
        """Fields of the meeting; ``there`` is what the other end has counted."""
        here = self.counted
        return {
            "rtt": self._trips.result(),
            "to_partner": _traffic(here.sent, there),
            "from_partner": _traffic(there.sent, here),
        }

    def _received(self, datagram: str | bytes) -> None:
        told = read(datagram)
        if told is None or isinstance(datagram, str):
            return
        kind, number, sent_at = told
        if kind == PING:
            self._arrivals.take(number, sent_at, _now())
            self._channel.send_now(pong(datagram))
        else:
            self._trips.answered(number, _now())


def _traffic(sent: int, counted: Counted) -> Traffic:
    return Traffic(sent=sent, received=counted.received, jitter=counted.jitter, reordered=counted.reordered)


async def pour(channel: Channel, seconds: float) -> None:
    """As much as goes, for so long."""
    message, ends_at = bytes(MESSAGE_BYTES), _now() + seconds
    try:
        async with asyncio.timeout(seconds):
            while _now() < ends_at:
                await channel.send(message)
    except TimeoutError:
        pass  # a slow line: what waits is more than it can take
    async with asyncio.timeout(STEP_TIMEOUT + seconds):
        await channel.send(END)


class Scale:
    """What comes over a channel; it goes on taking when all is weighed, so that the channel does not fill."""

    def __init__(self, channel: Channel) -> None:
        self._rate = Rate()
        self._has_begun = asyncio.Event()
        self._has_ended = asyncio.Event()
        channel.on_message(self._received)

    async def weigh(self, seconds: float) -> float | None:
        """Bytes a second, of so many seconds from the first message on."""
        try:
            async with asyncio.timeout(STEP_TIMEOUT + seconds):
                await self._has_begun.wait()
            async with asyncio.timeout(seconds):
                await self._has_ended.wait()
        except TimeoutError:
            pass  # the line is slow: the rest comes later, and counts no more
        return self._rate.result()

    def _received(self, message: str | bytes) -> None:
        self._has_begun.set()
        if message == END:
            self._has_ended.set()
        else:
            self._rate.take(len(message), _now())


def _now() -> float:
    return time.perf_counter()
