"""Situations that no network makes alone, and what is told of networks beside mapping and filtering."""

from __future__ import annotations

import pytest

from tests.natlab.nat.places import world
from tests.natlab.nat.rootless import reason_no_internet_here
from tests.natlab.nat.special import SITUATIONS, met

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(reason_no_internet_here() is not None, reason=str(reason_no_internet_here())),
]


async def test_each_situation_has_the_path_that_it_allows() -> None:
    found = {}
    async with world([]) as lab:
        for situation in SITUATIONS:
            async with met(lab, situation) as meeting:
                found[situation.name] = meeting
    wrong = [(each.name, found[each.name]) for each in SITUATIONS if found[each.name].path not in each.paths]
    assert wrong == []
