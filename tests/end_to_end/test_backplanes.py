"""The buses with a real broker behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signaling.backplane.buses import make_backplane
from tests.contracts.backplane import BackplaneContract, Make
from tests.end_to_end.brokers import Nats, Redis, running

pytestmark = pytest.mark.end_to_end


class TestRedis(BackplaneContract):
    @pytest.fixture
    async def make(self, tmp_path: Path) -> AsyncIterator[Make]:
        async with running(Redis(tmp_path)) as broker:
            yield lambda: make_backplane(broker.url)


class TestNats(BackplaneContract):
    @pytest.fixture
    async def make(self, tmp_path: Path) -> AsyncIterator[Make]:
        async with running(Nats(tmp_path)) as broker:
            yield lambda: make_backplane(broker.url)
