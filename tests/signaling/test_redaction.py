"""What no log may say."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.redaction import redact, redact_value

SDP = "v=0\r\no=- 1 2 IN IP4 192.0.2.7\r\ns=-\r\na=ice-pwd:Very+Secret/0123456789\r\nm=audio 9 RTP 0\r\n"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLWl0"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"could not use {SDP} at all", "Very+Secret"),
        (f"could not use {SDP!r} at all", "Very+Secret"),
        (f'{{"sdp": {SDP!r}}}', "192.0.2.7"),
        ("a=ice-pwd:Very+Secret/0123456789", "Very+Secret"),
        ("Authorization: Bearer Very-Secret", "Very-Secret"),
        ("authorization: basic VmVyeTpTZWNyZXQ=", "VmVyeTp"),
        (f"the token {JWT} is not good", "eyJzdWIi"),
        ("GET /v1/ws?token=Very-Secret&room=garden", "Very-Secret"),
        ("{'password': 'Very-Secret'}", "Very-Secret"),
        ('{"credential": "Very-Secret"}', "Very-Secret"),
        ("IceServer(urls=['turn:example.org'], username='1:a', credential='Very-Secret')", "Very-Secret"),
        ("secrets=Very-Secret", "Very-Secret"),
        ("resume with ticket=Very-Secret.signature", "Very-Secret"),
        ("candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host generation 0", "2130706431"),
        ("a link from 192.0.2.7 failed", "192.0.2.7"),
        ("a link from ('192.0.2.7', 5000) failed", "192.0.2.7"),
        ("http://192.0.2.7:8080/", "192.0.2.7"),
        ("a link from [2001:db8::7]:5000 failed", "2001:db8::7"),
        ("fe80::1%eth0 is not reached", "fe80::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_it_is_not_said(text: str, secret: str) -> None:
    assert secret in text or secret in repr(text)
    assert secret not in redact(text)
    assert "[" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "kick by 0a1b2c3d: 204",
        "listening at 127.0.0.1:8080 and [::1]:8080, for 0.0.0.0 and ::",
        "at 12:34:56, version 1.16.0, room default/garden",
        "the token is missing",
        "no token: send one",
        "closed with 4001 (slow)",
        "candidate pair failed",
        "std::vector is a word",
    ],
)
def test_the_rest_is_said(text: str) -> None:
    assert redact(text) == text


def test_addresses_are_said_where_they_are_wanted_and_nothing_else() -> None:
    said = redact("192.0.2.7 and 2001:db8::7 with token=Very-Secret", addresses=True)
    assert said == "192.0.2.7 and 2001:db8::7 with token=[secret]"


def test_fields_are_looked_through() -> None:
    value = {"from": "192.0.2.7", "more": [{"token": "x", "line": "token=Very-Secret"}, 3, None, True]}
    assert redact_value(value) == {
        "from": "[address]",
        "more": [{"token": "[secret]", "line": "token=[secret]"}, 3, None, True],
    }
    deep: list[object] = []
    deep.append(deep)
    assert "[deeper]" in str(redact_value(deep))


@given(st.builds(IPv4Address, st.integers(0, 2**32 - 1)) | st.builds(IPv6Address, st.integers(0, 2**128 - 1)))
def test_no_address_of_another_machine_is_said(address: IPv4Address | IPv6Address) -> None:
    if address.is_loopback or address.is_unspecified:
        return
    for text in (f"from {address} to us", f"[{address}]:80", f"({str(address)!r}, 80)"):
        assert str(address) not in redact(text)


@given(st.text(max_size=300))
def test_any_text_can_be_looked_through_and_nothing_is_left_to_hide(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
