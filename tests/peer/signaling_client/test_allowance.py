"""How much may be said again; ``tests/vectors/allowance.json`` binds both languages."""

from __future__ import annotations

import json
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from peer.signaling_client.allowance import Allowance

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "allowance.json").read_text())


@pytest.mark.parametrize("case", VECTORS["cases"])
def test_what_was_said_again_is_followed_by_a_pause(case: dict[str, Any]) -> None:
    allowance = Allowance()
    allowance.follow(case["messages_per_second"])
    for now, size, ready_at in case["steps"]:
        assert now >= allowance.ready_at
        allowance.spend(size, now)
        assert allowance.ready_at == pytest.approx(ready_at)


@pytest.mark.parametrize("nonsense", [nan, inf, -inf, -1.0, 5e-324])
def test_a_hostile_number_stops_nothing(nonsense: float) -> None:
    allowance = Allowance()
    allowance.follow(nonsense)
    for _ in range(100):
        allowance.spend(10, max(0.0, allowance.ready_at))
    assert 0.0 <= allowance.ready_at <= 100.0
