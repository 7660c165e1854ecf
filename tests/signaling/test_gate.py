"""Who may come in, and what the others are told."""

from __future__ import annotations

import pytest

from signaling.config import LimitsConfig
from signaling.gate import Gate
from signaling.metrics import Metrics
from signaling.pressure import Pressure, Shortage

HOME = "192.0.2.1"


def gate(**limits: float) -> tuple[Gate, Metrics, Pressure]:
    metrics, pressure = Metrics(), Pressure()
    return Gate(LimitsConfig(**limits), metrics, pressure), metrics, pressure  # type: ignore[arg-type] # numbers


@pytest.mark.parametrize("shortage", ["memory", "files"])
def test_a_server_that_is_short_of_something_takes_nobody_in_and_says_what_it_lacks(
    shortage: Shortage,
) -> None:
    door, metrics, pressure = gate()
    assert door.why_not(HOME, 0.0) is None
    pressure.shortage = shortage
    turned = door.why_not(HOME, 0.0)
    assert turned is not None
    assert (turned.status, turned.retry_after > 0) == (503, True)
    assert shortage in turned.reason
    assert metrics.links_opened["shortage"] == 1
    pressure.shortage = None
    assert door.why_not(HOME, 0.0) is None


def test_a_server_that_leaves_says_so_first() -> None:
    door, metrics, pressure = gate()
    door.draining, pressure.shortage = True, "memory"
    turned = door.why_not(HOME, 0.0)
    assert turned is not None
    assert "leaving" in turned.reason
    assert door.why_no_credentials(HOME, 0.0) == turned
    assert (metrics.links_opened["draining"], metrics.links_opened["shortage"]) == (1, 0)


def test_the_links_of_one_address_are_counted_while_they_are_open() -> None:
    door, metrics, _ = gate(links_per_address=2)
    door.opened(HOME)
    door.opened(HOME)
    turned = door.why_not(HOME, 0.0)
    assert turned is not None
    assert turned.status == 429
    assert metrics.rate_limited["address"] == 1
    door.closed(HOME)
    assert door.why_not(HOME, 0.0) is None


def test_credentials_are_given_ten_seconds_worth_at_once_and_then_at_their_rate() -> None:
    door, metrics, _ = gate(credentials_per_second_per_address=2.0)
    assert [door.why_no_credentials(HOME, 0.0) for _ in range(20)] == [None] * 20
    turned = door.why_no_credentials(HOME, 0.0)
    assert turned is not None
    assert (turned.status, turned.retry_after) == (429, 0.5)
    assert door.why_no_credentials("192.0.2.2", 0.0) is None
    assert door.why_no_credentials(HOME, 0.5) is None
    assert metrics.rate_limited["credentials"] == 1


@pytest.mark.parametrize(("count", "burst"), [("count_bad_token", 10), ("count_bad_ticket", 600)])
def test_who_guesses_is_sent_away_for_a_while_and_nobody_else(count: str, burst: int) -> None:
    door, _, _ = gate()
    for _ in range(burst):
        getattr(door, count)(HOME, 0.0)
    getattr(door, count)(HOME, 0.0)
    turned = door.why_not(HOME, 0.0)
    assert turned is not None
    assert turned.status == 429
    assert door.why_not("192.0.2.2", 0.0) is None
    assert door.why_not(HOME, turned.retry_after + 1.0) is None
