"""Signed claims."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.hub.tickets import Claim, Tickets
from signaling.protocol.ids import PeerId

CLAIM = Claim(PeerId("ana"), b"n" * 16, expires=1_000)
TICKETS = Tickets(b"k" * 32)
TICKET = TICKETS.write(CLAIM)


def test_a_ticket_is_understood_by_whoever_has_the_key_until_it_expires() -> None:
    assert Tickets(b"k" * 32).read(TICKET, 999.9) == CLAIM
    assert TICKETS.read(TICKET, 1_000.0) is None


def test_another_key_does_not_open_it() -> None:
    assert Tickets(b"x" * 32).read(TICKET, 0.0) is None


def test_a_former_key_opens_it_too_until_it_is_forgotten() -> None:
    tickets = Tickets(b"n" * 32, [b"k" * 32])
    assert tickets.read(TICKET, 0.0) == CLAIM
    assert TICKETS.read(tickets.write(CLAIM), 0.0) is None
    tickets.use(b"n" * 32, [])
    assert tickets.read(TICKET, 0.0) is None
    assert tickets.read(tickets.write(CLAIM), 0.0) == CLAIM


def test_a_short_key_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Tickets(b"short")


@given(st.integers(0, len(TICKET) - 1), st.characters())
def test_a_ticket_with_one_changed_character_is_none(position: int, character: str) -> None:
    forged = TICKET[:position] + character + TICKET[position + 1 :]
    assert TICKETS.read(forged, 0.0) == (CLAIM if forged == TICKET else None)


@given(st.text())
def test_nonsense_is_none(ticket: str) -> None:
    assert TICKETS.read(ticket, 0.0) is None


def test_a_signed_body_that_is_no_claim_is_none() -> None:
    import base64
    import hashlib
    import hmac

    no_text = base64.urlsafe_b64encode(b"\x94\xa1\xff\xc4\x01n\x05\xc4\x00").rstrip(b"=").decode()
    for body in ("", "AA", "!!!", "gA", no_text):
        signature = base64.urlsafe_b64encode(hmac.digest(b"k" * 32, body.encode(), hashlib.sha256))
        assert TICKETS.read(f"{body}.{signature.rstrip(b'=').decode()}", 0.0) is None
