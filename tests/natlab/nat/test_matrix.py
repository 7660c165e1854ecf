"""Telling pairs of networks; ``make natlab`` joins every network with every network."""

from __future__ import annotations

import pytest

from tests.natlab.nat.matrix import summary
from tests.natlab.nat.meetings import Meeting, meet, meet_bare
from tests.natlab.nat.networks import is_direct, network
from tests.natlab.nat.places import world

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("internet")]

PAIRS = (
    ("open", "port-restricted"),
    ("full-cone", "symmetric"),
    ("address-restricted", "address-restricted"),
    ("address-restricted", "port-restricted"),
    ("address-restricted", "symmetric-cgnat"),
    ("port-restricted", "port-restricted"),
    ("random-ports", "cgnat"),
    ("naive", "port-restricted"),
    ("symmetric", "port-restricted"),
    ("symmetric", "symmetric"),
    ("cgnat", "cgnat"),
    ("only-udp-3478", "port-restricted"),
    ("udp-blocked", "open"),
    ("only-tcp-443", "only-tcp-443"),
)


async def test_telling_pairs_connect_and_directly_where_that_is_possible() -> None:
    names = dict.fromkeys(name for pair in PAIRS for name in pair)
    async with world([network(name) for name in names]) as lab:
        for one, other in PAIRS:
            meeting = await meet(lab, lab.offering[one], lab.answering[other])
            assert meeting.path, meeting
            # Who offers is the server's choice, and the prediction goes by that.
            if is_direct(meeting.offerer, meeting.answerer):
                assert meeting.path in ("direct", "reflexive"), meeting
            elif "naive" not in (one, other):
                # There it is a matter of who knocks first, and may turn out better than predicted.
                assert meeting.path == "relayed", meeting


async def test_a_bare_connection_is_measured_in_the_same_lab() -> None:
    async with world([network("open"), network("port-restricted")], bare=True) as lab:
        meeting = await meet_bare(lab.offering["open"], lab.answering["port-restricted"])
    assert meeting.path in ("direct", "reflexive")
    assert meeting.milliseconds > 0


def test_the_summary_counts_what_was_predicted() -> None:
    direct = Meeting("open", "open", "direct", ("udp", "udp"), 20.0)
    relayed = Meeting("open", "open", "relayed", ("udp", "udp"), 500.0)
    said = summary({("open", "open"): [direct, relayed]}, {})
    assert said["ours: connected"] == "2 of 2"
    assert said["ours: direct where predicted"] == "1 of 2"
    assert said["ours: p50 ms where direct is predicted"] == 260.0
