"""What is expected of each pair of networks is what the same pairs did in a laboratory with STUN alone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from peer.nat.build import report
from peer.nat.observations import (
    FilteringTest,
    MappingTest,
    Observations,
    SignalingAnswer,
    StunAnswer,
    TurnAnswer,
)
from peer.nat.report import Expectation, Outcome
from tests.peer.nat.networks import (
    LABORATORY,
    OTHERS,
    OUTSIDE,
    RELAY,
    RELAY_OVER_UDP,
    SAME,
    answer,
    filtering,
    network,
    silence,
)

# D: direct; s: direct unless the wrong side is heard first; r: not without a relay. Measured with bare
# aiortc between two network namespaces; each row is this network, each column the other one.
MEASURED = """
                   open full addr port rand naive sym cgnat symcg 3478 noudp 443
open               D    D    D    D    D    D     D   D     D     r    r     r
full-cone          D    D    D    D    D    D     D   D     D     r    r     r
address-restricted D    D    D    D    D    D     D   D     D     r    r     r
port-restricted    D    D    D    D    D    s     r   D     r     r    r     r
random-ports       D    D    D    D    D    s     r   D     r     r    r     r
naive              D    D    D    s    s    s     r   s     r     r    r     r
symmetric          D    D    D    r    r    r     r   r     r     r    r     r
cgnat              D    D    D    D    D    s     r   D     r     r    r     r
symmetric-cgnat    D    D    D    r    r    r     r   r     r     r    r     r
only-udp-3478      r    r    r    r    r    r     r   r     r     r    r     r
udp-blocked        r    r    r    r    r    r     r   r     r     r    r     r
only-tcp-443       r    r    r    r    r    r     r   r     r     r    r     r
"""
LETTERS: dict[str, Outcome] = {"D": "direct", "s": "sometimes", "r": "relay"}
TABLE = {row.split()[0]: row.split()[1:] for row in MEASURED.strip().splitlines()[1:]}


def expected(seen: Observations) -> dict[str, Expectation]:
    return {each.network: each for each in report(seen).expectations}


def outcomes(seen: Observations) -> list[Outcome]:
    return [each.outcome for each in report(seen).expectations]


@pytest.mark.parametrize("name", LABORATORY)
def test_each_pair_is_expected_to_do_what_it_did_in_the_laboratory(name: str) -> None:
    found = expected(LABORATORY[name])
    assert list(found) == list(TABLE)
    assert [each.outcome for each in found.values()] == [LETTERS[letter] for letter in TABLE[name]]
    assert all(each.why for each in found.values())


@pytest.mark.parametrize("name", LABORATORY)
def test_what_needs_a_relay_fails_without_one(name: str) -> None:
    without = replace(
        LABORATORY[name], turn=[], signaling=[SignalingAnswer(url="https://203.0.113.10", http_rtt=0.01)]
    )
    for with_relay, alone in zip(outcomes(LABORATORY[name]), outcomes(without), strict=True):
        assert alone == ("none" if with_relay == "relay" else with_relay)
    for each in expected(without).values():
        assert (each.outcome == "direct") != each.why.endswith("no TURN server was named.")


def test_a_relay_over_udp_helps_nobody_whose_network_blocks_udp() -> None:
    found = expected(replace(LABORATORY["symmetric"], turn=[RELAY_OVER_UDP]))
    assert found["port-restricted"].outcome == "relay"
    assert found["only-udp-3478"].outcome == "relay"
    assert found["udp-blocked"].outcome == "none"
    assert "over TLS on port 443" in found["only-tcp-443"].why


def test_a_relay_at_an_odd_port_helps_nobody_with_few_open_ports() -> None:
    odd = replace(RELAY_OVER_UDP, url="turn:203.0.113.12:5000")
    over_tcp = TurnAnswer(url="turn:203.0.113.12?transport=tcp", transport="tcp", allocated=0.1)
    assert expected(replace(LABORATORY["symmetric"], turn=[odd]))["only-udp-3478"].outcome == "none"
    found = expected(replace(LABORATORY["symmetric"], turn=[over_tcp]))
    assert [found[each].outcome for each in ("only-udp-3478", "udp-blocked", "only-tcp-443")] == [
        "relay",
        "relay",
        "none",
    ]


def test_what_is_not_known_of_ones_own_nat_makes_it_depend() -> None:
    one_answer = Observations(stun=[answer()], turn=[RELAY])
    found = expected(one_answer)
    assert found["open"].outcome == "direct"
    assert found["port-restricted"].outcome == "sometimes"
    assert found["symmetric"].outcome == "sometimes"
    assert "same port for everybody" in found["port-restricted"].why
    same = expected(Observations(stun=[answer()], mapping=[SAME], turn=[RELAY]))
    assert same["port-restricted"].outcome == "direct"
    assert "what your NAT lets in" in same["symmetric"].why


def test_ipv6_on_both_sides_is_direct_even_beside_a_symmetric_nat() -> None:
    own = "[2001:db8:1::2]:40000"
    six = StunAnswer(url="stun:203.0.113.10", family=6, local=own, rtt=0.01, mapped=own)
    symmetric = network(OTHERS, filtering(False, False))
    found = expected(replace(symmetric, stun=[*symmetric.stun, six]))
    assert found["ipv6"].outcome == "direct"
    assert found["symmetric"].outcome == "relay"
    only_six = expected(Observations(stun=[six], turn=[RELAY]))
    assert {each.outcome for name, each in only_six.items() if name != "ipv6"} == {"relay"}
    assert only_six["ipv6"].outcome == "direct"
    walled = MappingTest(family=6, local=own, mapped={"[2001:db8::10]:1": OUTSIDE, "[2001:db8::11]:1": own})
    strict = FilteringTest(family=6, from_other_address=False, from_other_port=False)
    assert expected(Observations(mapping=[walled], filtering=[strict]))["ipv6"].outcome == "none"


def test_without_any_answer_nothing_is_foretold() -> None:
    assert outcomes(Observations()) == []
    assert outcomes(Observations(stun=[silence()])) == []
    assert outcomes(Observations(signaling=[SignalingAnswer(url="https://a", http_rtt=0.1)])) == []
