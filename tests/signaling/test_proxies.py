"""Whose address counts when proxies stand between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.proxies import MAX_HOPS, TrustedProxies, parse_address

TRUSTED = TrustedProxies(["10.0.0.0/8", "2001:db8:1::/48", "127.0.0.1"])


@pytest.mark.parametrize(
    ("remote", "headers", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["203.0.113.1:4711"], "203.0.113.1"),
        ("127.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("127.0.0.1", ["::ffff:203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["203.0.113.1, 10.0.0.2, 10.0.0.3"], "203.0.113.1"),
        ("10.0.0.1", ["6.6.6.6, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1," * 200], "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, " * 1_000 + "203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["x" * 10_000 + ",203.0.113.1, 10.0.0.2"], "203.0.113.1"),
        ("10.0.0.1", ["x" * 10_000], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.9"], "10.0.0.9"),
        ("", ["203.0.113.1"], ""),
    ],
)
def test_the_nearest_that_is_no_proxy_of_ours_is_the_client(
    remote: str, headers: list[str], client: str
) -> None:
    assert TRUSTED.client(remote, headers) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert TrustedProxies([]).client("127.0.0.1", ["203.0.113.1"]) == "127.0.0.1"
    assert TrustedProxies([]).host("127.0.0.1", "real", "forged") == "real"


def test_the_host_is_believed_from_a_proxy_only() -> None:
    assert TRUSTED.host("10.0.0.1", "inside:8080", "example.org") == "example.org"
    assert TRUSTED.host("10.0.0.1", "inside:8080", None) == "inside:8080"
    assert TRUSTED.host("198.51.100.7", "example.org", "evil.example") == "example.org"


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="example"):
        TrustedProxies(["example.org"])


@given(invented=st.lists(st.text(max_size=20), max_size=MAX_HOPS))
def test_whatever_a_client_writes_its_own_address_counts(invented: list[str]) -> None:
    header = ", ".join([*invented, "203.0.113.1"])
    if len(header) < 1_000:
        assert TRUSTED.client("10.0.0.1", [header]) == "203.0.113.1"


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    parse_address(text)
