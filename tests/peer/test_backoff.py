from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.backoff import CAP, after_advice, delay

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "backoff.json").read_text())


@pytest.mark.parametrize("example", VECTORS, ids=str)
def test_delays_are_as_the_table_says(example: dict[str, float]) -> None:
    assert delay(int(example["attempt"]), example["fraction"]) == example["delay"]


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_no_delay_is_longer_than_the_cap(attempt: int, fraction: float) -> None:
    assert 0 <= delay(attempt, fraction) <= CAP


def test_the_advice_of_the_server_is_the_least_one_waits() -> None:
    assert after_advice(5.0, 0, 0.5) == 5.25
    assert after_advice(-5.0, 0, 0.5) == 0.25
