"""Offers, answers and fragments as RFC 9725 and RFC 8840 have them, and as clients write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.dialects.whip_sdp import (
    MAX_CANDIDATES,
    MAX_SDP_CHARACTERS,
    Fragment,
    UnusableError,
    answer_fragment,
    build_fragment,
    completed,
    parse_answer,
    parse_fragment,
    parse_offer,
    restarted,
    usable_candidate,
)
from tests.signaling.dialects.descriptions import CANDIDATE, PWD, UFRAG, answer, offer, section

CREDENTIAL = st.text("abcXYZ019+/", min_size=22, max_size=40)
NUMBERS = st.integers(1, 65535)


def status_of(text: str, direction: str = "sendonly") -> int:
    with pytest.raises(UnusableError) as caught:
        parse_offer(text, direction)  # type: ignore[arg-type] # one of the two
    assert str(caught.value)
    return caught.value.status


def test_an_offer_has_its_slots_and_credentials() -> None:
    parsed = parse_offer(offer(), "sendonly")
    assert (parsed.mid, parsed.ufrag) == ("0", UFRAG)
    assert parsed.slots == {"0": "microphone", "1": "camera"}


def test_who_would_receive_as_well_only_sends() -> None:
    parsed = parse_offer(offer(direction="sendrecv"), "sendonly")
    assert parsed.sdp.count("a=sendonly\r\n") == 2
    assert "sendrecv" not in parsed.sdp
    silent = offer().replace("a=sendonly\r\n", "")
    assert parse_offer(silent, "recvonly").sdp.count("a=recvonly\r\n") == 2


def test_a_second_section_of_a_kind_is_the_screen() -> None:
    text = offer().replace("BUNDLE 0 1", "BUNDLE 0 1 2")
    more = section("video", "2", "a=rtcp-mux", "a=fingerprint:sha-256 AA")
    assert parse_offer(text + more, "sendonly").slots["2"] == "screen"
    assert status_of(text.replace("1 2", "1 2 3") + more + more.replace("mid:2", "mid:3")) == 422


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 400),
        ("hello", 400),
        ("v=0\r\n", 422),
        (offer().replace("m=video", "m=application"), 422),
        (offer().replace("a=mid:1", "a=mid:0"), 400),
        (offer().replace("a=mid:1\r\n", ""), 400),
        (offer().replace("BUNDLE 0 1", "BUNDLE 0"), 422),
        (offer().replace("BUNDLE 0 1", "BUNDLE x"), 422),
        (offer().replace("a=rtcp-mux\r\n", ""), 422),
        (offer().replace("a=fingerprint", "a=x"), 400),
        (offer().replace("a=ice-ufrag", "a=x"), 400),
        (offer().replace(PWD, "short"), 400),
        (offer(setup="passive"), 422),
        (offer().replace("m=video 9", "m=video 0"), 422),
        (offer(direction="recvonly"), 422),
        (offer(direction="inactive"), 422),
        ("v=0\r\n" + "a=x\r\n" * MAX_SDP_CHARACTERS, 413),
        ("v=0\r\n" + section("audio", "0") * 5, 422),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(text: str, status: int) -> None:
    assert status_of(text) == status


def test_a_viewer_cannot_send() -> None:
    assert status_of(offer(), "recvonly") == 422


@given(st.text(max_size=300) | st.lists(st.sampled_from(offer().splitlines())).map("\r\n".join))
def test_whatever_is_offered_is_taken_or_refused(text: str) -> None:
    with suppress(UnusableError):
        parsed = parse_offer(text, "sendonly")
        assert parse_offer(parsed.sdp, "sendonly") == parsed


def test_a_restart_is_the_same_offer_with_other_credentials_and_a_higher_version() -> None:
    before = parse_offer(offer().replace("a=mid:0\r\n", f"a=mid:0\r\na={CANDIDATE}\r\n"), "sendonly")
    after = restarted(before, Fragment("other", "q" * 22, [CANDIDATE.replace("5000", "6000")]))
    assert "o=- 1 3 IN IP4 0.0.0.0\r\n" in after.sdp
    assert after.sdp.count("a=ice-ufrag:other\r\n") == after.sdp.count(f"a=ice-pwd:{'q' * 22}\r\n") == 2
    assert "5000 typ" not in after.sdp
    assert after.sdp.count("6000 typ") == 1
    assert (after.ufrag, after.slots) == ("other", before.slots)


def test_an_answer_is_completed_in_the_section_whose_transport_all_share() -> None:
    parsed = parse_answer(answer(), parse_offer(offer(), "sendonly"))
    assert (parsed.ufrag, parsed.pwd, parsed.is_complete) == ("ours", PWD, False)
    text = completed(parsed, [CANDIDATE, CANDIDATE])
    first, second = text.split("m=video")
    assert first.endswith(f"a={CANDIDATE}\r\na=end-of-candidates\r\n")
    assert "candidate" not in second
    assert answer_fragment(parsed, [CANDIDATE]) == (
        "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n"
        f"a=ice-ufrag:ours\r\na=ice-pwd:{PWD}\r\na={CANDIDATE}\r\na=end-of-candidates\r\n"
    )


@pytest.mark.parametrize("text", ["", "v=0\r\n", answer().replace("m=audio 9", "m=audio 0")])
def test_an_answer_to_a_part_is_none(text: str) -> None:
    with pytest.raises(UnusableError) as caught:
        parse_answer(text, parse_offer(offer(), "sendonly"))
    assert caught.value.status == 422


# Fragments


@given(
    CREDENTIAL,
    CREDENTIAL,
    st.lists(NUMBERS.map(lambda port: CANDIDATE.replace("5000", str(port))), unique=True, max_size=10),
    st.booleans(),
)
def test_a_fragment_is_the_same_when_it_is_written_and_read(
    ufrag: str, pwd: str, candidates: list[str], is_complete: bool
) -> None:
    fragment = Fragment(ufrag, pwd, candidates, is_complete)
    assert parse_fragment(build_fragment(fragment)) == fragment


@given(st.text(max_size=300) | st.lists(st.text(max_size=40).map("a=candidate:{}".format)).map("\r\n".join))
def test_any_text_is_a_fragment_or_refused(text: str) -> None:
    with suppress(UnusableError):
        fragment = parse_fragment(text)
        assert len(fragment.candidates) <= MAX_CANDIDATES
        assert all("\r" not in each and "\n" not in each for each in fragment.candidates)


def test_credentials_are_found_where_the_rfc_and_where_other_clients_have_them() -> None:
    session = f"a=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PWD}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na={CANDIDATE}\r\n"
    media = f"m=audio 9 X 0\r\na=mid:0\r\na=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PWD}\r\na={CANDIDATE}\r\n"
    assert parse_fragment(session) == parse_fragment(media) == Fragment(UFRAG, PWD, [CANDIDATE])


def test_a_candidate_that_is_repeated_for_each_section_counts_once() -> None:
    text = f"m=audio 9 X 0\r\na=mid:0\r\na={CANDIDATE}\r\nm=video 9 X 0\r\na=mid:1\r\na={CANDIDATE}\r\n"
    assert parse_fragment(text).candidates == [CANDIDATE]


@pytest.mark.parametrize("text", ["hello", "a=ice-ufrag:x\r\n", "a=ice-pwd:short\r\n", '{"json": 1}'])
def test_what_is_no_fragment_is_refused(text: str) -> None:
    with pytest.raises(UnusableError) as caught:
        parse_fragment(text)
    assert caught.value.status == 400


def test_components_are_counted_from_one_and_rtcp_has_none_of_its_own() -> None:
    assert usable_candidate(CANDIDATE) == CANDIDATE
    assert usable_candidate(CANDIDATE.replace(":1 1 ", ":1 0 ")) == CANDIDATE
    assert usable_candidate(CANDIDATE.replace(":1 1 ", ":1 2 ")) is None
    assert usable_candidate("candidate:1 1 udp") is None
    assert usable_candidate(CANDIDATE + " x" * 512) is None


def test_a_section_alone_needs_no_bundle_and_is_first_in_whatever_bundle_is_named() -> None:
    alone = offer().split("m=video")[0]
    for group in ("a=group:BUNDLE 0\r\n", "a=group:BUNDLE x\r\n", "a=group:BUNDLE\r\n", ""):
        assert parse_offer(alone.replace("a=group:BUNDLE 0 1\r\n", group), "sendonly").mid == "0"
