"""From what was seen to what is said about it. ``web/lib/nat/build.js`` is the twin."""

from __future__ import annotations

from peer.nat.behaviour import behaviours
from peer.nat.observations import Observations
from peer.nat.report import Report, Verdict


def report(observations: Observations) -> Report:
    """Never raises, whatever was seen."""
    found = behaviours(observations)
    verdict = Verdict("unknown", "Nothing is known yet.", [], 3)
    return Report(verdict=verdict, behaviour=found, sections=[], expectations=[], observations=observations)
