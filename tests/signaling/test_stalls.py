"""What holds up the loop is named."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from signaling.metrics import Metrics
from signaling.stalls import PATIENCE, Stalls


def something_slow() -> None:
    time.sleep(4 * PATIENCE)


async def test_what_holds_up_the_loop_is_told_once_with_where_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    stalls = Stalls(metrics)
    with caplog.at_level(logging.WARNING, "signaling.stalls"):
        stalls.start(asyncio.get_running_loop())
        something_slow()
        stalls.stop()
    assert metrics.loop_stalls == 1
    (told,) = [each for each in caplog.records if each.name == "signaling.stalls"]
    assert "something_slow (" in told.getMessage()
    assert "test_stalls.py" in told.getMessage()
