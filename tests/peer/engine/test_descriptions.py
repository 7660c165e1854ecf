from __future__ import annotations

import time

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from peer.engine.descriptions import (
    MAX_SDP_CHARACTERS,
    MAX_SECTIONS,
    first_mid,
    has_name,
    parse_candidate,
    prepare_local,
    prepare_remote,
)
from signaling.protocol.signals import IceCandidateInit

HOST = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"
NAMED = "candidate:2 1 udp 2130706431 0f3a-11.local 5001 typ host"
OFFER = (
    "v=0\r\na=group:BUNDLE 0 1\r\n"
    f"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na={HOST}\r\na={NAMED}\r\na=end-of-candidates\r\na=mid:0\r\n"
    "a=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA\r\na=setup:actpass\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
)


def test_candidates_and_their_end_are_handed_out() -> None:
    prepared = prepare_remote(OFFER)
    assert "candidate" not in prepared.sdp
    assert prepared.candidates == [
        IceCandidateInit(text, sdp_mid="0", sdp_m_line_index=0) for text in (HOST, NAMED)
    ]
    assert prepared.is_complete
    assert not prepare_remote(OFFER.replace("a=end-of-candidates", "")).is_complete


def test_the_credentials_and_the_section_of_the_transport_are_known() -> None:
    prepared = prepare_remote(OFFER)
    assert (prepared.ufrag, prepared.mid, prepared.index) == ("u", "0", 0)


def test_the_first_section_of_the_bundle_has_the_candidates() -> None:
    other = HOST.replace("192.0.2.1", "192.0.2.2")
    prepared = prepare_remote(
        f"v=0\r\na=group:BUNDLE b a\r\nm=audio 9 X 0\r\na=mid:a\r\na=ice-ufrag:x\r\na={HOST}\r\n"
        f"m=video 9 X 0\r\na=mid:b\r\na=ice-ufrag:y\r\na={other}\r\n"
    )
    assert (prepared.ufrag, prepared.mid, prepared.index) == ("y", "b", 1)
    assert prepared.candidates == [IceCandidateInit(other, sdp_mid="b", sdp_m_line_index=1)]


def test_credentials_of_the_session_are_found() -> None:
    assert prepare_remote("v=0\r\na=ice-ufrag:u\r\nm=audio 9 X 0\r\na=mid:0\r\n").ufrag == "u"


def test_our_own_say_once_that_candidates_may_follow() -> None:
    local = prepare_local("v=0\r\nm=audio 9 X 0\r\na=mid:7\r\nm=video 9 X 0\r\na=mid:8\r\n")
    assert local.startswith("v=0\r\na=ice-options:trickle\r\nm=audio")
    assert local.count("trickle") == 1
    assert first_mid(local) == "7"


def test_a_rejected_section_gets_the_credentials_of_the_others() -> None:
    rejected = prepare_remote(OFFER).sdp.partition("m=video")[2]
    assert "a=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA\r\na=setup:actpass\r\n" in rejected


def test_credentials_of_the_session_count_for_all_sections() -> None:
    sdp = "v=0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\nm=audio 9 X 0\r\na=mid:0\r\n"
    assert prepare_remote(sdp).sdp == sdp


def test_line_ends_of_unix_are_read_too() -> None:
    assert prepare_remote(OFFER.replace("\r\n", "\n")) == prepare_remote(OFFER)


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_nothing_hides_behind_what_aiortc_takes_for_the_end_of_a_line(separator: str) -> None:
    prepared = prepare_remote(
        OFFER.replace("a=mid:0", f"a=x:{separator}a={HOST}{separator}a=end-of-candidates")
    )
    assert len(prepared.candidates) == 3
    parsed = SessionDescription.parse(prepared.sdp)
    assert not any(section.ice_candidates or section.ice_candidates_complete for section in parsed.media)
    sections = separator.join(["m=audio 9 A 0"] * (MAX_SECTIONS + 1))
    with pytest.raises(ValueError, match="sections"):
        prepare_remote(f"v=0\r\n{sections}\r\n")


