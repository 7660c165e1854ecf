"""The faults of a cluster in small, over Redis and over NATS at once; ``make cluster`` has them in full."""

from __future__ import annotations

import asyncio
import shutil
from typing import get_args

import pytest

from tests.cluster.house import BROKERS, Kind
from tests.cluster.scenarios import TABLE
from tests.cluster.trial import trial

pytestmark = pytest.mark.end_to_end

ROOMS = 6
RATE = 20.0
SHORT = {"F3": 6.0, "F4": 2.0, "F5b": 6.0, "F8": 6.0}
"""Seconds; long enough for the others to notice."""
IN_SMALL = {
    entry.id: entry._replace(seconds=SHORT.get(entry.id, entry.seconds), watch=2.0) for entry in TABLE
}


@pytest.mark.parametrize("id", ["F1", "F2", "F4", "F8"])
async def test_what_a_cluster_suffers_its_clients_do_not_notice(id: str) -> None:
    for kind in BROKERS.values():
        if shutil.which(kind.program) is None:
            pytest.skip(f"{kind.program} is not installed; scripts/install-system does it")
    entry = IN_SMALL[id]
    async with asyncio.TaskGroup() as tasks:
        trials = [
            tasks.create_task(trial(entry, bus, ROOMS, RATE, PEERLANE_SESSION_SETTLE="4"))
            for bus in get_args(Kind)
        ]
    for task in trials:
        found = task.result()
        assert not found.problems, found
        assert found.counts.said > 0
