"""From what was seen to what is said about it. ``web/lib/nat/build.js`` is the twin."""

from __future__ import annotations

from peer.nat.behaviour import behaviours
from peer.nat.expectations import expectations
from peer.nat.observations import Observations
from peer.nat.report import Report
from peer.nat.sections import sections
from peer.nat.verdict import verdict


def report(observations: Observations) -> Report:
    """Never raises, whatever was seen."""
    found = behaviours(observations)
    expected = expectations(observations, found)
    return Report(
        verdict=verdict(observations, found, expected),
        behaviour=found,
        sections=sections(observations, found),
        expectations=expected,
        observations=observations,
    )
