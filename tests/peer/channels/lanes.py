"""Data channels without a network: what one sends the other receives when it is delivered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from peer.channels.channel import Channel
from peer.channels.kinds import Kind
from peer.channels.register import ChannelWord, Register
from peer.streams import Bell
from peer.wire import Ack, parse_control, write_control

MIB = 1024 * 1024
START = bytes((4, 0, 0, 0, 0, 0, 0))
"""What begins a lane on which nothing has been sent yet."""


class FakeLane:
    """As aiortc's RTCDataChannel; ``taken`` gives what was sent."""

    def __init__(self, label: str = "", protocol: str = "") -> None:
        self.label = label
        self.protocol = protocol
        self.readyState = "connecting"
        self.bufferedAmountLowThreshold = 0
        self.sent: deque[bytes] = deque()
        self.other: FakeLane | None = None
        """Where it ends at the other side, once that has it."""
        self._has_sent = Bell()
        self._handlers: dict[str, list[Callable[..., Any]]] = {}

    @property
    def bufferedAmount(self) -> int:  # noqa: N802 # W3C's name
        return sum(map(len, self.sent))

    def on(self, event: str, f: Callable[..., Any]) -> None:
        self._handlers.setdefault(event, []).append(f)

    def send(self, data: bytes) -> None:
        assert self.readyState == "open"
        self.sent.append(data)
        self._has_sent.ring()

    async def has_sent(self) -> None:
        """Until something more is sent."""
        async with asyncio.timeout(5):
            await self._has_sent.wait()

    def open(self) -> None:
        self.readyState = "open"
        self.tell("open")

    def close(self) -> None:
        """What was sent still arrives, then both ends close."""
        if self.readyState in ("connecting", "open"):
            self.readyState = "closing"
            if self.other is None:
                self.closed()

    def closed(self) -> None:
        if self.readyState != "closed":
            self.readyState = "closed"
            self.tell("close")

    def taken(self) -> list[bytes]:
        """What was sent, which leaves the buffer, and what then goes out until there is nothing left."""
        taken: list[bytes] = []
        while self.sent:
            taken.append(self.sent.popleft())
            if not self.sent:
                self.tell("bufferedamountlow")
        return taken

    def tell(self, event: str, *details: object) -> None:
        for handler in self._handlers.get(event, []):
            handler(*details)


class Side:
    """One register, what it has said, and the data channels that it has made."""

    def __init__(self, *, you_offer: bool) -> None:
        self.said: deque[ChannelWord] = deque()
        self.can_say = True
        self._has_said = Bell()
        self.opened: list[Channel] = []
        self.violations: list[str] = []
        self.made: list[FakeLane] = []
        self.register = Register(
            you_offer=you_offer, say=self.say, opened=self.opened.append, violated=self.violations.append
        )

    def say(self, message: ChannelWord) -> bool:
        if self.can_say:
            self.said.append(message)
            self._has_said.ring()
        return self.can_say

    async def has_said(self) -> None:
        """Until it says something more."""
        async with asyncio.timeout(5):
            await self._has_said.wait()

    def make_lane(self, encoded_label: str, kind: Kind, protocol: str) -> FakeLane:
        lane = FakeLane(encoded_label, protocol)
        self.made.append(lane)
        return lane

    def hear(self, message: ChannelWord) -> None:
        """As it is written, and read again."""
        read = parse_control(write_control(message))
        assert isinstance(read, ChannelWord)
        self.register.receive(read)

    def words(self) -> list[ChannelWord]:
        """What it has said since it was last asked, without acknowledgements."""
        said = [message for message in self.said if not isinstance(message, Ack)]
        self.said.clear()
        return said


class Two:
    """The offerer and the answerer of one connection, and of those after it."""

    def __init__(self) -> None:
        self.offerer, self.answerer = Side(you_offer=True), Side(you_offer=False)
        self.lanes: list[tuple[FakeLane, FakeLane]] = []
        """The ends of each: that of the offerer, then that of the answerer."""
        self.connect()

    def connect(self) -> None:
        """A new connection; the control channel is open."""
        for side in (self.offerer, self.answerer):
            side.can_say = True
            side.register.use(side.make_lane)
        for side in (self.offerer, self.answerer):
            side.register.ask()

    def cut(self) -> None:
        """The connection ends, and all that was under way is lost."""
        for side in (self.offerer, self.answerer):
            side.can_say = False
            side.said.clear()
            side.made.clear()
            side.register.detach()
        self.lanes.clear()

    def exchange(self) -> None:
        """Until nothing is under way any more."""
        while self.step():
            pass
        assert not self.answerer.made, "only the offerer makes data channels"

    def step(self) -> bool:
        """Bring one thing over of each sort; False when nothing was under way."""
        has_moved = False
        for here, there in ((self.answerer, self.offerer), (self.offerer, self.answerer)):
            if here.said:
                there.hear(here.said.popleft())
                has_moved = True
        if self.offerer.made:
            self._open(self.offerer.made.pop(0))
            has_moved = True
        for ends in list(self.lanes):
            has_moved |= self._carry(*ends) | self._carry(*reversed(ends))
            if (
                "closing" in (ends[0].readyState, ends[1].readyState)
                and not ends[0].sent
                and not ends[1].sent
            ):
                self.lanes.remove(ends)
                for end in ends:
                    end.closed()
                has_moved = True
        return has_moved

    def _open(self, lane: FakeLane) -> None:
        if lane.readyState != "connecting":
            return
        other = FakeLane(lane.label, lane.protocol)
        lane.other, other.other = other, lane
        self.lanes.append((lane, other))
        other.open()
        self.answerer.register.adopt(other, other.label, other.protocol)
        lane.open()

    @staticmethod
    def _carry(here: FakeLane, there: FakeLane) -> bool:
        if not here.sent:
            return False
        there.tell("message", here.sent.popleft())
        if not here.sent:
            here.tell("bufferedamountlow")
        return True
