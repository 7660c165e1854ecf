"""What has come over a channel of numbered messages, and what that says. Times are CLOCK_MONOTONIC."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence

import msgspec

_HEAD = struct.Struct("!Id")
"""The number, and when it was sent; the rest of a message is filling."""


def numbered(number: int, sent_at: float, size: int) -> bytes:
    return _HEAD.pack(number, sent_at).ljust(size, b".")


def read_numbered(message: bytes) -> tuple[int, float]:
    number, sent_at = _HEAD.unpack_from(message)
    return number, sent_at


class Arrivals(msgspec.Struct):
    """Three columns, in the order of arrival."""

    numbers: list[int] = msgspec.field(default_factory=list)
    sent: list[float] = msgspec.field(default_factory=list)
    received: list[float] = msgspec.field(default_factory=list)

    def note(self, message: bytes, now: float) -> None:
        number, sent_at = read_numbered(message)
        self.numbers.append(number)
        self.sent.append(sent_at)
        self.received.append(now)

    def lost(self, sent_count: int) -> int:
        """How many of the numbers 0, 1, … have not come."""
        return len(set(range(sent_count)) - set(self.numbers))

    @property
    def doubled(self) -> int:
        return sum(count - 1 for count in Counter(self.numbers).values())

    @property
    def reordered(self) -> int:
        """How many came after one that was sent later."""
        highest = -1
        late = 0
        for number in self.numbers:
            late += number < highest
            highest = max(highest, number)
        return late

    def delays(self, since: float, until: float) -> list[float]:
        """Seconds on the way, of all that were sent in this time."""
        rows = zip(self.sent, self.received, strict=True)
        return [received - sent for sent, received in rows if since <= sent < until]

    def resumed_at(self, moment: float) -> float | None:
        """When the first one came that was sent after this moment; None: none has."""
        rows = zip(self.sent, self.received, strict=True)
        return next((received for sent, received in rows if sent >= moment), None)


def first_after(times: Sequence[float], moment: float) -> float | None:
    return next((time for time in times if time >= moment), None)
