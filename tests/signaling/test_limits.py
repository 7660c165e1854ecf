"""Token buckets keep their rate, and an address cannot use up what belongs to the others."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.limits import (
    LONGEST_TURN,
    TURNS_SHARE,
    AddressBuckets,
    LinkLimits,
    TokenBucket,
    address_key,
    largest,
)


def test_a_burst_passes_at_once_and_then_each_taker_waits_its_turn() -> None:
    bucket = TokenBucket(rate=10.0, burst=3)
    assert [bucket.take(100.0) for _ in range(5)] == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2])


def test_a_debt_is_paid_by_waiting() -> None:
    bucket = TokenBucket(rate=10.0, burst=1)
    bucket.take(0.0)
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.2) == pytest.approx(0.0)


def test_trying_takes_nothing_when_there_is_nothing() -> None:
    bucket = TokenBucket(rate=2.0, burst=1)
    assert bucket.try_take(0.0)
    assert not any(bucket.try_take(0.4) for _ in range(100))
    assert bucket.try_take(0.5)


def test_a_rest_fills_the_bucket_to_the_burst_and_no_further() -> None:
    bucket = TokenBucket(rate=100.0, burst=2)
    bucket.take(0.0)
    assert [bucket.try_take(1_000.0) for _ in range(3)] == [True, True, False]


def test_a_clock_that_stands_still_or_steps_back_gives_nothing_away() -> None:
    bucket = TokenBucket(rate=1.0, burst=1)
    assert bucket.try_take(10.0)
    assert not bucket.try_take(5.0)
    assert not bucket.try_take(10.0)
    assert bucket.try_take(11.0)


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (-1.0, 1), (1.0, 0)])
def test_a_bucket_that_lets_nothing_through_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        TokenBucket(rate, burst)


@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=60), st.floats(0.5, 50.0), st.integers(1, 20))
def test_no_more_passes_than_the_burst_and_the_rate_allow(gaps: list[float], rate: float, burst: int) -> None:
    bucket, now, passed = TokenBucket(rate, burst), 0.0, 0
    for index, gap in enumerate(gaps):
        now += gap if index else 0.0
        passed += bucket.try_take(now)
    assert passed <= burst + rate * now + 1e-6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::2"),
    ],
)
def test_addresses_of_one_customer_share_a_bucket(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("192.0.2.7", "192.0.2.8"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("", "192.0.2.7")],
)
def test_addresses_of_two_customers_do_not(one: str, other: str) -> None:
    assert address_key(one) != address_key(other)


@given(st.text(max_size=60))
def test_any_text_at_all_has_a_key(text: str) -> None:
    assert isinstance(address_key(text), str)


def test_the_number_of_remembered_addresses_is_bounded() -> None:
    buckets = AddressBuckets(rate=1.0, burst=1, max_addresses=10)
    for index in range(1_000):
        buckets.bucket(f"10.0.{index // 256}.{index % 256}").try_take(0.0)
    assert len(buckets) == 10


def test_the_address_unused_longest_is_forgotten_first() -> None:
    buckets = AddressBuckets(rate=0.001, burst=1, max_addresses=2)
    buckets.bucket("10.0.0.1").try_take(0.0)
    buckets.bucket("10.0.0.2")
    buckets.bucket("10.0.0.1")
    buckets.bucket("10.0.0.3")
    assert not buckets.bucket("10.0.0.1").try_take(0.0)


def test_a_hasty_address_gets_429_and_the_others_come_in() -> None:
    limits = LinkLimits(per_address=2.0, per_node=100.0)
    turned = [limits.admit("192.0.2.1", 0.0) for _ in range(3)]
    assert turned[:2] == [None, None]
    assert turned[2] is not None
    assert (turned[2].status, turned[2].retry_after) == (429, pytest.approx(0.5))
    assert limits.admit("192.0.2.2", 0.0) is None


def test_a_hasty_address_does_not_use_up_what_the_node_can_take() -> None:
    limits = LinkLimits(per_address=1.0, per_node=3.0)
    for _ in range(1_000):
        limits.admit("192.0.2.1", 0.0)
    assert limits.admit("192.0.2.2", 0.0) is None


def test_too_many_together_get_503_and_when_to_come_back() -> None:
    limits = LinkLimits(per_address=10.0, per_node=4.0)
    turned = [limits.admit(f"192.0.2.{index}", 0.0) for index in range(5)]
    assert turned[:4] == [None] * 4
    assert turned[4] is not None
    assert (turned[4].status, turned[4].retry_after) == (503, pytest.approx(0.25))
    assert limits.admit("192.0.2.4", 0.25) is None


def test_a_crowd_is_told_to_come_back_one_after_the_other_and_then_gets_in() -> None:
    limits = LinkLimits(per_address=10.0, per_node=100.0)
    turned = [limits.admit(f"192.0.2.{index // 10}", 0.0) for index in range(1_100)]
    waits = [each.retry_after for each in turned if each is not None]
    assert len(waits) == 1_000
    assert waits == pytest.approx([0.01 + index / (TURNS_SHARE * 100) for index in range(1_000)], abs=0.01)
    # As Retry-After says it, in whole seconds, and with the jitter of a client.
    chance = random.Random(1)
    times = sorted(max(1, round(wait)) + chance.random() / 2 for wait in waits)
    back = [limits.admit(f"192.0.3.{index // 10}", at) for index, at in enumerate(times)]
    assert sum(each is not None for each in back) < 30


def test_nobody_is_told_to_wait_for_ever() -> None:
    limits = LinkLimits(per_address=10.0, per_node=1.0)
    turned = [limits.admit(f"192.0.2.{index}", 0.0) for index in range(200)]
    assert max(each.retry_after for each in turned if each is not None) <= LONGEST_TURN + 2.0


@given(st.lists(st.integers(0, 100)), st.integers(-10, 2_000))
def test_those_who_hold_most_give_way_and_no_more_of_them_than_needed(sizes: list[int], excess: int) -> None:
    found = largest([(size, size) for size in sizes], excess)
    assert found == sorted(sizes, reverse=True)[: len(found)]
    assert sum(found) >= min(excess, sum(sizes))
    assert not found or (sum(found[:-1]) < excess and found[-1] > 0)
