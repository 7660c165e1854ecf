"""How a connection does, in the words that the browser's twin uses too."""

from __future__ import annotations

from typing import Literal

import msgspec

Quality = Literal["good", "fair", "poor", "none"]
FAIR_RTT, POOR_RTT = 0.3, 0.8
"""From 0.3 s on, people begin to talk at the same time; past 0.8 s a talk is hardly possible."""


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
