"""Refusals and goodbyes carry their advice."""

from __future__ import annotations

from signaling.protocol.errors import CLOSE_REASONS, HINTS, ComeBack, ErrorCode


def test_every_refusal_has_a_hint() -> None:
    assert set(HINTS) == set(ErrorCode)
    assert all(HINTS.values())


def test_the_number_of_a_goodbye_says_whether_to_come_back() -> None:
    for reason in CLOSE_REASONS:
        if 4000 <= reason.code <= 4499:
            assert reason.come_back is not ComeBack.NEVER
        else:
            assert 4500 <= reason.code <= 4999
            assert reason.come_back is ComeBack.NEVER


def test_no_two_goodbyes_share_a_number_or_a_name() -> None:
    assert len({reason.code for reason in CLOSE_REASONS}) == len(CLOSE_REASONS)
    assert len({reason.name for reason in CLOSE_REASONS}) == len(CLOSE_REASONS)
