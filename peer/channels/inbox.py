"""Messages of one channel that nobody has read yet, and what happens when they are too many."""

from __future__ import annotations

from collections import deque

from peer.channels.chunking import Message
from peer.channels.kinds import LATEST, Kind

MAX_UNREAD_MESSAGES = 1024
MAX_UNREAD_BYTES = 64 * 1024 * 1024
"""Four of the longest messages."""


class Inbox:
    """When full: RELIABLE and BULK refuse one more, UNRELIABLE drops the oldest, LATEST keeps the newest."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._limit = 1 if kind is LATEST else MAX_UNREAD_MESSAGES
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> bool:
        """Keep a message. False: a channel that may lose nothing has no room for it, and cannot go on."""
        if self._kind.ordered:
            # A single message may be as long as it likes to: it fits, when nothing else is there.
            is_full = len(self) >= self._limit or self._bytes + len(message) > MAX_UNREAD_BYTES
            if is_full and self._messages:
                return False
        elif len(self) >= self._limit:
            self.take()
            self.dropped += 1
        self._messages.append(message)
        self._bytes += len(message)
        return True

    def take(self) -> Message:
        """The oldest message. Raises IndexError when there is none."""
        message = self._messages.popleft()
        self._bytes -= len(message)
        return message
