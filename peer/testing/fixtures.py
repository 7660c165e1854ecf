"""Fixtures for pytest: ``pytest_plugins = ["peer.testing.fixtures"]`` in your ``conftest.py``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from peer.testing.network import BadNetwork
from peer.testing.time import ManualClock, run


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that stands until the test turns it; for rules that take ``now``."""
    return ManualClock()


@pytest.fixture
def bad_network(request: pytest.FixtureRequest) -> BadNetwork:
    """A network without faults, for ``set``; its seed is the test's name, so that each run is the same."""
    return BadNetwork(seed=sum(request.node.name.encode()))


@pytest.fixture
def in_virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine in virtual time: waiting takes no time."""
    return run
