from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.engine.ice.servers import MAX_SERVERS, ServerAddress, parse_server, parse_servers
from peer.facts import Trouble
from signaling.protocol.parts import IceServer


@pytest.mark.parametrize(
    ("url", "host", "port", "transport"),
    [
        ("stun:s.example", "s.example", 3478, "udp"),
        ("stun:192.0.2.1:19302", "192.0.2.1", 19302, "udp"),
        ("stun:[2001:db8::1]:3479", "2001:db8::1", 3479, "udp"),
        ("turn:t.example", "t.example", 3478, "udp"),
        ("turn:t.example?transport=tcp", "t.example", 3478, "tcp"),
        ("turns:t.example", "t.example", 5349, "tls"),
        ("turns:t.example:443?transport=tcp", "t.example", 443, "tls"),
        ("turn:[2001:db8::1]", "2001:db8::1", 3478, "udp"),
    ],
)
def test_a_url_says_where_and_how_a_server_is_asked(url: str, host: str, port: int, transport: str) -> None:
    parsed = parse_server(url, "ana", "s3cret")
    assert isinstance(parsed, ServerAddress)
    assert (parsed.host, parsed.port, parsed.transport) == (host, port, transport)
    assert parsed.is_turn is url.startswith("turn")


@pytest.mark.parametrize(
    "url",
    [
        "", "stun:", "http://s.example", "stun:s.example:0", "stun:s.example:99999", "stun:a b", "stun://s.example",
        "stun:s.example?transport=udp", "turn:t.example?transport=sctp", "turns:t.example?transport=udp",
        "stuns:s.example", "turn:2001:db8::1",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used_is_told_and_not_raised(url: str) -> None:
    parsed = parse_server(url, "ana", "s3cret")
    assert isinstance(parsed, Trouble)
    assert (parsed.url, parsed.code) == (url, 0)
    assert parsed.text


def test_a_turn_server_needs_credentials_and_shows_them_to_nobody() -> None:
    assert isinstance(parse_server("turn:t.example"), Trouble)
    assert "s3cret" not in repr(parse_server("turn:t.example", "ana", "s3cret"))


def test_each_server_is_asked_once_and_there_is_a_limit() -> None:
    twice = IceServer(["stun:s.example", "stun:s.example", "smell"])
    usable, troubles = parse_servers([twice, twice])
    assert len(usable) == 1
    assert len(troubles) == 2
    many = [IceServer([f"stun:s{number}.example"]) for number in range(MAX_SERVERS + 5)]
    usable, troubles = parse_servers(many)
    assert (len(usable), len(troubles)) == (MAX_SERVERS, 5)


@given(st.text())
def test_any_text_is_a_server_or_a_trouble(url: str) -> None:
    assert parse_server(url, "ana", "s3cret").url == url
