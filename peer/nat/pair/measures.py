"""What datagrams tell of a path: their round trips, what is lost of them, how evenly they come."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from peer.nat.pair.meeting import RoundTrip

DATAGRAM_BYTES = 160
"""As 20 ms of a telephone call."""
MAX_KEPT = 100_000
PING, PONG = 0, 1
_HEAD = struct.Struct("!BId")


def ping(number: int, sent_at: float) -> bytes:
    """``sent_at`` is the sender's clock; only differences of it count."""
    return _HEAD.pack(PING, number, sent_at).ljust(DATAGRAM_BYTES, b"\0")


def pong(datagram: bytes) -> bytes:
    """The answer to a ping."""
    return bytes([PONG]) + datagram[1:]


def read(datagram: str | bytes) -> tuple[int, int, float] | None:
    """Kind, number and the sender's time; None for what is no datagram of this test."""
    if isinstance(datagram, str) or len(datagram) != DATAGRAM_BYTES:
        return None
    kind, number, sent_at = _HEAD.unpack_from(datagram)
    return (kind, number, sent_at) if kind in (PING, PONG) and math.isfinite(sent_at) else None


class Arrivals:
    """The other side's pings."""

    def __init__(self) -> None:
        self.reordered = 0
        self._numbers: set[int] = set()
        self._highest = -1
        self._transit: float | None = None
        self._jitter = 0.0

    @property
    def count(self) -> int:
        return len(self._numbers)

    @property
    def jitter(self) -> float | None:
        """Seconds, smoothed; None before the second one."""
        return self._jitter if self.count > 1 else None

    def take(self, number: int, sent_at: float, now: float) -> None:
        if number in self._numbers or self.count >= MAX_KEPT:
            return
        self._numbers.add(number)
        self.reordered += number < self._highest
        self._highest = max(self._highest, number)
        transit = now - sent_at
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit


class RoundTrips:
    """Our own pings, and the answers to them."""

    def __init__(self) -> None:
        self.sent = 0
        self._under_way: dict[int, float] = {}
        self._times: list[float] = []

    def send(self, now: float) -> bytes:
        """The next one."""
        number, self.sent = self.sent, self.sent + 1
        self._under_way[number] = now
        return ping(number, now)

    def answered(self, number: int, now: float) -> None:
        sent_at = self._under_way.pop(number, None)
        if sent_at is not None:
            self._times.append(now - sent_at)

    def result(self) -> RoundTrip | None:
        if not self._times:
            return None
        times = sorted(self._times)
        return RoundTrip(
            count=len(times), least=times[0], median=quantile(times, 0.5), p99=quantile(times, 0.99)
        )


class Rate:
    """Bytes a second, from the first message to the latest one."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._latest = 0.0
        self._bytes = 0

    def take(self, size: int, now: float) -> None:
        # The first one only starts the clock.
        if self._began is None:
            self._began = now
        else:
            self._bytes += size
        self._latest = now

    def result(self) -> float | None:
        """None for fewer than two messages."""
        took = self._latest - self._began if self._began is not None else 0.0
        return self._bytes / took if took > 0 else None


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
