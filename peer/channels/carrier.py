"""What carries a channel: a lane, now this one, later that of the next connection."""

from __future__ import annotations

from typing import Protocol

from peer.channels.chunking import Assembler, Message, NoMessage
from peer.channels.incoming import Incoming
from peer.channels.kinds import Kind
from peer.channels.lane import Lane
from peer.channels.outgoing import Outgoing, Told
from peer.channels.realtime import Realtime


class Carried(Protocol):
    """What is told of a lane; an older one is not listened to."""

    def lane_opened(self) -> None: ...
    def lane_closed(self) -> None: ...
    def lane_has_room(self) -> None: ...
    def arrived(self, arrived: Message | NoMessage) -> None: ...
    def emptied(self) -> None:
        """All that waited has gone out."""


class Carrier:
    """``id`` is that of the channel over all its lanes, empty until the offerer has said it; ``wanted_id`` is
    the one that the offerer was asked to give it."""

    def __init__(self, kind: Kind, carried: Carried) -> None:
        self.kind = kind
        self.id = ""
        self.wanted_id = ""
        self.carried = carried
        self.outgoing: Outgoing | Realtime = Outgoing(kind) if kind.ordered else Realtime(kind)
        self.incoming = Incoming(kind) if kind.ordered else None
        self._assembler = Assembler(kind)
        self._lane: Lane | None = None

    @property
    def is_attached(self) -> bool:
        """Whether there is a lane, or there will be."""
        return self._lane is not None and self._lane.readyState in ("connecting", "open")

    @property
    def is_open(self) -> bool:
        return self._lane is not None and self._lane.readyState == "open"

    @property
    def buffered_bytes(self) -> int:
        return 0 if self._lane is None else self._lane.bufferedAmount

    @property
    def in_flight_bytes(self) -> int:
        return self.outgoing.in_flight_bytes if isinstance(self.outgoing, Outgoing) else 0

    @property
    def unfinished_bytes(self) -> int:
        """What is kept of a message that has not come whole."""
        return 0 if self.incoming is None else self.incoming.unfinished_bytes

    def attach(self, lane: Lane, channel_id: str) -> None:
        """The lane to run on from now on."""
        self.drop_lane()
        self.id = channel_id
        self._lane = lane
        lane.bufferedAmountLowThreshold = 0
        lane.on("open", lambda: self._opened(lane))
        lane.on("message", lambda data: self._receive(lane, data))
        lane.on("bufferedamountlow", lambda: self._has_room(lane))
        lane.on("close", lambda: self._closed(lane))
        if lane.readyState == "open":
            self._opened(lane)

    def drop_lane(self) -> None:
        """Close the lane, and listen to it no more."""
        lane = self._lane
        self.detach()
        if lane is not None:
            lane.close()

    def detach(self) -> None:
        """The lane ends with its connection: listen to it no more."""
        self._lane = None
        self._assembler = Assembler(self.kind)
        if self.incoming is not None:
            self.incoming.begin_lane()
        if isinstance(self.outgoing, Outgoing):
            self.outgoing.end_lane()

    def close_lane(self) -> None:
        """Close the lane, and hear what it still brings."""
        if self._lane is not None:
            self._lane.close()

    def next_bytes(self, now: float) -> int:
        """Length of the data-channel message that goes next; 0: none may."""
        if not self.is_open:
            return 0
        outgoing = self.outgoing
        return outgoing.next_bytes if isinstance(outgoing, Outgoing) else outgoing.next_bytes(now)

    def send_next(self) -> int:
        """Hand it to the lane; its length. Raises ValueError when the other side takes none so long."""
        framed = self.outgoing.take()
        assert self._lane is not None
        self._lane.send(framed)
        return len(framed)

    def acknowledge(self, messages: object, lane_bytes: object) -> Told:
        """See :meth:`Outgoing.acknowledge`."""
        if not isinstance(self.outgoing, Outgoing):
            return Told.NONSENSE
        return self.outgoing.acknowledge(messages, lane_bytes)

    def _opened(self, lane: Lane) -> None:
        if lane is not self._lane:
            return
        if isinstance(self.outgoing, Outgoing):
            self.outgoing.begin_lane()
        self.carried.lane_opened()

    def _has_room(self, lane: Lane) -> None:
        if lane is self._lane:
            self.carried.lane_has_room()

    def _closed(self, lane: Lane) -> None:
        if lane is self._lane:
            self.detach()
            self.carried.lane_closed()

    def _receive(self, lane: Lane, data: object) -> None:
        if lane is not self._lane:
            return
        # Every message of ours is binary.
        framed = data if isinstance(data, bytes) else b""
        incoming = self.incoming
        self.carried.arrived(
            self._assembler.receive(framed) if incoming is None else incoming.receive(framed)
        )
