"""One server and one witness for all attacks of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.hostile.stage import Stage, Watched, attacking, watched


@pytest.fixture(scope="session")
def house() -> Iterator[Watched]:
    with watched() as house:
        yield house


@pytest.fixture
async def stage(house: Watched) -> AsyncIterator[Stage]:
    async with attacking(house, is_full=False) as stage:
        yield stage
