"""What an UNRELIABLE or LATEST channel sends: a datagram each, and better never than late."""

from __future__ import annotations

from collections import deque

from peer.channels.kinds import LATEST, Kind
from peer.wire import IS_TEXT, LATEST_HEADER_BYTES

STALE_AFTER = 0.25
"""Seconds."""
MAX_WAITING = 64


class Realtime:
    """``now`` is monotonic, in seconds. ``stale`` counts what was dropped because it waited for too long."""

    resent = unacknowledged_messages = 0
    """Nothing is."""

    def __init__(self, kind: Kind) -> None:
        self._is_latest = kind is LATEST
        self._waiting: deque[tuple[float, bool, bytes]] = deque()
        self._sequence = 0
        self.sent = 0
        self.sent_bytes = 0
        self.replaced = 0
        self.stale = 0
        self.waiting_bytes = 0

    @property
    def waiting_messages(self) -> int:
        return len(self._waiting)

    def put(self, is_text: bool, content: bytes, now: float) -> bool:
        """Whether it took the place of an older LATEST value."""
        has_replaced = self._is_latest and bool(self._waiting)
        if has_replaced:
            self._drop()
            self.replaced += 1
        elif len(self._waiting) == MAX_WAITING:
            self._drop()
            self.stale += 1
        self._waiting.append((now, is_text, content))
        self.waiting_bytes += len(content)
        return has_replaced

    def next_bytes(self, now: float) -> int:
        """Length of what :meth:`take` gives, after what is stale has gone; 0 for nothing."""
        while self._waiting and not self._is_latest and now - self._waiting[0][0] > STALE_AFTER:
            self._drop()
            self.stale += 1
        if not self._waiting:
            return 0
        return len(self._waiting[0][2]) + (LATEST_HEADER_BYTES if self._is_latest else 1)

    def take(self) -> bytes:
        """The next data-channel message; only when there is one."""
        is_text, content = self._drop()
        self.sent += 1
        self.sent_bytes += len(content)
        flags = bytes((IS_TEXT if is_text else 0,))
        if not self._is_latest:
            return flags + content
        number = self._sequence & 0xFFFF
        self._sequence += 1
        return flags + number.to_bytes(2) + content

    def clear(self) -> int:
        """Nothing can be sent for now: how many were dropped for that. A LATEST value waits."""
        if self._is_latest:
            return 0
        dropped = len(self._waiting)
        self._waiting.clear()
        self.waiting_bytes = 0
        return dropped

    def _drop(self) -> tuple[bool, bytes]:
        _, is_text, content = self._waiting.popleft()
        self.waiting_bytes -= len(content)
        return is_text, content
