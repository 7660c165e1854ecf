"""What arrives on an ordered channel: each message once, over all lanes that the channel ever has."""

from __future__ import annotations

from peer.channels.chunking import Assembler, Message, NoMessage
from peer.channels.kinds import Kind
from peer.wire import ACK_EVERY_BYTES, KNOWN_FLAGS, MORE_FOLLOW, START, START_BYTES


class Incoming:
    """``received`` counts whole messages since the beginning, ``lane_bytes`` is what this lane brought."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._assembler = Assembler(kind)
        self._next: int | None = None
        self.received = 0
        self.duplicates = 0
        self.lane_bytes = 0
        self.unacknowledged_bytes = 0
        """What has come since the last acknowledgement."""

    @property
    def unfinished_bytes(self) -> int:
        """What is kept of a message that has not come whole."""
        return self._assembler.unfinished_bytes

    @property
    def is_ack_due(self) -> bool:
        return self.unacknowledged_bytes >= ACK_EVERY_BYTES

    def begin_lane(self) -> None:
        """What came of an unfinished message on the one before is forgotten: it will come again."""
        self._assembler = Assembler(self._kind)
        self._next = None
        self.lane_bytes = self.unacknowledged_bytes = 0

    def receive(self, framed: bytes) -> Message | NoMessage:
        """One data-channel message of the current lane."""
        self.lane_bytes += len(framed)
        self.unacknowledged_bytes += len(framed)
        if self._next is None:
            return self._start(framed)
        if not framed or framed[0] & ~KNOWN_FLAGS:
            return NoMessage.VIOLATION if framed and framed[0] & START else NoMessage.DROPPED
        assembled = self._assembler.receive(framed)
        if framed[0] & MORE_FOLLOW or assembled is NoMessage.TOO_LARGE:
            return assembled
        number = self._next
        self._next += 1
        if number < self.received:
            self.duplicates += 1
            return NoMessage.DUPLICATE
        self.received = self._next
        return assembled

    def acknowledged(self) -> tuple[int, int]:
        """What to tell the sender now."""
        self.unacknowledged_bytes = 0
        return self.received, self.lane_bytes

    def _start(self, framed: bytes) -> NoMessage:
        if len(framed) != START_BYTES or framed[0] != START:
            return NoMessage.VIOLATION
        number = int.from_bytes(framed[1:])
        if number > self.received:
            return NoMessage.MISSING
        self._next = number
        return NoMessage.START
