"""Whether the other side is still there: when to ask, and what its answers say (RFC 7675).

Time comes in as an argument; nothing is sent from here.
"""

from __future__ import annotations

import math

PROBE_INTERVAL = 0.5
"""After so much silence the other side is asked, and again, whether or not it has answered by then."""
MEASURE_INTERVAL = 2.5
"""Also who hears all the time asks: only an answer to a question gives the round trip time."""
CONSENT_LASTS = 30.0
"""RFC 7675 section 5.1: without an answer for so long, nothing but questions may be sent."""
FAR = 0.25
"""Round trips that are longer: who asks only when nothing has been heard would be silent for too long."""
PROBE_LASTS = 10.0
"""An answer that takes longer is none. Round trips of seconds happen, over satellites and full buffers."""
_SMOOTHING = 0.125
"""RFC 6298 section 2."""


class Consent:
    """Of one selected pair, from the moment ``now`` at which it was selected."""

    def __init__(self, now: float, rtt: float | None = None) -> None:
        self.heard_at = now
        """The last sign of life: a STUN message that proves who sent it, or data while there is consent."""
        self.rtt = rtt
        """Seconds, smoothed."""
        self._answered_at = now
        self._probed_at = -math.inf
        self._data_at = -math.inf

    @property
    def probe_at(self) -> float:
        """When the next question is due; it changes with everything that is heard."""
        if self.rtt is None and self._probed_at == -math.inf:
            return self._answered_at
        is_near = self.rtt is not None and self.rtt <= FAR
        silent = max(self.heard_at if is_near else self._data_at, self._probed_at) + PROBE_INTERVAL
        return min(silent, max(self._probed_at, self._answered_at) + MEASURE_INTERVAL)

    def probed(self, now: float) -> None:
        self._probed_at = now

    def answered(self, now: float, rtt: float) -> None:
        """A question has its answer, after ``rtt`` seconds."""
        self.heard_at = self._answered_at = now
        self.rtt = rtt if self.rtt is None else self.rtt + _SMOOTHING * (rtt - self.rtt)

    def asked(self, now: float) -> None:
        """The other side has asked us."""
        self.heard_at = now

    def data(self, now: float) -> None:
        """A datagram came. Anybody can send one; it counts only where questions are answered too."""
        if self.may_send(now):
            self.heard_at = self._data_at = now

    def may_send(self, now: float) -> bool:
        return now - self._answered_at < CONSENT_LASTS
