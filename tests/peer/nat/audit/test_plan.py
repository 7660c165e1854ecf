"""Which ways lead to a TURN server that is named, and what it is asked for."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from peer.nat.audit.plan import Options, Plan, addresses_for, end_of, plan, rest_credentials
from peer.nat.audit.ranges import BLOCKS, GROUPS


def doors(server: str) -> list[str]:
    planned = plan(Options(server=server))
    assert isinstance(planned, Plan)
    return [door.url for door in planned.doors]


def test_a_url_with_a_transport_is_asked_as_it_stands() -> None:
    assert doors("turn:a.example:3478?transport=tcp") == ["turn:a.example:3478?transport=tcp"]
    assert doors("turns:a.example") == ["turns:a.example"]
    assert doors("TURNS:a.example:443?transport=tcp") == ["turns:a.example:443?transport=tcp"]


def test_a_url_without_a_transport_is_asked_over_both() -> None:
    assert doors("turn:a.example:3479") == [
        "turn:a.example:3479?transport=udp",
        "turn:a.example:3479?transport=tcp",
    ]


def test_a_mere_host_is_asked_over_tls_too() -> None:
    assert doors("a.example") == [
        "turn:a.example?transport=udp",
        "turn:a.example?transport=tcp",
        "turns:a.example:5349",
        "turns:a.example:443",
    ]
    assert len(doors("a.example:3478")) == 2


def test_an_ipv6_address_gets_its_brackets() -> None:
    assert doors("2001:db8::1")[0] == "turn:[2001:db8::1]?transport=udp"
    assert doors("[2001:db8::1]:99")[0] == "turn:[2001:db8::1]:99?transport=udp"


@pytest.mark.parametrize(
    "server", ["", "http://a.example", "stun:a.example", "turn:", "turn:a:0", "turn:a b", "a/b", "turn:a?x=y"]
)
def test_what_is_no_turn_server_is_told(server: str) -> None:
    problems = plan(Options(server=server))
    assert isinstance(problems, list)
    assert "no TURN server" in problems[0]


@pytest.mark.parametrize(
    "options",
    [
        Options(server="a.example", username="ana"),
        Options(server="a.example", password="s3cret"),
        Options(server="a.example", username="ana", password="s3cret", secret="s"),
        Options(server="a.example", timeout=0),
        Options(server="a.example", timeout=float("nan")),
    ],
)
def test_options_that_contradict_each_other_are_told(options: Options) -> None:
    assert isinstance(plan(options), list)


def test_secrets_are_not_shown() -> None:
    options = Options(server="a.example", secret="very-secret")
    assert "very-secret" not in repr(options) + repr(plan(options))


def test_credentials_are_made_as_coturn_reads_them() -> None:
    username, password = rest_credentials("north", "ana", 1_433_895_918)
    assert username == "1433895918:ana"
    # printf 1433895918:ana | openssl dgst -sha1 -hmac north -binary | base64
    assert password == "UEvMTxR/7RpRQbjI1FG7VnVqzWs="


@pytest.mark.parametrize(
    ("username", "end"),
    [
        ("1800000000:ana", 1.8e9),
        ("1800000000", 1.8e9),
        ("ana:1800000000", 1.8e9),
        ("ana", None),
        ("007", None),
    ],
)
def test_the_end_of_credentials_stands_in_the_user_name(username: str, end: float | None) -> None:
    assert end_of(username) == end


def test_both_ends_of_every_range_are_asked_for() -> None:
    for block in BLOCKS:
        first, last = ip_address(block.first), ip_address(block.last)
        asked = [ip_address(address) for address in block.addresses]
        if int(last) - int(first) > 2:
            assert any(int(address) == int(first) + 1 for address in asked)
            assert any(int(address) == int(last) - 1 for address in asked)


def test_every_group_has_addresses_and_every_block_a_group() -> None:
    assert {block.group for block in BLOCKS} == {group.code for group in GROUPS}


def test_the_own_addresses_of_a_server_are_not_asked_for_as_strangers() -> None:
    assert "127.0.0.1" in addresses_for(4, set(), is_whole=True)
    assert "127.0.0.1" not in addresses_for(4, {"127.0.0.1"}, is_whole=True)


def test_fewer_addresses_still_have_one_of_every_range() -> None:
    few = {
        ip_address(address) for family in (4, 6) for address in addresses_for(family, set(), is_whole=False)
    }
    for block in BLOCKS:
        if block.first not in ("::", "::1"):
            assert any(ip_address(each) in few for each in block.addresses)


def test_no_address_that_somebody_may_have_is_asked_for() -> None:
    everybodys = ip_network("2000::/3")
    for family in (4, 6):
        for text in addresses_for(family, set(), is_whole=True):
            address = ip_address(text)
            if address.version == 6 and address in everybodys:
                blocks = [block for block in BLOCKS if ":" in block.first]
                assert any(
                    ip_address(block.first) <= address <= ip_address(block.last) for block in blocks
                ), text
