"""Signals of another peer: their form, descriptions (SDP) and candidates."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from aiortc import RTCIceCandidate
from aiortc.sdp import SessionDescription

from peer.engine import descriptions
from peer.engine.candidates import RemoteCandidates
from peer.engine.ice.policy import IcePolicy, may_send_to
from peer.facts import Facts
from peer.findings import Findings
from peer.negotiation import Negotiation
from peer.remote_peer import _payloads
from signaling.protocol.codec import UNREADABLE
from signaling.protocol.signals import Description, IceCandidateInit
from tests.fuzz.mutation import in_pieces, joined, lines, pieces, trees
from tests.fuzz.target import Target

UNUSABLE = (AssertionError, AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError)
"""What aiortc's parser raises, which its caller takes for a description that cannot be used."""
SECTION = re.compile(r"^m=", re.M)
POLICY = IcePolicy()


def read_description(data: bytes) -> None:
    """Taken or refused; and what is taken has none of the traps that aiortc would step into."""
    sdp = data.decode(errors="replace")
    try:
        remote = descriptions.prepare_remote(sdp)
    except ValueError:
        return
    assert len(sdp) <= descriptions.MAX_SDP_CHARACTERS
    _ = descriptions.first_mid(remote.sdp), descriptions.prepare_local(remote.sdp)
    for candidate in remote.candidates:
        _read(candidate)
    try:
        parsed = SessionDescription.parse(remote.sdp)
    except UNUSABLE:
        return
    assert len(parsed.media) <= descriptions.MAX_SECTIONS, f"{len(parsed.media)} sections"
    for section in parsed.media:
        assert not section.ice_candidates, "a candidate comes in beside our own list"
        assert not section.ice_candidates_complete, "the end of candidates reaches aiortc"


def read_candidate(data: bytes) -> None:
    text, *rest = data.decode(errors="replace").split("\n")
    _read(IceCandidateInit(text, rest[0] if rest else "0", None, rest[1] if len(rest) > 1 else None))


def _read(init: IceCandidateInit) -> None:
    candidate = descriptions.parse_candidate(init)
    assert candidate is None or isinstance(candidate, RTCIceCandidate)
    if candidate is not None and not descriptions.has_name(candidate):
        may_send_to(candidate.ip, POLICY)
    sdp = "v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
    description = descriptions.prepare_remote(sdp)
    admission = RemoteCandidates(POLICY)
    admission.described(description)
    admission.admits(init, 1.0)


def read_signals(data: bytes) -> None:
    """Signals in a row, heard by the side that offers and by the one that answers."""
    sides = [(Negotiation(you_offer), Findings()) for you_offer in (True, False)]
    for negotiation, _ in sides:
        negotiation.start()
    for part in pieces(data, most=16):
        try:
            payload = _payloads.decode(part)
        except UNREADABLE:
            continue
        for negotiation, findings in sides:
            findings.received(payload)
            negotiation.receive(payload)
            assert isinstance(findings.facts(), Facts)
            if negotiation.you_offer:
                negotiation.described(negotiation.generation, "offer", "v=0\r\n", {})
        if isinstance(payload, Description):
            read_description(payload.sdp.encode())


HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=msid-semantic:WMS *\r\n"
COMMON = (
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
)
DATA = f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n{COMMON}a=sctp-port:5000\r\na=max-message-size:262144\r\n"  # noqa: E501
AUDIO = (
    f"m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n{COMMON}"
    "a=sendrecv\r\na=rtcp-mux\r\n"
    "a=rtcp:9 IN IP4 0.0.0.0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=msid:s t\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtcp-fb:* nack\r\na=ssrc:1234 cname:x\r\na=ssrc-group:FID 1234 5678\r\n"
)
VIDEO = (
    "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:2\r\na=inactive\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42e01f;packetization-mode=1\r\n"
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-fb:96 nack pli\r\n"
)
HOST = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"
CANDIDATES = (
    HOST,
    f"{HOST} generation 0 ufrag abcd network-id 1",
    "candidate:2 1 udp 1694498815 203.0.113.7 6000 typ srflx raddr 192.0.2.1 rport 5000",
    "candidate:3 1 tcp 1 192.0.2.1 9 typ host tcptype active",
    "candidate:4 1 udp 1 4f1b.local 5000 typ host",
    "candidate:5 1 udp 1 fe80::1%eth0 5000 typ host",
    "",
    "candidate:",
)
DESCRIPTIONS = (
    HEAD + DATA,
    HEAD + AUDIO + VIDEO,
    HEAD + DATA + f"a={HOST}\r\na=end-of-candidates\r\n" + AUDIO,
    "v=0\r\na=ice-lite\r\na=ice-options:trickle\r\n" + COMMON + AUDIO,
    (HEAD + DATA).replace("\r\n", "\n"),
    HEAD + DATA + "a=sctpmap:5000 webrtc-datachannel 1024\r\n",
)
WORDS = (
    *sorted({line.encode() for text in DESCRIPTIONS for line in text.splitlines()}),
    b"a=candidate", b"a=end-of-candidates:", b"a=setup", b"m=audio 9 A 0",
    b"\x0b", b"\x1c", b"\xe2\x80\xa8", b"\r",
)  # fmt: skip
SIGNALS: tuple[dict[str, Any], ...] = (
    {
        "kind": "description",
        "generation": 1,
        "type": "offer",
        "sdp": HEAD + DATA,
        "slots": {"1": "microphone"},
    },
    {"kind": "description", "generation": 1, "type": "answer", "sdp": HEAD + DATA},
    {
        "kind": "candidate",
        "generation": 1,
        "candidate": {"candidate": HOST, "sdpMid": "0", "sdpMLineIndex": 0},
    },
    {"kind": "candidate", "generation": 1},
    {
        "kind": "please-offer",
        "generation": 1,
        "slots": [{"name": "camera", "kind": "video"}],
        "rebuild": True,
    },
    {"kind": "please-offer", "generation": 0, "restart": True},
)
_encode = msgspec.msgpack.encode

TARGETS = [
    Target(
        "sdp",
        read_description,
        tuple(each.encode() for each in DESCRIPTIONS),
        WORDS,
        lines(WORDS),
        max_bytes=4_096,
        stretched_bytes=190_000,
    ),
    Target(
        "candidate",
        read_candidate,
        tuple(each.encode() for each in CANDIDATES),
        (b"raddr", b"rport", b"\n0\nab"),
    ),
    Target(
        "signals",
        read_signals,
        (*(joined(_encode(each)) for each in SIGNALS), joined(*map(_encode, SIGNALS))),
        (b"offer", b"answer", b"generation"),
        in_pieces(trees(msgspec.msgpack, (1, 2, HOST))),
    ),
]
