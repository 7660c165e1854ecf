from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.endpoints import endpoint_of, family_of, host_of, scope_of
from tests.peer.nat.networks import addresses, endpoints


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("203.0.113.7:40000", ("203.0.113.7", 40000)),
        ("[2001:DB8::7]:40000", ("2001:db8::7", 40000)),
        ("2001:db8::7", ("2001:db8::7", 0)),
        ("stun:stun.example.org", ("stun.example.org", 0)),
        ("TURN:turn.example.org:3478?transport=tcp", ("turn.example.org", 3478)),
        ("turns:[::1]:443", ("::1", 443)),
        ("https://example.org:8443/room?token=x", ("example.org", 8443)),
        ("https://ana:secret@example.org/", ("example.org", 0)),
        ("localhost:3478", ("localhost", 3478)),
        ("public-1:40000", ("public-1", 40000)),
        ("[public-v6-1]:40000", ("public-v6-1", 40000)),
        ("", ("", 0)),
        ("[[", ("[[", 0)),
    ],
)
def test_an_endpoint_is_taken_apart(text: str, endpoint: tuple[str, int]) -> None:
    assert endpoint_of(text) == endpoint


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("203.0.113.7", "global"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("172.32.0.1", "global"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "shared"),
        ("100.127.255.255", "shared"),
        ("100.128.0.1", "global"),
        ("169.254.1.1", "link-local"),
        ("127.0.0.1", "loopback"),
        ("0.0.0.0", None),
        ("256.1.1.1", None),
        ("2001:db8::7", "global"),
        ("fd00::1", "private"),
        ("fe80::1%eth0", "link-local"),
        ("::1", "loopback"),
        ("::", None),
        ("::ffff:10.0.0.1", "private"),
        ("public-2", "global"),
        ("private-1.2", "private"),
        ("shared-1", "shared"),
        ("loopback-v6-1", "loopback"),
        ("example.org", None),
        ("", None),
    ],
)
def test_each_address_has_its_scope(address: str, scope: str | None) -> None:
    assert scope_of(address) == scope


@given(st.ip_addresses())
def test_the_family_and_the_scope_are_those_of_the_standard_library(
    address: IPv4Address | IPv6Address,
) -> None:
    assert family_of(str(address)) == address.version
    scope = scope_of(str(address))
    if address.is_global:
        assert scope == "global"
    if address.is_loopback:
        assert scope == "loopback"
    if address.is_link_local:
        assert scope == "link-local"


@given(endpoints)
def test_what_stands_in_an_endpoint_is_an_address_again(endpoint: str) -> None:
    assert family_of(host_of(endpoint)) == ip_address(host_of(endpoint)).version


@given(st.text() | addresses)
def test_no_text_is_too_strange(text: str) -> None:
    host, port = endpoint_of(text)
    assert 0 <= port <= 99_999
    assert family_of(host) in (None, 4, 6)
    assert scope_of(host) is None or family_of(host) is not None
