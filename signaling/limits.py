"""How often something may be done: token buckets, for one sender, one address and the whole node."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple, TypeVar

HolderT = TypeVar("HolderT")

# Enough for a busy hour; an address that is forgotten starts again with a full bucket.
MAX_ADDRESSES = 20_000
LONGEST_TURN = 30.0
"""Seconds; who is turned away after that many others is told no later time."""
TURNS_SHARE = 0.8
"""Of a node's rate: they come a little sooner or later than told, and others come without a turn."""


class TokenBucket:
    """Lets ``burst`` through at once and ``rate`` per second after that.

    A taker may go into debt: it is told how long to wait, and whoever comes next waits longer.
    ``now`` must be on one monotonic clock. Raises ValueError unless both numbers are positive.
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: int) -> None:
        if rate <= 0 or burst <= 0:
            raise ValueError(f"a token bucket needs a positive rate and burst, got {rate} and {burst}")
        self.rate = rate
        self.burst = burst
        self._tokens = float(burst)
        self._at: float | None = None

    def take(self, now: float, cost: float = 1.0) -> float:
        """Take ``cost`` and return how many seconds to wait before going on; 0.0 for not at all."""
        self._refill(now)
        self._tokens -= cost
        return 0.0 if self._tokens >= 0.0 else -self._tokens / self.rate

    def try_take(self, now: float, cost: float = 1.0) -> bool:
        """Take ``cost`` if it is there; otherwise take nothing."""
        self._refill(now)
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True

    def wait(self, now: float, cost: float = 1.0) -> float:
        """Seconds until ``cost`` is there, taking nothing."""
        self._refill(now)
        return max(0.0, (cost - self._tokens) / self.rate)

    def _refill(self, now: float) -> None:
        at = self._at
        if at is not None and now > at:
            tokens = self._tokens + (now - at) * self.rate
            self._tokens = tokens if tokens < self.burst else float(self.burst)
        if at is None or now > at:
            self._at = now


class AddressBuckets:
    """One bucket for each client address, at most ``max_addresses``; the one unused longest is forgotten."""

    def __init__(self, rate: float, burst: int, max_addresses: int = MAX_ADDRESSES) -> None:
        self._rate = rate
        self._burst = burst
        self._max_addresses = max_addresses
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, address: str, now: float) -> float:
        """Seconds until this address may go on; of an unknown one nothing is kept."""
        bucket = self._buckets.get(address_key(address))
        return 0.0 if bucket is None else bucket.wait(now)

    def bucket(self, address: str) -> TokenBucket:
        """The bucket of an address as the socket names it, made full if it is new."""
        key = address_key(address)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._rate, self._burst)
            if len(self._buckets) > self._max_addresses:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket


class Turned(NamedTuple):
    """A new link that may not come in now: the HTTP status and what goes with it."""

    status: int
    retry_after: float
    reason: str


class OpenLinks:
    """How many links each address has open now; at most ``limit``."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: Counter[str] = Counter()

    def has_room(self, address: str) -> bool:
        return self._open.get(address_key(address), 0) < self.limit

    def opened(self, address: str) -> None:
        self._open[address_key(address)] += 1

    def closed(self, address: str) -> None:
        key = address_key(address)
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]


class LinkLimits:
    """How many new links an address, and the whole node, may open; ``burst`` is one second of the rate."""

    def __init__(self, per_address: float, per_node: float, max_addresses: int = MAX_ADDRESSES) -> None:
        self._addresses = AddressBuckets(per_address, max(1, round(per_address)), max_addresses)
        self._node = TokenBucket(per_node, max(1, round(per_node)))
        self._turns = TokenBucket(TURNS_SHARE * per_node, 1)

    def admit(self, address: str, now: float) -> Turned | None:
        """None for a link that may come in; what to answer otherwise.

        429 when this address is too fast, and it costs the others nothing; 503 when all together are.
        """
        bucket = self._addresses.bucket(address)
        wait = bucket.wait(now)
        if wait > 0.0:
            return Turned(
                429, wait, "too many new links from this address; come back after Retry-After seconds"
            )
        if not self._node.try_take(now):
            # Each gets a turn of its own, or all of a crowd would be back in one moment.
            turn = self._turns.wait(now)
            turn = self._turns.take(now) if turn < LONGEST_TURN else turn
            wait = self._node.wait(now) + turn
            return Turned(503, wait, "too many new links at this server; come back after Retry-After seconds")
        bucket.try_take(now)
        return None


def largest(holders: Iterable[tuple[int, HolderT]], excess: int) -> list[HolderT]:
    """Those who hold most, as few as have ``excess`` together; who holds nothing is never among them."""
    found: list[HolderT] = []
    for size, holder in sorted(holders, key=lambda each: -each[0]):
        if excess <= 0 or size == 0:
            break
        excess -= size
        found.append(holder)
    return found


def address_key(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address.

    One customer is given a whole /64 (RFC 6177), so single addresses there cost nothing to change.
    An IPv4-mapped address is the IPv4 address. What is no address (a UNIX socket) counts as one.
    """
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> 64:016x}/64"
