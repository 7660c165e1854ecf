from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from peer.nat.behaviour import behaviours
from peer.nat.observations import HairpinTest, Interface, MappingTest, Observations, StunAnswer
from peer.nat.report import Behaviour
from tests.peer.nat.networks import (
    LABORATORY,
    LOCAL,
    OTHER_ADDRESS,
    OTHERS,
    OUTSIDE,
    SAME,
    answer,
    any_observations,
    filtering,
    knock,
    mapping,
    network,
    silence,
)


def only(seen: Observations) -> Behaviour:
    (found,) = behaviours(seen)
    return found


STRICT = "address-and-port-dependent"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("open", ("endpoint-independent", "endpoint-independent", True)),
        ("full-cone", ("endpoint-independent", "endpoint-independent", True)),
        ("address-restricted", ("endpoint-independent", "address-dependent", True)),
        ("port-restricted", ("endpoint-independent", STRICT, True)),
        ("random-ports", ("endpoint-independent", STRICT, False)),
        ("naive", ("endpoint-independent", STRICT, False)),
        ("symmetric", (STRICT, STRICT, None)),
    ],
)
def test_each_network_of_the_laboratory_is_told_by_its_name(
    name: str, said: tuple[str, str, bool | None]
) -> None:
    found = only(LABORATORY[name])
    is_stable = True if name == "random-ports" else said[2]
    knocked = only(
        replace(LABORATORY[name], knock=[knock("198.51.100.2:43752" if name == "naive" else OUTSIDE)])
    )
    assert (found.mapping, found.filtering) == said[:2]
    assert knocked.is_stable is is_stable


def test_where_udp_is_blocked_there_is_no_nat_to_speak_of() -> None:
    assert behaviours(LABORATORY["udp-blocked"]) == []


def test_a_nat_with_another_port_for_each_address_is_told_from_a_symmetric_one() -> None:
    assert only(network(OTHER_ADDRESS, filtering(False, False))).mapping == "address-dependent"
    assert only(network(OTHERS, filtering(False, False))).mapping == STRICT


def test_two_servers_without_second_ports_tell_only_that_it_depends() -> None:
    two = mapping(OUTSIDE, "198.51.100.2:9", "")
    assert only(network(two, filtering(None, None))).mapping == "endpoint-dependent"


def test_one_address_alone_does_not_tell_the_mapping() -> None:
    asked = MappingTest(family=4, local=LOCAL, mapped={"203.0.113.10:1": OUTSIDE, "203.0.113.10:2": OUTSIDE})
    assert only(Observations(mapping=[asked])).mapping == "unknown"
    assert only(Observations(stun=[answer()])).mapping == "unknown"


def test_without_translation_one_answer_tells_the_mapping() -> None:
    found = only(Observations(stun=[answer(mapped=LOCAL)]))
    assert (found.is_translated, found.mapping) == (False, "endpoint-independent")


@pytest.mark.parametrize(
    ("address", "port", "said"),
    [
        (True, None, "endpoint-independent"),
        (True, False, "endpoint-independent"),
        (False, True, "address-dependent"),
        (False, False, STRICT),
        (None, False, STRICT),
        (False, None, "unknown"),
        (None, True, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_an_answer_proves_what_silence_does_not(address: bool | None, port: bool | None, said: str) -> None:
    assert only(network(SAME, filtering(address, port))).filtering == said


def test_without_a_plain_answer_nothing_is_called_filtered() -> None:
    assert behaviours(Observations(stun=[silence()], filtering=[filtering(False, False)])) == []


def test_one_answer_of_several_tests_is_enough() -> None:
    seen = network(SAME, filtering(False, False))
    again = replace(seen, filtering=[filtering(False, False), filtering(True, None)])
    assert only(again).filtering == "endpoint-independent"


def test_a_knock_that_was_not_answered_tells_nothing() -> None:
    assert only(network(SAME, filtering(False, False), knocked=knock(None))).is_stable is None


def test_where_the_port_is_another_one_for_everybody_a_knock_tells_nothing() -> None:
    moved = network(OTHERS, filtering(False, False), knocked=knock("198.51.100.2:5"))
    assert only(moved).is_stable is None


def test_a_socket_at_all_addresses_is_judged_by_the_interfaces() -> None:
    anywhere = Observations(stun=[answer(local="0.0.0.0:40000")])
    home = Interface(name="eth0", address="192.168.1.2", family=4, scope="private")
    public = Interface(name="eth0", address="198.51.100.2", family=4, scope="global")
    assert only(anywhere).is_translated is None
    assert only(replace(anywhere, interfaces=[home])).is_translated is True
    assert only(replace(anywhere, interfaces=[home, public])).is_translated is False


def test_a_packet_to_oneself_is_no_hairpin_where_nothing_translates() -> None:
    came_back = [HairpinTest(family=4, came_back=True)]
    assert only(Observations(stun=[answer(mapped=LOCAL)], hairpin=came_back)).hairpins is None
    assert only(Observations(stun=[answer()], hairpin=came_back)).hairpins is True


def test_each_family_speaks_for_itself() -> None:
    own = "[2001:db8:1::2]:40000"
    six = StunAnswer(url="stun:a", family=6, local=own, rtt=0.01, mapped=own)
    four, other = behaviours(Observations(stun=[six, answer()]))
    assert (four.family, four.is_translated) == (4, True)
    assert (other.family, other.is_translated) == (6, False)


@given(any_observations)
def test_order_does_not_matter(seen: Observations) -> None:
    turned = replace(
        seen,
        stun=seen.stun[::-1],
        mapping=seen.mapping[::-1],
        filtering=seen.filtering[::-1],
        knock=seen.knock[::-1],
        hairpin=seen.hairpin[::-1],
    )
    assert behaviours(turned) == behaviours(seen)
