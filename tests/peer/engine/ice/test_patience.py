"""How long a relay waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peer.engine.ice.patience import BASE, LEAST, MOST, UNKNOWN, relay_due_at

moments = st.floats(0, 1e6)
round_trips = st.floats(0, 10)


def test_a_relay_that_is_near_waits_for_half_a_second() -> None:
    assert relay_due_at(10.0, 10.0, 0.001) == 10.0 + LEAST


def test_a_relay_that_is_far_away_waits_longer() -> None:
    assert relay_due_at(10.0, 10.0, 0.2) > 10.0 + 1.0


def test_a_direct_pair_that_has_just_been_found_gets_its_time() -> None:
    assert relay_due_at(10.0, 10.45, 0.001) > 10.45 + BASE


def test_a_relay_of_which_no_round_trip_is_known_counts_as_far_away() -> None:
    assert relay_due_at(10.0, 10.0, None) == relay_due_at(10.0, 10.0, UNKNOWN) > 11.0


@given(moments, st.floats(0, 100), st.none() | round_trips)
def test_a_relay_never_waits_less_than_the_least_or_more_than_the_most(
    begun_at: float, newest_after: float, rtt: float | None
) -> None:
    waited = relay_due_at(begun_at, begun_at + newest_after, rtt) - begun_at
    assert LEAST - 1e-6 <= waited <= MOST + 1e-6
