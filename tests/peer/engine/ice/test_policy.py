from __future__ import annotations

import ipaddress
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.engine.ice.policy import IcePolicy, local_addresses, may_relay_to, may_send_to


class Ip(NamedTuple):
    ip: str | tuple[str, int, int]


class Card(NamedTuple):
    name: str
    ips: list[Ip]

    @property
    def nice_name(self) -> str:
        return self.name


LO = Card("lo", [Ip("127.0.0.1"), Ip(("::1", 0, 0))])
ETH0 = Card("eth0", [Ip("10.0.0.5"), Ip(("2001:db8::5", 0, 0)), Ip(("fe80::1", 0, 2))])
WIFI = Card("wlan0", [Ip("192.168.1.7"), Ip("169.254.3.3")])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (IcePolicy(), ["10.0.0.5", "2001:db8::5", "192.168.1.7"]),
        (IcePolicy(ipv6=False), ["10.0.0.5", "192.168.1.7"]),
        (IcePolicy(interfaces=("wlan0",)), ["192.168.1.7"]),
        (IcePolicy(addresses=("10.0.0.0/8",)), ["10.0.0.5"]),
        (IcePolicy(addresses=("10.0.0.9/8",)), ["10.0.0.5"]),
        (IcePolicy(loopback=True, ipv6=False), ["10.0.0.5", "192.168.1.7", "127.0.0.1"]),
        (IcePolicy(interfaces=("tun9",)), []),
    ],
)
def test_the_policy_chooses_among_this_machines_addresses(policy: IcePolicy, expected: list[str]) -> None:
    assert local_addresses([LO, ETH0, WIFI], policy) == expected


def test_loopback_is_used_where_there_is_nothing_else_unless_that_is_forbidden() -> None:
    assert local_addresses([LO], IcePolicy()) == ["127.0.0.1", "::1"]
    assert local_addresses([LO], IcePolicy(loopback=False)) == []


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
        "fd00:ec2::254",
        "100.100.100.200", "168.63.129.16", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%eth0",
        "::169.254.169.254", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "x.local", "",
    ],
)  # fmt: skip
def test_nothing_is_ever_sent_to_where_no_peer_can_be(host: str) -> None:
    assert not may_send_to(host, IcePolicy())


@pytest.mark.parametrize(
    "host",
    [
        "10.1.2.3",
        "192.168.1.1",
        "127.0.0.1",
        "::1",
        "fd12::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "100.64.0.1",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::a00:1",
        "2002:a00:1::1",
        "2001:0:808:808::f5ff:fffe",
        "fec0::1",
        "2001:db8::1",
    ],
)
def test_private_addresses_are_tried_unless_the_policy_says_no(host: str) -> None:
    assert may_send_to(host, IcePolicy())
    assert not may_send_to(host, IcePolicy(allow_private=False))
    assert may_send_to(host, IcePolicy(allow_private=False, allow=("0.0.0.0/0", "::/0")))


def test_public_addresses_are_tried_unless_they_are_denied() -> None:
    assert may_send_to("8.8.8.8", IcePolicy(allow_private=False))
    assert may_send_to("2606:4700::1", IcePolicy(allow_private=False))
    assert not may_send_to("8.8.8.8", IcePolicy(deny=("8.8.0.0/16",)))


@pytest.mark.parametrize(
    "wrong",
    [{"deny": ("smell",)}, {"addresses": ("1.2.3",)}, {"port_range": (0, 5)}, {"port_range": (9, 5)},
     {"public_addresses": {"10.0.0.1": "t.example"}}, {"public_addresses": {"10.0.0.1": "2001:db8::1"}},
     {"max_remote_candidates": 0}, {"max_candidates_per_second": 0}],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # the words are ipaddress's own
        IcePolicy(**wrong)  # type: ignore[arg-type] # on purpose


def test_a_public_address_is_found_however_the_own_one_is_written() -> None:
    policy = IcePolicy(public_addresses={"10.0.0.5": "203.0.113.7", "2001:DB8:0::5": "2001:db8:1::5"})
    assert policy.public_address("10.0.0.5") == "203.0.113.7"
    assert policy.public_address("2001:db8::5") == "2001:db8:1::5"
    assert policy.public_address("10.0.0.6") == "10.0.0.6"


@given(st.ip_addresses())
def test_whatever_is_metadata_inside_is_never_sent_to(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if address.version == 4:
        mapped = f"::ffff:{address}"
        for policy in (IcePolicy(), IcePolicy(allow_private=False)):
            assert may_send_to(mapped, policy) == may_send_to(str(address), policy)


@given(st.text())
def test_any_text_is_answered(host: str) -> None:
    assert may_send_to(host, IcePolicy()) in (True, False)


@pytest.mark.parametrize("private", ["10.1.0.2", "192.168.1.4", "100.64.0.3", "127.0.0.1", "::ffff:10.1.0.2"])
def test_a_public_relay_is_not_asked_for_private_addresses(private: str) -> None:
    assert not may_relay_to("198.51.100.7", private)


def test_a_private_relay_may_reach_its_neighbours_and_everybody_reaches_public_addresses() -> None:
    assert may_relay_to("10.9.0.1", "10.1.0.2")
    assert may_relay_to("198.51.100.7", "203.0.113.4")
    assert may_relay_to("2001:db8::1", "2001:db8::2")
