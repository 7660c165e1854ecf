"""Chromium and Python behind real NATs; ``make natlab`` joins more pairs of networks."""

from __future__ import annotations

import pytest

from tests.natlab.nat.chromium import is_right, met
from tests.natlab.nat.places import world

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("internet", "chromium")]


async def test_a_page_and_a_program_meet_directly_or_by_relay_whoever_offers() -> None:
    async with world([]) as lab:
        for pair in (
            ("open", "port-restricted"),
            ("symmetric", "address-restricted"),
            ("address-restricted", "symmetric"),
            ("only-tcp-443", "only-tcp-443"),
        ):
            meetings = await met(lab, *pair)
            assert {each.first_offers for each in meetings} == {True, False}, meetings
            assert all(is_right(each) for each in meetings), meetings
