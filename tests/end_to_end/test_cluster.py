"""The main faults of a cluster, small, over Redis and NATS at once; ``make cluster`` has all in full."""

from __future__ import annotations

import asyncio
import shutil
from typing import get_args

import pytest

from tests.cluster.house import BROKERS, House, Kind
from tests.cluster.scenarios import Entry, Fault, killed_broker, killed_node, partition, rolling_restart
from tests.cluster.trial import trial
from tests.end_to_end.conftest import eventually

pytestmark = pytest.mark.end_to_end

ROOMS = 6
RATE = 20.0


async def one_after_the_other(house: House, seconds: float) -> Fault:
    """the broker is killed; a node is cut off; all are restarted in turn; one is killed"""
    for fault, length in ((killed_broker, 2.0), (partition, 4.5), (rolling_restart, 0.0)):
        await fault(house, length)
        await eventually(house.is_whole, "all nodes know of each other again")
    await killed_node(house, 0.0)
    return Fault(house.nodes, [])


async def test_whatever_happens_to_nodes_and_their_bus_no_signal_is_lost_or_doubled() -> None:
    for kind in BROKERS.values():
        if shutil.which(kind.program) is None:
            pytest.skip(f"{kind.program} is not installed; scripts/install-system does it")
    entry = Entry("F2", one_after_the_other, seconds=4.0, watch=2.0)
    async with asyncio.TaskGroup() as tasks:
        trials = [
            tasks.create_task(trial(entry, bus, ROOMS, RATE, PEERLANE_SESSION_SETTLE="5"))
            for bus in get_args(Kind)
        ]
    for task in trials:
        found = task.result()
        assert not found.problems, found
        assert found.counts.said > 10 * RATE
