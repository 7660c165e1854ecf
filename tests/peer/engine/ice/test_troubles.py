from __future__ import annotations

import socket
import ssl

import pytest
from aioice.stun import Class, Message, Method, TransactionFailed, TransactionTimeout
from hypothesis import given
from hypothesis import strategies as st

from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.troubles import WORDS, has_expired, no_port, trouble_of

NOW = 1_800_000_000.0
SERVER = ServerAddress("turn:t.example", True, "t.example", 3478, "udp", "ana", "s3cret")
STALE = ServerAddress("turn:t.example", True, "t.example", 3478, "udp", "1799999999:ana", "s3cret")


def said(code: int, reason: str = "") -> TransactionFailed:
    return TransactionFailed(Message(Method.ALLOCATE, Class.ERROR, attributes={"ERROR-CODE": (code, reason)}))


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (said(401), 401, "credentials"),
        (said(486), 486, "quota"),
        (said(508), 508, "room"),
        (said(300, "try elsewhere"), 300, "try elsewhere"),
        (said(599), 599, "599"),
        (ssl.SSLCertVerificationError(1, "self signed"), 0, "certificate"),
        (ssl.SSLError(1, "wrong version"), 701, "TLS"),
        (socket.gaierror(-2, "unknown"), 701, "resolve"),
        (TransactionTimeout(), 701, "firewall"),
        (TimeoutError(), 701, "firewall"),
        (ConnectionRefusedError(111, "refused"), 701, "nobody listens for UDP at port 3478"),
        (ConnectionResetError(), 701, "closed"),
        (OSError(101, "Network is unreachable"), 701, "Network is unreachable"),
        (OSError(), 701, "no route"),
        (KeyError("XOR-MAPPED-ADDRESS"), 701, "check the port"),
    ],
)
def test_whatever_goes_wrong_is_told_in_a_sentence_with_a_code(
    error: Exception, code: int, word: str
) -> None:
    trouble = trouble_of(SERVER, error, NOW)
    assert (trouble.url, trouble.code) == (SERVER.url, code)
    assert word in trouble.text


def test_credentials_that_have_expired_are_told_from_wrong_ones() -> None:
    assert "expired" in trouble_of(STALE, said(401), NOW).text
    assert "expired" not in trouble_of(STALE, said(401), NOW - 10).text
    assert "expired" not in trouble_of(SERVER, said(401), NOW).text


def test_a_relay_that_was_there_is_told_as_gone() -> None:
    assert trouble_of(SERVER, said(437), NOW, was_given=True).text.startswith("the relay is gone: ")


def test_only_a_certificate_is_called_one() -> None:
    # Whoever explains a connection looks for the word.
    assert not [code for code, text in WORDS.items() if "certificate" in text]


def test_a_range_of_ports_that_is_used_up_is_no_servers_fault() -> None:
    trouble = no_port("10.0.0.5", (50000, 50010))
    assert trouble.url == ""
    assert "50000 to 50010" in trouble.text
    assert "10.0.0.5" not in trouble.text


@given(st.text())
def test_any_name_may_have_an_end_or_not(username: str) -> None:
    assert has_expired(username, NOW) in (True, False)


@given(st.integers(1_000_000_000, 9_999_999_999), st.text())
def test_a_name_ends_with_the_second_that_it_begins_with(second: int, name: str) -> None:
    assert has_expired(f"{second}:{name}", NOW) is (second < NOW)
