"""Who may come in now, and why not: the rates of addresses and of the node, its shortages, its leaving."""

from __future__ import annotations

from signaling.config import LimitsConfig
from signaling.limits import AddressBuckets, LinkLimits, OpenLinks, Turned
from signaling.metrics import LinkResult, Metrics
from signaling.pressure import Pressure, Shortage
from signaling.protocol.errors import CROWDED, DRAINING

# Seconds' worth of requests for credentials that an address may make at once.
CREDENTIALS_AT_ONCE = 10.0
# Seconds' worth: a whole office comes back with tickets of a server that has lost its key.
BAD_TICKETS_AT_ONCE = 60.0
SHORTAGE_AFTER = 5.0
"""Seconds after which a server that was short of something may be asked again."""
BAD_TICKETS = "too many sessions were asked for from this address with tickets that are not good"
BAD_TOKENS = "too many bad tokens from this address; come back after Retry-After seconds"
OFTEN = "too many requests for TURN credentials from this address; come back after Retry-After seconds"
SHORT: dict[Shortage, str] = {
    "memory": "this server is short of memory; come back after Retry-After seconds",
    "files": "this server has no more files to open; come back after Retry-After seconds",
}


class Gate:
    """Asked before anything is done for a newcomer. ``now`` is monotonic."""

    def __init__(self, limits: LimitsConfig, metrics: Metrics, pressure: Pressure) -> None:
        self._metrics = metrics
        self._pressure = pressure
        self._open = OpenLinks(limits.links_per_address)
        self.draining = False
        self.use(limits)

    def use(self, limits: LimitsConfig) -> None:
        """From now on these limits hold; who has used up the former ones starts with a full bucket."""
        self._open.limit = limits.links_per_address
        self._rates = LinkLimits(limits.links_per_second_per_address, limits.links_per_second)
        failures = limits.token_failures_per_minute_per_address
        self._bad_tokens = AddressBuckets(failures / 60.0, max(1, round(failures)))
        tickets = limits.bad_tickets_per_second_per_address
        self._bad_tickets = AddressBuckets(tickets, max(1, round(tickets * BAD_TICKETS_AT_ONCE)))
        rate = limits.credentials_per_second_per_address
        self._credentials = AddressBuckets(rate, max(1, round(rate * CREDENTIALS_AT_ONCE)))

    def why_not(self, address: str, now: float) -> Turned | None:
        """Why a new link from this address must wait; None when it may come in."""
        counted: LinkResult
        shortage = self._pressure.shortage
        if self.draining:
            counted, turned = "draining", _DRAINING
        elif shortage is not None:
            counted, turned = "shortage", Turned(503, SHORTAGE_AFTER, SHORT[shortage])
        else:
            crowded = None if self._open.has_room(address) else _CROWDED
            found = crowded or self.why_not_judged(address, now) or self._why_not_claim(address, now)
            found = found or self._rates.admit(address, now)
            if found is None:
                return None
            counted, turned = "address-limit" if found.status == 429 else "node-limit", found
            self._metrics.rate_limited["address" if found.status == 429 else "node"] += 1
        self._metrics.links_opened[counted] += 1
        return turned

    def why_not_judged(self, address: str, now: float) -> Turned | None:
        """Why no token from this address is looked at now; None when one is."""
        wait = self._bad_tokens.wait(address, now)
        return Turned(429, wait, BAD_TOKENS) if wait > 0.0 else None

    def count_bad_token(self, address: str, now: float) -> None:
        """After too many of them nobody at this address is let in for a while."""
        self._bad_tokens.bucket(address).take(now)

    def count_bad_ticket(self, address: str, now: float) -> None:
        """The same for tickets of sessions, which are guessed at no more often."""
        self._bad_tickets.bucket(address).take(now)

    def _why_not_claim(self, address: str, now: float) -> Turned | None:
        wait = self._bad_tickets.wait(address, now)
        return Turned(429, wait, BAD_TICKETS) if wait > 0.0 else None

    def why_no_credentials(self, address: str, now: float) -> Turned | None:
        """Why this address is given no TURN credentials now; None when it is, and that counts."""
        if self.draining:
            return _DRAINING
        bucket = self._credentials.bucket(address)
        if bucket.try_take(now):
            return None
        self._metrics.rate_limited["credentials"] += 1
        return Turned(429, bucket.wait(now), OFTEN)

    def opened(self, address: str) -> None:
        self._open.opened(address)

    def closed(self, address: str) -> None:
        self._open.closed(address)


_DRAINING = Turned(503, DRAINING.after, DRAINING.text)
_CROWDED = Turned(429, CROWDED.after, CROWDED.text)
