"""Signals to one peer: what it has not acknowledged, and when that is said again.

The peer keeps nothing of what comes after a gap, so all from there on is said again: at once when it
acknowledges the same number twice, and after a time-out when it says nothing. A time-out may be wrong, so one
signal goes first; each acknowledgement then lets twice as many go.
"""

from __future__ import annotations

from collections import deque
from math import inf

import msgspec

from peer.errors import Full
from peer.signaling_client.allowance import Allowance
from peer.signaling_client.incoming import ACK_DELAY

MAX_UNACKNOWLEDGED = 256
MAX_UNACKNOWLEDGED_BYTES = 1_048_576
FIRST_TIMEOUT = 3.0
LONGEST_TIMEOUT = 30.0
WINDOW = 32
"""So many that were said again may be on their way; sixteen are acknowledged at once."""
USUAL_ROUND_TRIP = 1.0
"""Until one was measured."""


class Kept(msgspec.Struct):
    n: int
    payload: msgspec.Raw | None
    """None once the sender has been told that it was not delivered."""

    @property
    def size(self) -> int:
        return len(self.payload or b"")


class Outgoing:
    __slots__ = (
        "_bytes",
        "_goes_on",
        "_is_away",
        "_repeated_at",
        "_round_trip",
        "_said",
        "_said_ever",
        "_timed",
        "_timeout",
        "_window",
        "is_present",
        "last",
        "resend_at",
        "unacknowledged",
        "until",
    )

    def __init__(self) -> None:
        self.last = 0
        self.unacknowledged: deque[Kept] = deque()
        self.is_present = False
        """The peer shares a room with us, as far as we know."""
        self.until = inf
        """When to give up on one whom the server did not know; infinite: no doubt."""
        self.resend_at = inf
        self._is_away = False
        self._bytes = 0
        self._said = 0
        """Up to here, since we last went back to the first that is not acknowledged."""
        self._said_ever = 0
        """The same without going back; since the peer appeared."""
        self._goes_on = False
        """What is due is the rest of what is being said again, no time-out."""
        self._window = WINDOW
        self._timeout = FIRST_TIMEOUT
        self._repeated_at = -inf
        """When we last went back."""
        self._round_trip = USUAL_ROUND_TRIP
        self._timed: tuple[int, float] | None = None
        """A number that was said once, and when."""

    @property
    def acknowledged(self) -> int:
        return self.last - len(self.unacknowledged)

    def keep(self, payload: msgspec.Raw, now: float) -> Kept | None:
        """Number a payload; None when it is not to be said yet. Raises Full when too much is kept."""
        if (
            len(self.unacknowledged) >= MAX_UNACKNOWLEDGED
            or self._bytes + len(payload) > MAX_UNACKNOWLEDGED_BYTES
        ):
            raise Full("too many signals wait for this peer", hint="wait until some are acknowledged")
        is_next = self._said == self.last
        self.last += 1
        self._bytes += len(payload)
        kept = Kept(self.last, payload)
        self.unacknowledged.append(kept)
        if self.resend_at == inf:
            self._wait(now)
        # While others are said again, this one would only follow a gap.
        if not self.is_present or not is_next:
            return None
        self._said = self._said_ever = kept.n
        if self._timed is None:
            self._timed = kept.n, now
        return kept

    def confirm(self, n: int, now: float) -> None:
        """The peer has had all up to this number."""
        if n == self.acknowledged:
            self._found_gap(now)
        if n <= self.acknowledged:
            return
        while self.unacknowledged and self.unacknowledged[0].n <= n:
            self._bytes -= self.unacknowledged.popleft().size
        self._timeout = FIRST_TIMEOUT
        self._window = min(2 * self._window, WINDOW)
        if self._timed is not None and self._timed[0] <= n:
            self._round_trip = min(now - self._timed[1], FIRST_TIMEOUT)
            self._timed = None
        if n > self._said:
            # What was said first has arrived: it was only late, and so may be the rest.
            self._said = max(self._said_ever, self.acknowledged)
        self._wait(now)
        if self._said < self.last and self.resend_at < inf:
            self._go_on(now)

    def appear(self, is_away: bool, now: float) -> list[Kept]:
        """What to say to one who may have missed all that is not acknowledged."""
        self.until = inf
        if self.is_present:
            self.set_away(is_away, now)
            return []
        self.is_present, self._is_away = True, is_away
        self._said = self._said_ever = self.last
        self._repeated_at = now
        self.restart(now)
        return list(self.unacknowledged)

    def disappear(self) -> None:
        """It cannot be reached now; it may come back."""
        self.is_present = False
        self.rest()

    def set_away(self, is_away: bool, now: float) -> None:
        """Whether it has a link; without one, the server keeps for it what is said."""
        if is_away != self._is_away:
            self._is_away = is_away
            self.restart(now)

    def restart(self, now: float) -> None:
        """It has had no chance to acknowledge until now."""
        self._timeout = FIRST_TIMEOUT
        self._timed = None
        self._wait(now)

    def rest(self) -> None:
        """Nothing is said again until there is something new."""
        self._goes_on = False
        self.resend_at = inf

    def give_up(self) -> list[msgspec.Raw]:
        """The peer has gone: the payloads that it has not acknowledged."""
        self.disappear()
        self.until = inf
        self._bytes = 0
        undelivered = [kept.payload for kept in self.unacknowledged if kept.payload is not None]
        for kept in self.unacknowledged:
            kept.payload = None
        return undelivered

    def say_again(self, now: float, allowance: Allowance) -> list[Kept]:
        """What is due, as far as there is room on the way to this peer, and to the server."""
        if not self._goes_on:
            self._timeout = min(2 * self._timeout, LONGEST_TIMEOUT)
            self._go_back(1, now)
        again = []
        limit = min(self.last, self.acknowledged + self._window)
        while self._said < limit and now >= allowance.ready_at:
            kept = self.unacknowledged[self._said - self.acknowledged]
            allowance.spend(kept.size, now)
            again.append(kept)
            self._said = kept.n
        self._said_ever = max(self._said_ever, self._said)
        if self._said >= limit:
            self._wait(now)
        return again

    def _found_gap(self, now: float) -> None:
        """It has dropped something. After a gap, if it has had two or more; otherwise a double."""
        is_long_ago = now >= self._repeated_at + self._round_trip + ACK_DELAY
        if self.resend_at < inf and self._said_ever >= self.acknowledged + 2 and is_long_ago:
            self._go_back(WINDOW, now)

    def _go_back(self, window: int, now: float) -> None:
        self._said = self.acknowledged
        self._window = window
        self._repeated_at = now
        self._timed = None
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        self._goes_on = True
        self.resend_at = min(self.resend_at, now)

    def _wait(self, now: float) -> None:
        """Begin the time-out, if there is somebody to wait for."""
        self._goes_on = False
        is_waited_for = bool(self.unacknowledged) and self.is_present and not self._is_away
        self.resend_at = now + self._timeout if is_waited_for else inf
