"""How long to wait before the next attempt: full jitter, so that a crowd does not return at once."""

from __future__ import annotations

BASE = 0.5
CAP = 30.0
LONGEST_ADVICE = 600.0


def delay(attempt: int, fraction: float, base: float = BASE, cap: float = CAP) -> float:
    """Seconds to wait before attempt number ``attempt`` (the first is 0).

    ``fraction`` is random, from 0 up to 1.
    """
    # The exponent is bounded because a float overflows at 2 ** 1024.
    return fraction * min(cap, base * 2.0 ** min(attempt, 64))


def after_advice(after: float, attempt: int, fraction: float) -> float:
    """Seconds to wait when the server has said ``after``; at most :data:`LONGEST_ADVICE` is believed.

    The advice is spread too: all clients of a server hear the same number.
    """
    return believed(after) + delay(attempt, fraction)


def believed(after: float) -> float:
    """What is believed of the seconds that a server has said."""
    # The order of the arguments turns NaN into LONGEST_ADVICE.
    return max(0.0, min(LONGEST_ADVICE, after))
