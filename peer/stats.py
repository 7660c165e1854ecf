"""How a connection does, in the words that the browser's twin uses too."""

from __future__ import annotations

from typing import Literal

import msgspec

Quality = Literal["good", "fair", "poor", "none"]
FAIR_RTT, POOR_RTT = 0.3, 0.8
"""From 0.3 s on, people begin to talk at the same time; past 0.8 s a talk is hardly possible."""

PairOutcome = Literal[
    "selected",
    "answered",
    "untried",
    "outrun",
    "waiting",
    "checking",
    "no-answer",
    "refused",
    "misplaced",
    "denied",
    "unsent",
]
"""``answered``: it works too, another was taken; ``untried`` and ``outrun``: another was taken before it was
checked, or had answered; ``waiting`` and ``checking``: still to be decided. The others have failed:
``misplaced`` was answered from somewhere else, ``denied`` is what the TURN server does not send to, and
``unsent`` never left this machine."""


class PairReport(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate of ours and one of theirs. Endpoints are text, as ``192.0.2.1:5000``."""

    outcome: PairOutcome
    local_type: str
    """``host``, ``srflx``, ``prflx`` or ``relay``, as ``remote_type``."""
    local: str
    seen: str
    """How the other side sees us on this pair, where a NAT has changed it."""
    remote_type: str
    remote: str
    family: Literal[4, 6]
    protocol: Literal["udp", "tcp", "tls"]
    """How this machine speaks with its relay; ``udp`` without one."""
    rtt: float | None
    """Seconds, of the first check; None: not measured."""


class PeerStatistics(msgspec.Struct, frozen=True):
    """``none``: there is no path now."""

    route: Literal["direct", "reflexive", "relayed"] | None = None
    protocol: Literal["udp", "tcp", "tls"] | None = None
    rtt: float | None = None
    """Seconds."""
    local: str = ""
    remote: str = ""
    """Candidate types."""
    sent_bytes: int = 0
    received_bytes: int = 0
    """Since this connection began, with media; the next one after a rebuild begins at 0."""

    @property
    def quality(self) -> Quality:
        if self.route is None:
            return "none"
        if self.rtt is None or self.rtt < FAIR_RTT:
            return "good"
        return "fair" if self.rtt < POOR_RTT else "poor"
