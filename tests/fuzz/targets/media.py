"""Packets of media as they come out of SRTP, and the reports about them."""

from __future__ import annotations

import struct

from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpParameters,
)
from aiortc.rtp import HeaderExtensionsMap, RtcpPacket, RtpPacket, unpack_remb_fci, unwrap_rtx

from tests.fuzz.target import Target

EXTENSIONS = HeaderExtensionsMap()
EXTENSIONS.configure(
    RTCRtpParameters(
        headerExtensions=[
            RTCRtpHeaderExtensionParameters(id=1, uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
            RTCRtpHeaderExtensionParameters(id=2, uri="urn:ietf:params:rtp-hdrext:sdes:mid"),
            RTCRtpHeaderExtensionParameters(id=3, uri="urn:ietf:params:rtp-hdrext:toffset"),
        ]
    )
)
CODECS = [
    RTCRtpCodecParameters(mimeType=f"video/{name}", clockRate=90_000, payloadType=96)
    for name in ("VP8", "H264")
]
UNREADABLE = (ValueError, struct.error)
"""What our DTLS drops; any other would be news."""


def read_media(data: bytes) -> None:
    """As RTP with its header extensions and payloads of two codecs, and as RTCP."""
    try:
        packet = RtpPacket.parse(data, EXTENSIONS)
    except UNREADABLE:
        packet = None
    if packet is not None:
        for codec in CODECS:
            try:
                depayload(codec, packet.payload)
            except UNREADABLE:
                pass  # not of this codec
        if len(packet.payload) >= 2:
            unwrap_rtx(packet, payload_type=96, ssrc=1)
    try:
        reports = RtcpPacket.parse(data)
    except UNREADABLE:
        return
    for report in reports:
        try:
            unpack_remb_fci(getattr(report, "fci", b""))
        except UNREADABLE:
            pass  # no estimate of a rate


RTP = b"\x80\x60\0\1" + bytes(8)
PACKETS = (
    RTP + b"\x10\x80\0payload",
    RTP + b"\x7c\x85fragment",
    RTP + b"\x78\0\2ab\0\2cd",
    b"\x90\x60\0\1" + bytes(8) + b"\xbe\xde\0\2\x10\xaa\x21ab\x32abc\0" + b"xx",
    b"\x90\x60\0\1" + bytes(8) + b"\x10\0\0\1\1\2ab" + b"xx",
    b"\xb1\x60\0\1" + bytes(12) + b"xxxx\0\2",
    b"\x81\xc8\0\x0c" + bytes(48),
    b"\x81\xc9\0\7" + bytes(28),
    b"\x81\xca\0\3" + bytes(4) + b"\1\3abc\0\0\0",
    b"\x81\xcb\0\1" + bytes(4),
    b"\x81\xcd\0\3" + bytes(12),
    b"\x8f\xce\0\5" + bytes(8) + b"REMB\1" + bytes(7),
)

TARGETS = [
    Target(
        "media",
        read_media,
        PACKETS,
        (b"\xbe\xde", b"REMB", b"\x81\xcd", b"\x10\0", RTP),
        max_bytes=1_500,
        stretched_bytes=1_500,
    )
]
