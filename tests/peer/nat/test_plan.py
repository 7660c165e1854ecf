"""From options to what is asked: every mistake is a sentence, nobody else is contacted."""

from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.plan import Options, Plan, may_follow, plan
from signaling.protocol.parts import IceServer


def planned(*servers: str, told: list[IceServer] | None = None, **options: str) -> Plan:
    found = plan(Options(servers=list(servers), **options), unix_now=1_000.0, told=told or [])
    assert isinstance(found, Plan), found
    return found


def problems(*servers: str, timeout: float = 5.0) -> list[str]:
    found = plan(Options(servers=list(servers), timeout=timeout), unix_now=0.0)
    assert isinstance(found, list), found
    return found


def test_servers_of_every_kind_are_told_apart() -> None:
    found = planned(
        "https://example.org/rooms/1",
        "ws://localhost:8080",
        "stun:stun.example.org",
        "turns:turn.example.org:443",
        username="ana",
        credential="s3cret",
    )
    assert found.signaling == ["https://example.org", "http://localhost:8080"]
    assert [(it.host, it.port, it.transport) for it in found.servers] == [
        ("stun.example.org", 3478, "udp"),
        ("turn.example.org", 443, "tls"),
    ]
    assert [it.host for it in found.turn_servers] == ["turn.example.org"]


def test_a_turn_server_over_udp_is_asked_plain_questions_too_and_each_endpoint_once() -> None:
    found = planned(
        "turn:a.example.org", "stun:a.example.org", "stun:b.example.org", username="ana", credential="s3cret"
    )
    assert [(it.host, it.is_turn) for it in found.stun_servers] == [
        ("a.example.org", False),
        ("b.example.org", False),
    ]


def test_credentials_are_made_from_a_secret_and_do_not_last() -> None:
    (server,) = planned("turn:turn.example.org", secret="shared").servers
    end, _, name = server.username.partition(":")
    assert 1_000 < int(end) <= 1_000 + 3_600
    assert name
    digest = hmac.digest(b"shared", server.username.encode(), "sha1")
    assert base64.b64decode(server.credential) == digest


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("ftp://example.org", "ftp://example.org"),
        ("https://", "https://"),
        ("http://[::1", "http://"),
        ("example.org", "example.org"),
        ("stun:example.org:0", "0 is no port"),
        ("turn:example.org", "--username and --password"),
    ],
)
def test_what_is_no_server_is_told_with_what_to_write(server: str, words: str) -> None:
    (problem,) = problems(server)
    assert words in problem


def test_without_a_server_nothing_is_asked() -> None:
    (problem,) = problems()
    assert "stun:" in problem
    assert "https://" in problem


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_time_that_cannot_be_meant_is_a_problem(timeout: float) -> None:
    assert any("timeout" in problem for problem in problems("stun:example.org", timeout=timeout))


def test_what_a_peerlane_server_tells_is_asked_too_and_nonsense_of_it_is_noted() -> None:
    told = [
        IceServer(["stun:one.example.org", "stun:two.example.org"]),
        IceServer(["turn:three.example.org"], "u", "c"),
        IceServer(["gopher:four"]),
    ]
    found = planned("https://example.org", told=told)
    assert [it.host for it in found.servers] == ["one.example.org", "two.example.org", "three.example.org"]
    assert [it.url for it in found.troubles] == ["gopher:four"]


def test_a_server_cannot_have_us_ask_more_than_a_few_others() -> None:
    told = [IceServer([f"stun:s{number}.example.org" for number in range(1_000)])]
    assert len(planned("https://example.org", told=told).servers) <= 16


@pytest.mark.parametrize(
    ("other", "server", "may"),
    [
        ("198.51.101.2", "198.51.101.1", True),
        ("10.0.0.2", "10.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", True),
        ("2001:db9::2", "2001:db9::1", True),
        ("10.0.0.2", "8.8.8.8", False),
        ("127.0.0.1", "8.8.8.8", False),
        ("127.0.0.1", "10.0.0.1", False),
        ("169.254.169.254", "169.254.1.1", False),
        ("224.0.0.1", "8.8.8.8", False),
        ("0.0.0.0", "8.8.8.8", False),
        ("255.255.255.255", "8.8.8.8", False),
        ("192.0.2.2", "8.8.8.8", False),
        ("::1", "127.0.0.1", False),
        ("8.8.4.4", "2001:db9::1", False),
        ("evil.example.org", "8.8.8.8", False),
    ],
)
def test_the_other_address_of_a_server_is_followed_only_where_it_could_reach_it_itself(
    other: str, server: str, may: bool
) -> None:
    assert may_follow(other, server, own=["192.0.2.2"]) is may


@given(st.text(), st.text())
def test_nothing_that_a_server_says_of_its_addresses_raises(other: str, server: str) -> None:
    assert may_follow(other, server, own=[]) in (True, False)


@given(st.lists(st.text(max_size=60), max_size=4))
def test_whatever_is_written_gives_a_plan_or_sentences(servers: list[str]) -> None:
    found = plan(Options(servers=servers), unix_now=0.0)
    assert isinstance(found, Plan) or all(isinstance(each, str) and each for each in found)
