"""A bus inside one process."""

from __future__ import annotations

import pytest

from signaling.backplane.base import BusAway
from signaling.backplane.buses import make_backplane
from signaling.backplane.memory import MemoryBackplane, MemoryBus
from tests.contracts.backplane import SUBJECTS, BackplaneContract, Make, running


class TestMemory(BackplaneContract):
    @pytest.fixture
    def make(self) -> Make:
        bus = MemoryBus()
        return lambda: MemoryBackplane(bus)


async def test_a_bus_that_is_turned_off_is_away_for_all() -> None:
    bus = MemoryBus()
    async with running(MemoryBackplane(bus), "a") as ana, running(MemoryBackplane(bus), "b") as ben:
        bus.usable = False
        ana.bus.publish(ben.inbox, b"lost")
        with pytest.raises(BusAway):
            await ana.bus.open(SUBJECTS.room("x"), b"")
        assert ana.bus.figures.dropped == 1
        bus.usable = True
        ana.bus.publish(ben.inbox, b"heard")
        assert await ben.until_heard(1) == [b"heard"]
        assert ben.changes == [True, False, True]


async def test_buses_of_one_name_are_one_bus() -> None:
    first, second, third = (make_backplane(url) for url in ("memory:x", "memory:x", "memory:y"))
    async with running(first, "a") as ana, running(second, "b") as ben, running(third, "c") as cem:
        ana.bus.publish(SUBJECTS.everyone, b"hello")
        assert await ben.until_heard(1) == [b"hello"]
        assert cem.heard == []
