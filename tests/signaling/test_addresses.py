"""What this machine is called."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from signaling.addresses import certificate_names, is_loopback, lan_addresses, url_host


def test_lan_addresses_are_neither_loopback_nor_link_local() -> None:
    for address in map(ip_address, lan_addresses()):
        assert not address.is_loopback
        assert not address.is_link_local


def test_a_certificate_names_this_machine_and_all_its_addresses() -> None:
    names = certificate_names(["192.168.1.7"])
    assert {"localhost", "127.0.0.1", "::1", "192.168.1.7"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False),
     ("192.168.1.7", False), ("example.org", False), ("::", False)],
)  # fmt: skip
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_ipv6_addresses_have_brackets_in_a_url() -> None:
    assert url_host("::1") == "[::1]"
    assert url_host("192.168.1.7") == "192.168.1.7"
