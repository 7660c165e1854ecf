"""What holds for all tests."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests import needs

# A time limit for each example says more about how busy the machine is than about the code.
BUSY = [HealthCheck.too_slow]
settings.register_profile("peerlane", deadline=None, suppress_health_check=BUSY)
settings.load_profile("peerlane")
# ``pytest --hypothesis-profile=thorough`` looks harder.
settings.register_profile("thorough", deadline=None, suppress_health_check=BUSY, max_examples=3_000)

# A shell without job control makes what it starts in the background deaf to Ctrl-C, and all that this starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            needs.require(name)
