"""What is written before each message on a bus: who says it, and over which of its connections."""

from __future__ import annotations

from struct import Struct

SENDER_BYTES = 8
MAX_SENDERS = 4096
"""Senders whose newest connection is known; the one that connected longest ago is forgotten first."""

_MARK = Struct(f">{SENDER_BYTES}sI")
MARK_BYTES = _MARK.size


class Frames:
    """The marks of one node's messages, and which of the others' to believe.

    A bus that was frozen may deliver, once it goes on, what it was given before its clients left it. By
    then they have connected again and said newer things, so what is older is dropped.
    """

    __slots__ = ("_lives", "_mark", "_sender", "life")

    def __init__(self, sender: bytes) -> None:
        self._sender = sender
        self.life = 0
        """How many connections there have been."""
        self._mark = b""
        self._lives: dict[bytes, int] = {}

    def begin_life(self) -> None:
        """There is a new connection: from now on everything is said over this one."""
        self.life += 1
        self._mark = _MARK.pack(self._sender, self.life)

    def write(self, body: bytes) -> bytes:
        return self._mark + body

    def is_own(self, frame: bytes) -> bool:
        return frame[:SENDER_BYTES] == self._sender

    def read(self, frame: bytes) -> bytes | None:
        """The body; None when it is too short to be one of ours, or comes late."""
        if len(frame) < _MARK.size:
            return None
        sender, life = _MARK.unpack_from(frame)
        known = self._lives.get(sender, 0)
        if life < known:
            return None
        if life > known:
            self._remember(sender, life)
        return frame[_MARK.size :]

    def _remember(self, sender: bytes, life: int) -> None:
        self._lives.pop(sender, None)
        if len(self._lives) >= MAX_SENDERS:
            del self._lives[next(iter(self._lives))]
        self._lives[sender] = life
