"""A lab for each test, on machines that can have one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.natlab.lab import Lab
from tests.needs import require


@pytest.fixture
def lab() -> Iterator[Lab]:
    require("lab")
    with Lab() as lab:
        yield lab
