"""The control channel of one connection: what the two libraries say beside the application."""

from __future__ import annotations

from collections.abc import Callable

from peer.channels.channel import Lane
from peer.channels.chunking import Assembler, NoMessage, fragment, to_bytes
from peer.channels.kinds import RELIABLE
from peer.wire import ControlMessage, parse_control, write_control


class Control:
    """``opened`` is called when messages can be said, ``received`` with each one of the other side."""

    def __init__(
        self, lane: Lane, *, opened: Callable[[], None], received: Callable[[ControlMessage], None]
    ) -> None:
        self._lane = lane
        self._assembler = Assembler(RELIABLE)
        self._received = received
        lane.on("open", opened)
        lane.on("message", self._receive)

    def say(self, message: ControlMessage) -> bool:
        """False while the channel is not open: whoever opens it says everything that counts then."""
        if self._lane.readyState != "open":
            return False
        for part in fragment(RELIABLE, *to_bytes(RELIABLE, write_control(message))):
            self._lane.send(part)
        return True

    def _receive(self, data: object) -> None:
        assembled = self._assembler.receive(data) if isinstance(data, bytes) else NoMessage.DROPPED
        message = None if isinstance(assembled, NoMessage) else parse_control(assembled)
        if message is not None:
            self._received(message)
