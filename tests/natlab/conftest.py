"""A lab for each test, on machines that can have one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.natlab.lab import Lab
from tests.natlab.namespaces import reason_not_here


@pytest.fixture
def lab() -> Iterator[Lab]:
    reason = reason_not_here()
    if reason is not None:
        pytest.skip(reason)
    with Lab() as lab:
        yield lab
