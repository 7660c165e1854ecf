from __future__ import annotations

import pytest

from peer.engine.ice.consent import CONSENT_LASTS, MEASURE_INTERVAL, PROBE_INTERVAL, Consent


def measured() -> Consent:
    """Selected at 0, and asked and answered at once."""
    consent = Consent(0.0)
    consent.probed(0.0)
    consent.answered(0.0, 0.0)
    return consent


def test_a_path_whose_round_trip_nobody_has_measured_is_asked_at_once() -> None:
    assert Consent(7.0).probe_at == 7.0
    assert Consent(7.0, rtt=0.1).probe_at == 7.0 + PROBE_INTERVAL


def test_silence_is_asked_again_and_again_without_waiting_for_an_answer() -> None:
    consent = measured()
    for count in range(1, 5):
        assert consent.probe_at == count * PROBE_INTERVAL
        consent.probed(consent.probe_at)


def test_whoever_hears_asks_less_often() -> None:
    consent = measured()
    now = 0.0
    for _ in range(20):
        now += 0.1
        consent.data(now)
        assert consent.probe_at == pytest.approx(min(now + PROBE_INTERVAL, MEASURE_INTERVAL))


def test_over_a_long_way_the_questions_do_not_wait_for_silence() -> None:
    near, far = Consent(0.0, rtt=0.1), Consent(0.0, rtt=2.0)
    for consent in (near, far):
        consent.probed(1.0)
        consent.asked(1.4)
    assert near.probe_at == pytest.approx(1.9)
    assert far.probe_at == pytest.approx(1.5)
    far.data(1.4)
    assert far.probe_at == pytest.approx(1.9)


def test_answers_that_take_seconds_are_answers() -> None:
    consent = Consent(0.0)
    consent.probed(0.0)
    consent.probed(0.5)
    consent.probed(1.0)
    consent.answered(2.0, rtt=2.0)
    assert (consent.heard_at, consent.rtt) == (2.0, 2.0)


def test_the_round_trip_time_is_smoothed() -> None:
    consent = Consent(0.0, rtt=0.1)
    consent.answered(1.0, rtt=0.2)
    assert consent.rtt == pytest.approx(0.1125)


def test_questions_and_data_of_the_other_side_are_signs_of_life() -> None:
    consent = measured()
    consent.asked(3.0)
    assert consent.heard_at == 3.0
    consent.data(4.0)
    assert consent.heard_at == 4.0


def test_data_of_who_answers_no_question_is_none() -> None:
    consent = measured()
    consent.data(CONSENT_LASTS - 0.1)
    consent.data(CONSENT_LASTS + 5)
    assert consent.heard_at == CONSENT_LASTS - 0.1
    assert not consent.may_send(CONSENT_LASTS + 5)


def test_an_answer_renews_consent() -> None:
    consent = measured()
    consent.answered(CONSENT_LASTS - 1, rtt=1.0)
    assert consent.may_send(2 * CONSENT_LASTS - 2)
    assert not consent.may_send(2 * CONSENT_LASTS)


def test_a_question_of_the_other_side_is_no_consent() -> None:
    # Whoever knows the password could ask in the name of any address, and have us flood it.
    consent = measured()
    consent.asked(CONSENT_LASTS + 1)
    assert not consent.may_send(CONSENT_LASTS + 1)
