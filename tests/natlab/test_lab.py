"""The lab does what it says: measured between two of its machines."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import pytest

from peer.testing.network import Conditions, GilbertElliott
from tests.natlab.actors import ROOT
from tests.natlab.lab import Lab, Machine

pytestmark = pytest.mark.end_to_end

ANA, BEN = "10.1.0.2", "10.2.0.2"
PATIENCE = 30.0


class Pair:
    """``ben`` sends back what ``ana`` sends."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ana = lab.machine("ana", ANA)
        self.ben = lab.machine("ben", BEN)

    def start_ping(
        self, address: str = BEN, *, count: int = 50, interval: float = 0.01, size: int = 64
    ) -> subprocess.Popen[str]:
        arguments = (address, str(count), str(interval), str(size))
        return _start(self.ana, "ping", *arguments)

    def ping(
        self, address: str = BEN, *, count: int = 50, interval: float = 0.01, size: int = 64
    ) -> list[tuple[int, float]]:
        """Number and round trip of each answer, in the order of arrival."""
        return _answers(self.start_ping(address, count=count, interval=interval, size=size))


def _start(machine: Machine, *arguments: str) -> subprocess.Popen[str]:
    command = machine.command(sys.executable, "-m", "tests.natlab.echo_process", *arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _answers(process: subprocess.Popen[str]) -> list[tuple[int, float]]:
    out, _ = process.communicate(timeout=PATIENCE)
    return [(number, rtt) for number, rtt in json.loads(out)]


@contextmanager
def echoing(lab: Lab) -> Iterator[Pair]:
    pair = Pair(lab)
    process = _start(pair.ben, "echo")
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield pair
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()


@pytest.fixture
def pair(lab: Lab) -> Iterator[Pair]:
    with echoing(lab) as pair:
        yield pair


def test_forty_milliseconds_one_way_are_forty_milliseconds(pair: Pair) -> None:
    pair.lab.between(pair.ana, pair.ben, Conditions(latency=0.04))
    rtts = [rtt for _, rtt in pair.ping(count=200)]
    assert len(rtts) == 200
    assert min(rtts) >= 0.08
    assert median(rtts) / 2 < 0.041


def test_five_megabits_each_way_are_carried_without_jitter_of_its_own(pair: Pair) -> None:
    """625 packets of 1,000 bytes a second there, and as many back."""
    rtts = sorted(rtt for _, rtt in pair.ping(count=1250, interval=0.0016, size=1000))
    assert len(rtts) == 1250
    assert rtts[int(0.9 * len(rtts))] - rtts[0] < 0.001


def test_jitter_spreads_what_arrives_and_keeps_its_order(pair: Pair) -> None:
    pair.lab.towards(pair.ana, pair.ben, Conditions(latency=0.03, jitter=0.01))
    answers = pair.ping(count=100)
    rtts = [rtt for _, rtt in answers]
    assert min(rtts) < 0.027
    assert max(rtts) > 0.033
    assert [number for number, _ in answers] == list(range(100))


def test_a_fraction_is_lost(pair: Pair) -> None:
    pair.lab.between(pair.ana, pair.ben, Conditions(loss=0.1))
    assert 330 <= len(pair.ping(count=500, interval=0.002)) <= 470  # 81 % are expected


def test_losses_come_in_bursts(pair: Pair) -> None:
    pair.lab.towards(pair.ana, pair.ben, Conditions(bursts=GilbertElliott(0.02, 0.2)))
    numbers = [number for number, _ in pair.ping(count=500, interval=0.002)]
    gaps = [there - here - 1 for here, there in itertools.pairwise(numbers) if there - here > 1]
    assert max(gaps) >= 4


def test_some_come_twice_and_some_are_overtaken(pair: Pair) -> None:
    conditions = Conditions(latency=0.01, duplication=0.1, reordering=0.1)
    pair.lab.towards(pair.ana, pair.ben, conditions)
    numbers = [number for number, _ in pair.ping(count=200, interval=0.005)]
    assert len(numbers) > len(set(numbers)) == 200
    assert numbers != sorted(numbers)


def test_a_narrow_line_is_narrow_and_drops_what_its_queue_cannot_hold(pair: Pair) -> None:
    pair.lab.towards(pair.ana, pair.ben, Conditions(bytes_per_second=50_000, queue_bytes=5_000))
    answers = pair.ping(count=100, interval=0.002, size=972)  # 1,000 bytes with its headers
    # In 0.2 s 10 kB go through, and 5 kB wait.
    assert 12 <= len(answers) <= 22
    assert max(rtt for _, rtt in answers) == pytest.approx(0.12, abs=0.03)


def test_each_direction_has_its_own_conditions_and_they_can_change_at_any_time(pair: Pair) -> None:
    pair.lab.towards(pair.ana, pair.ben, Conditions(latency=0.05))
    assert median(rtt for _, rtt in pair.ping()) == pytest.approx(0.05, abs=0.003)
    pair.lab.towards(pair.ana, pair.ben, Conditions(latency=0.01))
    assert median(rtt for _, rtt in pair.ping()) == pytest.approx(0.01, abs=0.003)


def test_what_is_cut_comes_back_by_itself_or_when_it_is_mended(pair: Pair) -> None:
    pair.lab.cut(pair.ben, 0.5)
    numbers = [number for number, _ in pair.ping(count=100)]
    assert 0 < len(numbers) < 70
    assert numbers[-1] == 99
    pair.lab.cut(pair.ana)
    assert pair.ping(count=5) == []
    pair.lab.mend(pair.ana)
    assert len(pair.ping(count=5)) == 5


def test_two_who_are_parted_still_reach_the_others(pair: Pair) -> None:
    eve = pair.lab.machine("eve", "10.5.0.2")
    pair.lab.part(pair.ana, pair.ben)
    assert pair.ping(count=5) == []
    process = _start(eve, "ping", BEN, "5", "0.01", "64")
    assert len(_answers(process)) == 5
    pair.lab.join(pair.ana, pair.ben)
    assert len(pair.ping(count=5)) == 5


def test_a_machine_that_has_moved_is_heard_from_its_new_address_only(pair: Pair) -> None:
    pair.ben.change_address("10.6.0.2")
    assert pair.ping(BEN, count=5) == []
    assert len(pair.ping("10.6.0.2", count=5)) == 5
    pair.ana.change_address("10.7.0.2", outage=0.3)
    numbers = [number for number, _ in pair.ping("10.6.0.2", count=100)]
    assert 0 < len(numbers) < 100


def test_a_socket_that_is_not_bound_to_an_address_goes_on_with_the_new_one(pair: Pair) -> None:
    pinging = pair.start_ping(count=200)
    time.sleep(1.0)
    pair.ana.lose_address()
    time.sleep(0.2)
    pair.ana.gain_address("10.7.0.2")
    numbers = [number for number, _ in _answers(pinging)]
    assert numbers[-1] == 199
    assert len(numbers) < 200


def test_a_machine_leaves_one_interface_for_another(pair: Pair) -> None:
    pair.ana.add_interface("lte0", "10.8.0.2")
    assert len(pair.ping(count=5)) == 5
    pair.ana.switch_to("lte0")
    assert pair.ana.address == "10.8.0.2"
    assert len(pair.ping(count=5)) == 5
    assert "10.1.0.2" not in pair.ana.namespace.ip("address", "show")


def test_ipv6_is_carried_as_well(pair: Pair) -> None:
    pair.ana.add_interface("six0", "2001:db8:1::2")
    pair.ben.add_interface("six0", "2001:db8:2::2")
    pair.ana.namespace.ip("-6", "route", "replace", "default", "dev", "six0")
    pair.ben.namespace.ip("-6", "route", "replace", "default", "dev", "six0")
    assert len(pair.ping("2001:db8:2::2", count=5)) == 5


def test_all_packets_are_accounted_for(pair: Pair) -> None:
    pair.ping(count=10)
    pair.ping("10.99.0.1", count=3)
    counted = pair.lab.wire.count()
    assert counted.fates["delivered"] == 20
    assert counted.unroutable == 3
