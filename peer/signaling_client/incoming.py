"""Signals from one peer: which of them are news, and when to acknowledge."""

from __future__ import annotations

from math import inf

ACK_DELAY = 0.1
ACK_EVERY = 16


class Incoming:
    __slots__ = ("_acked", "_acked_at", "_has_gap", "_last", "_unconfirmed", "ack_at")

    def __init__(self) -> None:
        self.ack_at = inf
        self._last = 0
        self._has_gap = False
        self._unconfirmed = 0
        self._acked = 0
        self._acked_at = -inf

    def accept(self, n: int, now: float) -> bool:
        """Whether an arriving signal is the next one; a double or one after a gap is not."""
        if n != self._last + 1:
            self._has_gap |= n > self._last
            # At once, but a whole run of them is answered once.
            self.ack_at = min(self.ack_at, max(now, self._acked_at + ACK_DELAY))
            return False
        self._last = n
        self._has_gap = False
        self._unconfirmed += 1
        due = now if self._unconfirmed >= ACK_EVERY else now + ACK_DELAY
        self.ack_at = min(self.ack_at, due)
        return True

    def acknowledge(self, now: float) -> int:
        """The number to acknowledge, which is due."""
        # Only a number that is said twice tells of a gap.
        is_to_be_repeated = self._has_gap and self._acked != self._last
        self.ack_at = now + ACK_DELAY if is_to_be_repeated else inf
        self._acked = self._last
        self._acked_at = now
        self._unconfirmed = 0
        return self._last
