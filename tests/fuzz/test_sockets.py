"""A real server bears frames at random."""

from __future__ import annotations

import pytest

from tests.fuzz import sockets

pytestmark = pytest.mark.end_to_end


def test_a_server_that_is_fed_frames_at_random_serves_the_next_one() -> None:
    row = sockets.run(seed=1, frames=320)
    assert row.inputs >= 320
    assert row.findings == []
