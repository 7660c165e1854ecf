from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.testing.network import (
    HOME_WIFI,
    LTE,
    OTHER_CONTINENT,
    PERFECT,
    TRAIN,
    BadNetwork,
    Conditions,
    GilbertElliott,
)


def send_all(network: BadNetwork, count: int, every: float = 0.01) -> list[float | None]:
    """Delays of numbered packets; None for what did not arrive."""
    for number in range(count):
        network.send(number * every, "ada", "ben", number, size=100)
    delays: list[float | None] = [None] * count
    for arrival in network.arrivals(math.inf):
        if delays[arrival.data] is None:
            delays[arrival.data] = arrival.at - arrival.data * every
    return delays


def test_a_perfect_network_delivers_at_once_and_in_order() -> None:
    network = BadNetwork()
    for number in range(10):
        network.send(0.0, "ada", "ben", number, size=1)
    assert [arrival.data for arrival in network.arrivals(0.0)] == list(range(10))


def test_nothing_arrives_before_its_time() -> None:
    network = BadNetwork(Conditions(latency=0.04))
    network.send(1.0, "ada", "ben", b"hello")
    assert network.arrivals(1.039) == []
    assert network.next_at == pytest.approx(1.04)
    assert [arrival.data for arrival in network.arrivals(1.041)] == [b"hello"]
    assert network.next_at is None


def test_jitter_stays_within_its_bounds_and_keeps_the_order() -> None:
    network = BadNetwork(Conditions(latency=0.05, jitter=0.02))
    delays = [delay for delay in send_all(network, 1000, every=0.05) if delay is not None]
    assert len(delays) == 1000
    assert min(delays) >= 0.03 - 1e-9
    assert max(delays) <= 0.07 + 1e-9
    assert max(delays) - min(delays) > 0.03


def test_losses_are_as_many_as_asked_for() -> None:
    delays = send_all(BadNetwork(Conditions(loss=0.1)), 10_000)
    assert 0.08 < delays.count(None) / 10_000 < 0.12


def test_bursts_lose_several_in_a_row() -> None:
    delays = send_all(BadNetwork(Conditions(bursts=GilbertElliott(0.02, 0.2))), 10_000)
    losses = [index for index, delay in enumerate(delays) if delay is None]
    followed = sum(1 for one, next_one in itertools.pairwise(losses) if next_one == one + 1)
    assert followed / len(losses) > 0.6


def test_some_arrive_twice_and_some_late() -> None:
    network = BadNetwork(Conditions(duplication=0.5, jitter=0.001))
    for number in range(100):
        network.send(float(number), "ada", "ben", number, size=1)
    assert len(network.arrivals(math.inf)) == 100 + network.fates["doubled"] > 120
    network = BadNetwork(Conditions(reordering=0.2))
    for number in range(1000):
        network.send(number * 0.01, "ada", "ben", number, size=1)
    order = [arrival.data for arrival in network.arrivals(math.inf)]
    assert sorted(order) == list(range(1000)) != order


def test_a_narrow_line_delays_and_then_drops() -> None:
    network = BadNetwork(Conditions(bytes_per_second=1000, queue_bytes=500))
    fates = [network.send(0.0, "ada", "ben", number, size=100) for number in range(10)]
    assert fates.count("queue-full") == 4
    assert [round(arrival.at, 6) for arrival in network.arrivals(math.inf)] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


def test_a_blackhole_swallows_what_is_under_way_too_until_it_heals() -> None:
    network = BadNetwork(Conditions(latency=1.0))
    network.send(0.0, "ada", "ben", b"1")
    network.blackhole("ben", 0.5)
    assert network.send(0.6, "ada", "ben", b"2") == "blackhole"
    assert network.send(0.6, "ada", "eve", b"3") == "delivered"
    network.heal("ben")
    network.send(0.7, "ada", "ben", b"4")
    assert [arrival.data for arrival in network.arrivals(math.inf)] == [b"3", b"4"]


def test_a_change_of_address_is_a_short_outage() -> None:
    network = BadNetwork()
    network.change_address("ben", 10.0, outage=0.2)
    assert network.send(10.1, "ada", "ben", b"1") == "blackhole"
    assert network.send(10.3, "ada", "ben", b"2") == "delivered"


def test_each_direction_has_its_own_conditions() -> None:
    network = BadNetwork()
    network.set(Conditions(loss=1.0), "ada", "ben")
    assert network.send(0.0, "ada", "ben", b"1") == "lost"
    assert network.send(0.0, "ben", "ada", b"1") == "delivered"
    network.set(PERFECT)
    assert network.send(0.0, "ada", "ben", b"1") == "delivered"
    with pytest.raises(ValueError, match="both ends"):
        network.set(PERFECT, "ada")


@pytest.mark.parametrize("conditions", [HOME_WIFI, LTE, TRAIN, OTHER_CONTINENT])
def test_the_same_seed_gives_the_same_network(conditions: Conditions) -> None:
    assert send_all(BadNetwork(conditions, seed=3), 500) == send_all(BadNetwork(conditions, seed=3), 500)
    assert send_all(BadNetwork(conditions, seed=3), 500) != send_all(BadNetwork(conditions, seed=4), 500)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2000)), max_size=50))
def test_every_packet_has_exactly_one_fate(packets: list[tuple[float, int]]) -> None:
    network, now = BadNetwork(TRAIN), 0.0
    for pause, size in packets:
        now += pause
        network.send(now, "ada", "ben", b"", size=size)
    assert sum(network.fates.values()) == len(packets)
    arrived = network.arrivals(math.inf)
    assert len(arrived) == network.fates["delivered"] + 2 * network.fates["doubled"]
    assert [arrival.at for arrival in arrived] == sorted(arrival.at for arrival in arrived)
