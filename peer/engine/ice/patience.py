"""How long a relay that works waits for a direct path. Pure.

Too short, and a call goes through a relay for good although it need not; too long, and everybody who needs
the relay waits. A relay that answers says how far away things are: a direct path is seldom longer.
"""

from __future__ import annotations

LEAST = 0.5
"""On a network without delays: time for candidates that come late, and for one check that was dropped by the
other side's NAT before it had sent one itself."""
MOST = 2.0
BASE = 0.3
ROUND_TRIPS = 4
"""STUN server, signaling server, a check that is dropped, a check that is answered."""
UNKNOWN = 0.2
SETTLE_ROUND_TRIPS = 2
"""For a pair that has only just been found."""


def relay_due_at(begun_at: float, newest_at: float, rtt: float | None) -> float:
    """The ``now`` from which a relayed pair with this round trip may be selected.

    ``begun_at``: when checks have begun; ``newest_at``: when the newest direct pair has begun to be checked.
    Without a round trip (each took more than one try) it is taken for a long one.
    """
    rtt = UNKNOWN if rtt is None else rtt
    patience = begun_at + max(LEAST, BASE + ROUND_TRIPS * rtt)
    settled = newest_at + BASE + SETTLE_ROUND_TRIPS * rtt
    return min(begun_at + MOST, max(patience, settled))
