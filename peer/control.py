"""The control channel of one connection: what the two libraries say beside the application."""

from __future__ import annotations

import time
from collections.abc import Callable

from peer.channels.chunking import Assembler, NoMessage, fragment, to_bytes
from peer.channels.kinds import RELIABLE
from peer.channels.lane import Lane
from peer.channels.limit import Limit
from peer.wire import MAX_CONTROL_BYTES, Ack, ControlMessage, parse_control, write_control

MESSAGES_PER_SECOND = 200
MESSAGES_AT_ONCE = 1024
"""All channels are asked for at once when a connection has been rebuilt."""


class Control:
    """``opened`` is called when messages can be said, ``received`` with each one of the other side.

    ``violated`` is called with the reason when the other side says too much; what it says is dropped then.
    """

    def __init__(
        self,
        lane: Lane,
        *,
        opened: Callable[[], None],
        received: Callable[[ControlMessage], None],
        violated: Callable[[str], None],
    ) -> None:
        self._lane = lane
        self._assembler = Assembler(RELIABLE, MAX_CONTROL_BYTES)
        self._received = received
        self._violated = violated
        self._limit = Limit(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE)
        lane.on("open", opened)
        lane.on("message", self._receive)

    def say(self, message: ControlMessage) -> bool:
        """False while the channel is not open: whoever opens it says everything that counts then."""
        if self._lane.readyState != "open":
            return False
        is_text, content = to_bytes(RELIABLE, write_control(message))
        for part in fragment(RELIABLE, is_text, content):
            self._lane.send(part)
        return True

    def _receive(self, data: object) -> None:
        assembled = self._assembler.receive(data) if isinstance(data, bytes) else NoMessage.DROPPED
        if assembled is NoMessage.TOO_LARGE:
            self._violated("a control message was too long")
            return
        message = None if isinstance(assembled, NoMessage) else parse_control(assembled)
        # Acknowledgements come as fast as data goes; those that tell nothing are counted elsewhere.
        if not isinstance(message, Ack) and not self._limit.allows(time.monotonic()):
            self._violated("too many control messages")
        elif message is not None:
            self._received(message)
