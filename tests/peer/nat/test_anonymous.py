from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.anonymous import anonymized
from peer.nat.build import report
from peer.nat.layers import layers
from peer.nat.observations import (
    Hop,
    Interface,
    MappingTest,
    Observations,
    PortMapper,
    SignalingAnswer,
    StunAnswer,
    TurnAnswer,
)
from tests.peer.nat.networks import LABORATORY, addresses, endpoints, names, ports
from tests.peer.nat.vectors import cases, observations

secrets = st.sampled_from(["zoe-zander", "zacharias", "zzyzx0"])

NAMED = [case for case in cases() if case["name"] != "a server that tells nonsense"]
"""Nonsense has no family and no scope that could be kept."""


@st.composite
def telling(draw: st.DrawFn) -> tuple[Observations, set[str]]:
    """Observations, and all in them that must not be told."""
    hosts = draw(st.lists(addresses.filter(lambda it: it not in ("0.0.0.0", "::")), min_size=1, max_size=4))
    servers = draw(st.lists(names, min_size=1, max_size=2))
    user, interface = draw(secrets), draw(secrets)
    known = st.sampled_from(hosts)
    at = st.builds(lambda host, port: f"[{host}]:{port}" if ":" in host else f"{host}:{port}", known, ports)
    server = st.sampled_from(servers)
    url = st.builds("turn:{}:3478?transport=tcp".format, server)
    trouble = st.one_of(
        st.builds("cannot resolve {}".format, server),
        st.builds("no way to {} over {} (0.5 s)".format, at, st.just(interface)),
        st.builds("{}@{} was refused".format, st.just(user), server),
        st.builds("from {} port 40000, not {}".format, addresses, names),
    )
    family = st.sampled_from([4, 6])
    stun = st.builds(
        StunAnswer,
        url=url,
        family=family,
        address=at,
        local=at,
        mapped=at,
        other=at,
        plain_mapped=at,
        trouble=trouble,
    )
    seen = Observations(
        interfaces=draw(
            st.lists(st.builds(Interface, name=st.just(interface), address=known), min_size=1, max_size=2)
        ),
        stun=draw(st.lists(stun, max_size=3)),
        mapping=draw(st.lists(st.builds(MappingTest, local=at, mapped=st.dictionaries(at, at)), max_size=2)),
        port_mappers=draw(st.lists(st.builds(PortMapper, external=known, trouble=trouble), max_size=2)),
        hops=draw(st.lists(st.builds(Hop, address=known), max_size=3)),
        turn=draw(
            st.lists(st.builds(TurnAnswer, url=url, address=at, relayed=at, trouble=trouble), max_size=2)
        ),
        signaling=draw(
            st.lists(
                st.builds(
                    SignalingAnswer,
                    url=st.builds("https://{}@{}/room?token={}".format, st.just(user), server, st.just(user)),
                    trouble=trouble,
                ),
                max_size=2,
            )
        ),
        skipped=draw(st.dictionaries(st.just("hops"), trouble)),
    )
    return seen, {*(host for host in hosts if len(host) > 3), *servers, user, interface}


@given(telling())
def test_no_address_and_no_name_of_a_server_a_user_or_an_interface_is_told(
    told: tuple[Observations, set[str]],
) -> None:
    seen, secret = told
    text = msgspec.json.encode(anonymized(report(seen))).decode().lower()
    for word in secret:
        assert word.lower() not in text


@given(telling())
def test_names_that_are_hidden_change_nothing_in_what_is_said(told: tuple[Observations, set[str]]) -> None:
    said = report(told[0])
    hidden = anonymized(said)
    assert hidden.behaviour == said.behaviour
    assert hidden.verdict.code == said.verdict.code
    assert hidden.verdict.sentence == said.verdict.sentence
    assert hidden.expectations == said.expectations
    assert layers(hidden.observations) == layers(said.observations)


@given(telling())
def test_who_is_anonymous_stays_so(told: tuple[Observations, set[str]]) -> None:
    once = anonymized(report(told[0]))
    assert anonymized(once).verdict == once.verdict
    assert anonymized(once).behaviour == once.behaviour


@pytest.mark.parametrize("case", NAMED, ids=lambda case: str(case["name"]))
def test_every_example_says_the_same_without_names(case: dict[str, Any]) -> None:
    said = report(observations(case))
    hidden = anonymized(said)
    assert hidden.behaviour == said.behaviour
    assert (hidden.verdict.code, hidden.verdict.sentence) == (said.verdict.code, said.verdict.sentence)
    assert hidden.expectations == said.expectations
    for section, other in zip(said.sections, hidden.sections, strict=True):
        assert [row.level for row in section.rows] == [row.level for row in other.rows]
    text = msgspec.json.encode(hidden.observations).decode()
    for name in ("203.0.113", "198.51.100", "192.168", "2001:db8", "example.", "exmaple"):
        assert name not in text


def test_what_matters_about_an_address_is_kept() -> None:
    seen = Observations(
        stun=[
            StunAnswer(
                url="stun:stun.example.org:3478",
                family=4,
                address="203.0.113.10:3478",
                local="192.168.1.2:40000",
                mapped="198.51.100.2:40000",
                rtt=0.01,
            )
        ],
        hops=[Hop(number=1, address="192.168.1.1"), Hop(number=2, address="10.0.0.1"), Hop(number=3)],
    )
    hidden = anonymized(report(seen)).observations
    (server,) = hidden.stun
    assert (server.url, server.address, server.local, server.mapped) == (
        "stun:server-1:3478",
        "public-1:3478",
        "private-1.1:40000",
        "public-2:40000",
    )
    assert [hop.address for hop in hidden.hops or []] == ["private-1.2", "private-2.1", ""]


def test_a_vpn_is_still_one_without_its_name() -> None:
    company = Interface(name="wg-acme", address="10.8.0.2", family=4, scope="private")
    hidden = anonymized(report(Observations(interfaces=[company]))).observations
    assert hidden.interfaces == [Interface(name="wg-1", address="private-1.1", family=4, scope="private")]


def test_the_networks_of_the_laboratory_read_alike() -> None:
    for seen in LABORATORY.values():
        assert anonymized(report(seen)).expectations == report(seen).expectations


@given(endpoints)
def test_an_address_in_the_words_of_others_is_hidden_even_if_nobody_knows_it(endpoint: str) -> None:
    seen = Observations(stun=[StunAnswer(url="stun:a", family=4, trouble=f"sent to {endpoint}, no answer")])
    trouble = anonymized(report(seen)).observations.stun[0].trouble
    assert trouble.startswith("sent to (hidden)")
    assert trouble.endswith(", no answer")
