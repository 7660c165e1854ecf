"""Two peers whose channels run over a :class:`~peer.testing.network.BadNetwork`: no sockets, no WebRTC.

The channels are the real ones; only what carries them is simulated. In virtual time
(:func:`peer.testing.time.run`) an hour of play takes seconds, and the same seed plays the same way again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from peer.channels.channel import Channel
from peer.channels.kinds import Kind
from peer.channels.register import MAX_CHANNELS, Register
from peer.control import Control
from peer.errors import Closed
from peer.streams import Bell, Stream
from peer.testing.network import BadNetwork
from peer.wire import CONTROL_LABEL, ControlMessage

HEADER_BYTES = 60
"""IP, UDP, DTLS and SCTP around each packet, more or less."""
PACKET_BYTES = 1160
IN_FLIGHT_BYTES = 64 * 1024
SHORTEST_RETRY = 0.2


class SimulatedLane:
    """One end of a data channel: lost packets of a reliable one are sent again, and hold up those behind."""

    def __init__(self, link: Link, sender: str, label: str, protocol: str, *, is_reliable: bool) -> None:
        self.label = label
        self.protocol = protocol
        self.readyState = "connecting"
        self.bufferedAmountLowThreshold = 0
        self.other: SimulatedLane | None = None
        self._link = link
        self._sender = sender
        self._is_reliable = is_reliable
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._in_flight_bytes = 0
        self._next_out = self._next_in = 0
        self._early: dict[int, bytes] = {}
        self._handlers: dict[str, list[Callable[..., Any]]] = {}

    @property
    def bufferedAmount(self) -> int:  # noqa: N802 # W3C's name
        return self._waiting_bytes

    def on(self, event: str, f: Callable[..., Any]) -> None:
        self._handlers.setdefault(event, []).append(f)

    def send(self, data: bytes) -> None:
        if not self._is_reliable:
            self._link.carry(self, self._sender, data, 0, is_reliable=False)
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self._pump()

    def close(self) -> None:
        for end in (self, self.other):
            if end is not None and end.readyState != "closed":
                end.readyState = "closed"
                end.tell("close")

    def opened(self) -> None:
        if self.readyState == "connecting":
            self.readyState = "open"
            self.tell("open")

    def tell(self, event: str, *arguments: Any) -> None:
        for handler in list(self._handlers.get(event, ())):
            handler(*arguments)

    def arrived(self, number: int, data: bytes) -> None:
        """At this end, over the network."""
        if self.readyState != "open":
            return
        if not self._is_reliable:
            self.tell("message", data)
        elif number >= self._next_in:
            self._early[number] = data
            while self._next_in in self._early:
                data = self._early.pop(self._next_in)
                self._next_in += 1
                self.tell("message", data)

    def acknowledged(self, data: bytes) -> None:
        self._in_flight_bytes -= len(data)
        self._pump()

    def _pump(self) -> None:
        before = self._waiting_bytes
        while self._waiting and self._in_flight_bytes < IN_FLIGHT_BYTES:
            data = self._waiting.popleft()
            self._waiting_bytes -= len(data)
            self._in_flight_bytes += len(data)
            self._link.carry(self, self._sender, data, self._next_out, is_reliable=True)
            self._next_out += 1
        if before > self.bufferedAmountLowThreshold >= self._waiting_bytes:
            asyncio.get_running_loop().call_soon(self.tell, "bufferedamountlow")


class Link:
    """Between the two, in both directions; carries packets of all lanes over the network."""

    def __init__(self, network: BadNetwork, names: tuple[str, str]) -> None:
        self.network = network
        self._names = names
        self._unconfirmed: dict[tuple[SimulatedLane, int], asyncio.TimerHandle] = {}
        self._next: asyncio.TimerHandle | None = None
        self.is_closed = False

    def carry(self, lane: SimulatedLane, sender: str, data: bytes, number: int, *, is_reliable: bool) -> None:
        if self.is_closed:
            return
        loop = asyncio.get_running_loop()
        receiver = self._names[1] if sender == self._names[0] else self._names[0]
        packets = max(1, -(-len(data) // PACKET_BYTES))
        size = len(data) + packets * HEADER_BYTES
        self.network.send(loop.time(), sender, receiver, (lane, number, data), size=size)
        if is_reliable:
            again = max(SHORTEST_RETRY, 3 * self.network.conditions(sender, receiver).latency)
            self._retry(lane, sender, data, number, again)
        self._wait()

    def close(self) -> None:
        self.is_closed = True
        for timer in self._unconfirmed.values():
            timer.cancel()
        if self._next is not None:
            self._next.cancel()

    def _retry(self, lane: SimulatedLane, sender: str, data: bytes, number: int, seconds: float) -> None:
        def again() -> None:
            self.carry(lane, sender, data, number, is_reliable=True)

        self._unconfirmed[lane, number] = asyncio.get_running_loop().call_later(seconds, again)

    def _wait(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        at = self.network.next_at
        if at is not None and not self.is_closed:
            self._next = asyncio.get_running_loop().call_at(at, self._deliver)

    def _deliver(self) -> None:
        self._next = None
        for arrival in self.network.arrivals(asyncio.get_running_loop().time()):
            lane, number, data = arrival.data
            timer = self._unconfirmed.pop((lane, number), None)
            if timer is not None:
                # That it has arrived is known at once: acknowledgements are not what a game is about.
                timer.cancel()
                lane.acknowledged(data)
            if lane.other is not None:
                lane.other.arrived(number, data)
        self._wait()


class SimulatedPeer:
    """As a :class:`~peer.remote_peer.RemotePeer`: what a game needs of it."""

    def __init__(self, name: str, me: str, link: Link, *, you_offer: bool) -> None:
        self.id = self.name = name
        self.state = "connected"
        self._me = me
        self._link = link
        self._you_offer = you_offer
        self._channels: Stream[Channel] = Stream(MAX_CHANNELS)
        self._changed = Bell()
        self._control: Control | None = None
        self.other: SimulatedPeer | None = None
        self.register = Register(
            you_offer=you_offer, say=self._say, opened=self._channels.put, violated=self._violated
        )

    async def open(self, label: str, kind: Kind) -> Channel:
        """See :meth:`peer.remote_peer.RemotePeer.open`."""
        if self.state == "closed":
            raise Closed("the connection is closed")
        return self.register.open(label, kind)

    def channels(self) -> AsyncIterator[Channel]:
        return self._channels

    async def wait_connected(self) -> None:
        """It always is."""

    def start(self) -> None:
        """Both sides are there: make the control channel, on the offering side for both."""
        if not self._you_offer or self.other is None:
            return
        mine, theirs = self._make_pair(CONTROL_LABEL, "", is_reliable=True)
        self.use_control(mine)
        self.other.use_control(theirs)
        self.register.use(self._make_lane)
        self.other.register.use(self._make_lane)
        for lane in (mine, theirs):
            lane.opened()

    def use_control(self, lane: SimulatedLane) -> None:
        self._control = Control(
            lane, opened=self.register.ask, received=self._received, violated=self._violated
        )

    def close(self) -> None:
        if self.state != "closed":
            self.state = "closed"
            self.register.close()
            self.register.detach()
            self._channels.end()

    def _make_lane(self, label: str, kind: Kind, protocol: str) -> SimulatedLane:
        is_reliable = kind.max_retransmits is None
        mine, theirs = self._make_pair(label, protocol, is_reliable=is_reliable)
        asyncio.get_running_loop().call_soon(self._announce, mine, theirs)
        return mine

    def _announce(self, mine: SimulatedLane, theirs: SimulatedLane) -> None:
        assert self.other is not None
        if self.other.state == "closed" or mine.readyState == "closed":
            return
        theirs.opened()
        self.other.register.adopt(theirs, theirs.label, theirs.protocol)
        mine.opened()

    def _make_pair(
        self, label: str, protocol: str, *, is_reliable: bool
    ) -> tuple[SimulatedLane, SimulatedLane]:
        assert self.other is not None
        mine = SimulatedLane(self._link, self._me, label, protocol, is_reliable=is_reliable)
        theirs = SimulatedLane(self._link, self.other._me, label, protocol, is_reliable=is_reliable)
        mine.other, theirs.other = theirs, mine
        return mine, theirs

    def _received(self, message: ControlMessage) -> None:
        self.register.receive(message)  # type: ignore[arg-type] # channels are all that is spoken of here

    def _say(self, message: Any) -> bool:
        return self._control is not None and self._control.say(message)

    def _violated(self, reason: str) -> None:
        raise AssertionError(f"{self.name} broke the protocol: {reason}")


@asynccontextmanager
async def simulated_pair(
    network: BadNetwork | None = None, *, names: tuple[str, str] = ("ada", "ben")
) -> AsyncIterator[tuple[SimulatedPeer, SimulatedPeer]]:
    """Connect two over ``network``; yields the second as the first sees it, and the first as the second does.

    The lines of the network go by the two names.
    """
    link = Link(network or BadNetwork(), names)
    there = SimulatedPeer(names[1], names[0], link, you_offer=True)
    here = SimulatedPeer(names[0], names[1], link, you_offer=False)
    there.other, here.other = here, there
    there.start()
    try:
        yield there, here
    finally:
        there.close()
        here.close()
        link.close()
