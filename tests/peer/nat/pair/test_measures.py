"""Figures out of datagrams, with a clock that is an argument."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.pair.measures import (
    DATAGRAM_BYTES,
    PING,
    PONG,
    Arrivals,
    Rate,
    RoundTrips,
    pong,
    quantile,
    read,
)


def test_a_ping_is_answered_with_its_own_number() -> None:
    trips = RoundTrips()
    datagram = trips.send(10.0)
    assert len(datagram) == DATAGRAM_BYTES
    assert read(datagram) == (PING, 0, 10.0)
    assert read(pong(datagram)) == (PONG, 0, 10.0)


@given(st.binary() | st.text() | st.binary(min_size=DATAGRAM_BYTES, max_size=DATAGRAM_BYTES))
def test_whatever_comes_can_be_read_or_is_ignored(datagram: bytes | str) -> None:
    told = read(datagram)
    assert told is None or told[0] in (PING, PONG)


def test_round_trips_have_a_least_a_median_and_a_tail() -> None:
    trips = RoundTrips()
    for number in range(100):
        trips.send(float(number))
        trips.answered(number, number + 0.001 * (number + 1))
    result = trips.result()
    assert result is not None
    assert (result.count, result.least, result.median, result.p99) == (
        100,
        pytest.approx(0.001),
        pytest.approx(0.050),
        pytest.approx(0.099),
    )


def test_an_answer_to_what_was_not_asked_or_a_second_one_counts_for_nothing() -> None:
    trips = RoundTrips()
    trips.send(0.0)
    trips.answered(7, 0.1)
    trips.answered(0, 0.2)
    trips.answered(0, 5.0)
    result = trips.result()
    assert result is not None
    assert (result.count, result.p99) == (1, pytest.approx(0.2))


def test_without_an_answer_there_is_no_round_trip() -> None:
    trips = RoundTrips()
    trips.send(0.0)
    assert trips.result() is None


def test_what_comes_twice_is_counted_once_and_what_was_overtaken_is_told() -> None:
    arrivals = Arrivals()
    for number in (0, 2, 1, 1, 3):
        arrivals.take(number, number * 0.01, 5 + number * 0.01)
    assert (arrivals.count, arrivals.reordered) == (4, 1)


def test_an_even_flow_has_no_jitter_whatever_the_two_clocks_say() -> None:
    arrivals = Arrivals()
    assert arrivals.jitter is None
    for number in range(50):
        arrivals.take(number, 1_000 + number * 0.01, number * 0.01)
    assert arrivals.jitter == pytest.approx(0.0, abs=1e-9)


def test_an_uneven_flow_has_jitter() -> None:
    arrivals = Arrivals()
    for number in range(200):
        arrivals.take(number, number * 0.01, number * 0.01 + (0.02 if number % 2 else 0.0))
    assert arrivals.jitter == pytest.approx(0.02, rel=0.05)


def test_a_rate_is_measured_from_the_first_message_on() -> None:
    rate = Rate()
    assert rate.result() is None
    rate.take(1_000, 10.0)
    assert rate.result() is None
    rate.take(1_000, 10.5)
    rate.take(1_000, 11.0)
    assert rate.result() == pytest.approx(2_000)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values_and_the_share_does_not_exceed_it(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    found = quantile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
