"""What stands in the rendered configuration, and what must not."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlane.turn.config import render
from peerlane.turn.settings import Settings
from tests.peerlane.turn.lists import Lists

SECRET = "0123456789abcdef" * 4
CERTIFICATE, KEY = "/etc/coturn/tls/fullchain.pem", "/etc/coturn/tls/privkey.pem"
BEHIND_A_ROUTER = "192.88.98.7/10.0.0.7"

ALWAYS = {
    "use-auth-secret",
    "stale-nonce=600",
    "fingerprint",
    "no-tcp-relay",
    "no-multicast-peers",
    "no-dtls",
    "no-dynamic-ip-list",
    "no-dynamic-realms",
    "user-quota=12",
    "total-quota=1200",
    "realm=turn.example.org",
    "listening-port=3478",
    "tls-listening-port=443",
    f"static-auth-secret={SECRET}",
    f"cert={CERTIFICATE}",
    f"pkey={KEY}",
    "relay-ip=10.0.0.7",
    "listening-ip=10.0.0.7",
    f"external-ip={BEHIND_A_ROUTER}",
    "allowed-peer-ip=10.0.0.7",
}
ONLY_OLD = {
    "no-cli",
    "no-tlsv1",
    "no-tlsv1_1",
    "no-rfc5780",
    "no-stun-backward-compatibility",
    "no-software-attribute",
}
ONLY_NEW = {"prometheus", "prometheus-address=127.0.0.1", "prometheus-port=9641"}
NEVER = {
    "allow-loopback-peers",
    "no-auth",
    "user",
    "lt-cred-mech",
    "server-relay",
    "web-admin",
    "mobility",
    "oauth",
    "cli-password",
    "prometheus-username-labels",
    "rfc5780",
    "software-attribute",
    "stun-backward-compatibility",
    "tlsv1",
    "cli",
    "dtls",
    "verbose",
}

SPECIAL = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
    *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32"),
    *("::/128", "::1/128", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
    *("100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:2::/48", "2001:3::/32", "2001:10::/28"),
    *("2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16"),
    *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
]
"""The registries of special addresses of IANA, and what is left of older ones."""


def settings(coturn: Literal["4.6", "4.13"] = "4.6", **others: object) -> Settings:
    given = {"external_ips": [BEHIND_A_ROUTER], "certificate": CERTIFICATE, "key": KEY, **others}
    return Settings("turn.example.org", [SECRET], coturn=coturn, **given)  # type: ignore[arg-type]


def options(conf: str) -> list[str]:
    return [line for line in conf.splitlines() if line and not line.startswith("#")]


OLD, NEW = render(settings("4.6")), render(settings("4.13"))
BOTH = pytest.mark.parametrize("conf", [OLD, NEW], ids=["4.6", "4.13"])


@BOTH
def test_every_line_that_must_be_there_is_there(conf: str) -> None:
    assert set(options(conf)) >= ALWAYS


@BOTH
def test_no_option_that_opens_a_hole_is_there(conf: str) -> None:
    assert not {option.partition("=")[0] for option in options(conf)} & NEVER


def test_each_version_has_the_options_that_it_alone_needs() -> None:
    assert set(options(OLD)) >= ONLY_OLD
    assert not set(options(OLD)) & ONLY_NEW
    assert set(options(NEW)) >= ONLY_NEW
    assert not set(options(NEW)) & ONLY_OLD


@BOTH
def test_each_option_has_its_reason_above_it(conf: str) -> None:
    lines = conf.splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith("#"):
            above = lines[number - 1]
            same = above.partition("=")[0] == line.partition("=")[0]
            assert same or above.startswith("# "), f"nobody says why {line}"


@BOTH
def test_no_line_is_longer_than_coturn_reads(conf: str) -> None:
    assert max(map(len, conf.splitlines())) < 400
    assert conf.isascii()


@BOTH
def test_ranges_are_written_as_coturn_reads_them(conf: str) -> None:
    lists = Lists(conf)
    assert "/" not in "".join(line for line in options(conf) if "peer-ip" in line)
    for first, last in lists.denied:
        assert int(first) <= int(last)
        assert first != IPv6Address("::"), "this refuses everybody"


@BOTH
@pytest.mark.parametrize("bytewise", [True, False], ids=["before 4.16", "since 4.16"])
@pytest.mark.parametrize("network", SPECIAL)
def test_special_networks_are_refused_from_the_first_address_to_the_last(
    network: str, conf: str, bytewise: bool
) -> None:
    lists, special = Lists(conf), ip_network(network)
    step = max(1, special.num_addresses // 7)
    for offset in (*range(0, special.num_addresses, step), special.num_addresses - 1, 256, 65_536):
        address = special[offset % special.num_addresses]
        if str(address) != "10.0.0.7":
            assert lists.refuses(address, bytewise=bytewise), address


LISTS = Lists(OLD)
PUBLIC6 = ip_network("2000::/3")


@given(st.ip_addresses(v=6), st.booleans())
def test_nothing_but_global_addresses_of_ipv6_is_reached(address: IPv6Address, bytewise: bool) -> None:
    if address not in PUBLIC6:
        assert LISTS.refuses(address, bytewise=bytewise)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "::", "64:ff9b::", "::ffff:0:0:0"]))
def test_no_ipv4_address_is_reached_in_the_clothes_of_ipv6(address: IPv4Address, prefix: str) -> None:
    disguised = IPv6Address(int(IPv6Address(prefix)) + int(address))
    six_to_four = IPv6Network((0x2002 << 112 | int(address) << 80, 48))[1]
    for each in (disguised, six_to_four):
        assert LISTS.refuses(each, bytewise=True), each
        assert LISTS.refuses(each, bytewise=False), each


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "9.255.255.255", "11.0.0.0", "172.32.0.1", "223.255.255.255", "2400::1", "2a00:1::1"],
)
def test_everybody_else_is_reached(address: str) -> None:
    assert not LISTS.refuses(ip_address(address), bytewise=True)
    assert not LISTS.refuses(ip_address(address), bytewise=False)


@BOTH
def test_two_relays_of_the_server_reach_each_other(conf: str) -> None:
    lists = Lists(conf)
    assert not lists.refuses(ip_address("10.0.0.7"), bytewise=True)
    assert lists.refuses(ip_address("10.0.0.8"), bytewise=True)
