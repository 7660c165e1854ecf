"""Clients are told the STUN responder under a name that they can reach it by."""

from __future__ import annotations

import pytest

from signaling.stun_names import other_stun, own_stun


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("signal.example", "stun:signal.example:3478"),
        ("203.0.113.10", "stun:203.0.113.10:3478"),
        ("2001:db8::10", "stun:[2001:db8::10]:3478"),
    ],
)
def test_the_responder_is_named_as_the_client_names_the_server(host: str, url: str) -> None:
    assert [server.urls for server in own_stun(host, 3_478)] == [[url]]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", ""])
def test_over_loopback_there_is_nothing_to_learn(host: str) -> None:
    assert own_stun(host, 3_478) == []


def test_without_a_responder_none_is_named() -> None:
    assert own_stun("signal.example", None) == []
    assert other_stun("signal.example", None, ["8.8.8.8"]) == []


@pytest.mark.parametrize(
    ("host", "urls"),
    [
        ("signal.example", [["stun:8.8.8.8:3478"], ["stun:[2606:4700::1]:3478"]]),
        ("10.0.0.1", [["stun:8.8.8.8:3478"], ["stun:[2606:4700::1]:3478"], ["stun:10.0.0.2:3478"]]),
    ],
)
def test_other_addresses_are_named_to_those_who_can_reach_them(host: str, urls: list[list[str]]) -> None:
    alternates = ["8.8.8.8", "2606:4700::1", "10.0.0.2"]
    assert [server.urls for server in other_stun(host, 3_478, alternates)] == urls