def test_the_end_of_candidates_is_taken_out_however_it_is_written() -> None:
    prepared = prepare_remote(OFFER.replace("a=end-of-candidates", "a=end-of-candidates:now"))
    assert prepared.is_complete
    assert "end-of" not in prepared.sdp


@pytest.mark.parametrize(
    "lines",
    [
        ["a=rtpmap:1 x/1"] * 3_000 + ["a=rtcp-fb:* x"] * 3_000,
        ["a=rtpmap:1 x/1"] * 3_000 + ["a=rtpmap:2 x/1"] + ["a=fmtp:2 x=1"] * 3_000,
        [f"a=ssrc:{number} cname:x" for number in range(5_000)],
        ["a=fingerprint:sha-256 AA"] * 3_000,
    ],
    ids=["feedback", "settings", "sources", "fingerprints"],
)
def test_what_would_keep_aiortc_busy_for_seconds_is_refused_at_once(lines: list[str]) -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match=r"too many|lines of credentials"):
        prepare_remote(OFFER.replace("a=mid:0", "\r\n".join(["a=mid:0", *lines])))
    assert time.process_time() - started < 0.5


def test_a_section_with_all_that_a_browser_offers_is_taken() -> None:
    codecs = [
        f"a=rtpmap:{number} x/90000\r\na=fmtp:{number} a=b\r\n" + f"a=rtcp-fb:{number} nack\r\n" * 6
        for number in range(96, 128)
    ]
    prepare_remote(OFFER + "".join(codecs))


def test_descriptions_have_limits() -> None:
    with pytest.raises(ValueError, match="characters"):
        prepare_remote("x" * (MAX_SDP_CHARACTERS + 1))
    with pytest.raises(ValueError, match="sections"):
        prepare_remote("m=audio 9 X 0\r\n" * (MAX_SECTIONS + 1))


@given(st.lists(st.sampled_from([*OFFER.split("\r\n"), "a=candidate:", "m=", "\x00", "a=mid:"]), max_size=40))
def test_preparing_twice_changes_nothing_more(lines: list[str]) -> None:
    once = prepare_remote("\n".join(lines))
    again = prepare_remote(once.sdp)
    assert (again.sdp, again.candidates) == (once.sdp, [])


@given(st.text(max_size=300))
def test_no_text_from_the_other_side_raises(text: str) -> None:
    prepare_remote(text)
    parse_candidate(IceCandidateInit(text, sdp_mid="0"))
    parse_candidate(IceCandidateInit("candidate:" + text, sdp_mid="0"))


@pytest.mark.parametrize("prefix", ["", "candidate:", "a=candidate:"])
def test_a_candidate_is_read_with_its_section(prefix: str) -> None:
    init = IceCandidateInit(prefix + HOST.removeprefix("candidate:"), sdp_mid="0", sdp_m_line_index=3)
    candidate = parse_candidate(init)
    assert candidate is not None
    assert (candidate.ip, candidate.port, candidate.sdpMid, candidate.sdpMLineIndex) == (
        "192.0.2.1",
        5000,
        "0",
        3,
    )
    assert not has_name(candidate)


def test_a_name_is_known_as_one() -> None:
    candidate = parse_candidate(IceCandidateInit(NAMED, sdp_mid="0"))
    assert candidate is not None
    assert has_name(candidate)


@pytest.mark.parametrize(
    "text", ["", "candidate:", "candidate:1 1 udp", "candidate:1 x udp 1 1.2.3.4 9 typ host"]
)
def test_what_is_no_candidate_is_none(text: str) -> None:
    assert parse_candidate(IceCandidateInit(text, sdp_mid="0")) is None


def test_a_candidate_of_no_section_is_none() -> None:
    assert parse_candidate(IceCandidateInit(HOST)) is None


def test_where_the_other_side_sends_is_told_for_those_that_cannot_say_it_over_a_channel() -> None:
    sections = (
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=sendonly\r\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:w\r\na=recvonly\r\n"
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:x\r\n"
    )
    media = prepare_remote(f"v=0\r\n{sections}")
    assert (media.sending, media.has_channels) == (["a", "v"], False)
    assert prepare_remote("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n").has_channels
