from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.signaling_client.address import AddressError, signaling_url


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ws://localhost:8080", "ws://localhost:8080/v1/ws"),
        ("http://localhost:8080/", "ws://localhost:8080/v1/ws"),
        ("https://example.org", "wss://example.org/v1/ws"),
        ("wss://example.org/v1/ws", "wss://example.org/v1/ws"),
        ("WSS://example.org/behind/a/proxy", "wss://example.org/behind/a/proxy"),
        (" http://[::1]:9/#top ", "ws://[::1]:9/v1/ws"),
        ("http://localhost:8080/?room=arena", "ws://localhost:8080/v1/ws?room=arena"),
    ],
)
def test_what_people_write_becomes_the_address_of_the_socket(written: str, meant: str) -> None:
    assert signaling_url(written) == meant


@pytest.mark.parametrize(
    "written", ["", "localhost:8080", "ftp://localhost", "http://", "ws://:80", "http://[::1", "ws://a:99999"]
)
def test_what_cannot_be_an_address_is_said_at_once(written: str) -> None:
    with pytest.raises(AddressError, match=r"^'"):
        signaling_url(written)


@given(st.text())
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        assert signaling_url(text).startswith(("ws://", "wss://"))
    except AddressError:
        pass  # the usual answer to random text
