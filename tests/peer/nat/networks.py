"""Networks as a run sees them: those of the laboratory, and whatever else may come."""

from __future__ import annotations

from typing import Any, get_type_hints

from hypothesis import strategies as st

from peer.nat import observations as seen
from peer.nat.observations import (
    FilteringTest,
    HairpinTest,
    Hop,
    Interface,
    KnockTest,
    MappingTest,
    Observations,
    PortMapper,
    StunAnswer,
    TurnAnswer,
)

LOCAL, OUTSIDE = "192.168.1.2:40000", "198.51.100.2:40000"
ASKED = ("203.0.113.10:3478", "203.0.113.11:3478", "203.0.113.11:3479")
URL = "stun:203.0.113.10"


def answer(mapped: str = OUTSIDE, local: str = LOCAL) -> StunAnswer:
    return StunAnswer(
        url=URL, family=4, address=ASKED[0], local=local, rtt=0.01, mapped=mapped, other=ASKED[2]
    )


def silence(url: str = URL) -> StunAnswer:
    return StunAnswer(url=url, family=4, address=ASKED[0], local=LOCAL)


def mapping(*views: str, local: str = LOCAL) -> MappingTest:
    """What each of the three endpoints sees; an empty one stays silent."""
    pairs = list(zip(ASKED, views, strict=True))
    return MappingTest(
        family=4,
        local=local,
        mapped={asked: view for asked, view in pairs if view},
        silent=[asked for asked, view in pairs if not view],
    )


def filtering(address: bool | None, port: bool | None) -> FilteringTest:
    return FilteringTest(family=4, from_other_address=address, from_other_port=port)


def knock(after: str | None = OUTSIDE) -> KnockTest:
    return KnockTest(family=4, before=OUTSIDE, after=after)


RELAY = TurnAnswer(
    url="turns:203.0.113.12:443?transport=tcp",
    transport="tls",
    allocated=0.1,
    relayed="203.0.113.12:50000",
    permitted=True,
    echo_rtt=0.02,
)
RELAY_OVER_UDP = TurnAnswer(
    url="turn:203.0.113.12:3478", transport="udp", allocated=0.1, permitted=True, echo_rtt=0.02
)

SAME = mapping(OUTSIDE, OUTSIDE, OUTSIDE)
OTHERS = mapping(OUTSIDE, "198.51.100.2:20001", "198.51.100.2:20002")
OTHER_ADDRESS = mapping(OUTSIDE, "198.51.100.2:20001", "198.51.100.2:20001")


def network(views: MappingTest, lets: FilteringTest, *, knocked: KnockTest | None = None) -> Observations:
    first = next(iter(views.mapped.values()))
    return Observations(
        stun=[answer(first, views.local)],
        mapping=[views],
        filtering=[lets],
        knock=[knocked or knock()],
        turn=[RELAY],
    )


def blocked() -> Observations:
    silent = TurnAnswer(url="turn:203.0.113.12:3478", transport="udp", code=701)
    return Observations(stun=[silence()], turn=[silent, RELAY])


LABORATORY: dict[str, Observations] = {
    "open": network(mapping(OUTSIDE, OUTSIDE, OUTSIDE, local=OUTSIDE), filtering(True, True)),
    "full-cone": network(SAME, filtering(True, True)),
    "address-restricted": network(SAME, filtering(False, True)),
    "port-restricted": network(SAME, filtering(False, False)),
    "random-ports": network(mapping(*["198.51.100.2:12345"] * 3), filtering(False, False)),
    "naive": network(SAME, filtering(False, False), knocked=knock("198.51.100.2:43752")),
    "symmetric": network(OTHERS, filtering(False, False)),
    "cgnat": network(SAME, filtering(False, False)),
    "symmetric-cgnat": network(OTHERS, filtering(False, False)),
    "only-udp-3478": network(mapping(OUTSIDE, OUTSIDE, ""), filtering(False, False), knocked=knock(None)),
    "udp-blocked": blocked(),
    "only-tcp-443": blocked(),
}
"""What the check sees in each network of the laboratory, with a relay over TLS on port 443."""


# Whatever may come

addresses = st.ip_addresses().map(str) | st.sampled_from(
    [
        "192.168.1.2",
        "192.168.1.3",
        "10.1.0.1",
        "100.64.1.2",
        "198.51.100.2",
        "198.51.100.3",
        "fe80::1",
        "fd00::1",
    ]
)
ports = st.integers(1, 65_535) | st.sampled_from([3478, 3479, 40000])


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


endpoints = st.builds(_endpoint, addresses, ports)
names = st.sampled_from(
    [f"{name}.{end}" for name in ("quito", "qaqortoq", "quimper") for end in ("test", "example")]
)
urls = st.builds(
    "{}:{}{}".format,
    st.sampled_from(["stun", "turn", "turns"]),
    names | addresses.map(lambda it: f"[{it}]" if ":" in it else it),
    st.sampled_from(["", ":3478", ":443?transport=tcp"]),
)
troubles = st.sampled_from(["", "lookup failed", "no answer", "a certificate nobody trusts", "Forbidden IP"])
numbers = st.none() | st.floats()
codes = st.sampled_from([0, 401, 403, 437, 486, 500, 701])
families = st.sampled_from([4, 6])
some_text = st.text() | endpoints | urls


def any_of(kind: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Whatever the types of the fields allow: numbers beyond all measure, NaN, any text."""
    known = {name: st.from_type(hint) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **(known | fields))


def _listed(kind: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(any_of(kind, **fields), max_size=3)


def _observations(
    text: st.SearchStrategy[str], finite: st.SearchStrategy[Any]
) -> st.SearchStrategy[Observations]:
    stun = _listed(
        StunAnswer,
        url=text,
        address=text,
        local=text,
        mapped=text,
        other=text,
        trouble=text | troubles,
        rtt=finite,
    )
    mapping = _listed(
        MappingTest,
        local=text,
        mapped=st.dictionaries(text, text, max_size=4),
        silent=st.lists(text, max_size=3),
    )
    return st.builds(
        Observations,
        observer=st.sampled_from(["python", "browser"]),
        interfaces=st.none() | _listed(Interface, name=text | st.sampled_from(["eth0", "wg0"]), address=text),
        has_ipv6=st.sampled_from([None, True, False]),
        stun=stun,
        mapping=mapping,
        filtering=_listed(FilteringTest),
        knock=_listed(KnockTest, before=text, after=st.none() | text),
        hairpin=_listed(HairpinTest, source=text),
        lifetime=_listed(seen.LifetimeTest, alive_after=finite.map(lambda it: it or 0.0), gone_after=finite),
        size=_listed(seen.SizeTest),
        port_mappers=st.none() | _listed(PortMapper, external=text, trouble=text),
        hops=st.none() | _listed(Hop, address=text),
        turn=_listed(
            TurnAnswer,
            url=text,
            address=text,
            relayed=text,
            code=codes,
            allocated=finite,
            echo_rtt=finite,
            trouble=text | troubles,
        ),
        signaling=_listed(
            seen.SignalingAnswer, url=text, http_rtt=finite, websocket_rtt=finite, trouble=text | troubles
        ),
        skipped=st.dictionaries(text, text, max_size=2),
    )


any_observations = _observations(some_text, st.none() | st.floats(allow_nan=False, allow_infinity=False))
