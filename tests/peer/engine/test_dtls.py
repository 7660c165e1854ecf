"""What a peer sends as media spoils nothing but itself."""

from __future__ import annotations

import struct

import pytest
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

from peer.engine.dtls import DtlsTransport
from peer.engine.peer_connection import PeerConnection

LEVEL = RTCRtpHeaderExtensionParameters(id=1, uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level")
ODD_LEVEL = bytes((0x90, 111)) + bytes(10) + b"\xbe\xde\0\1\x12abc"
"""A level of three bytes, where one is what there is."""


def listening(kind: type[RTCDtlsTransport]) -> RTCDtlsTransport:
    dtls = kind(RTCIceTransport(RTCIceGatherer(iceServers=[])), [RTCCertificate.generateCertificate()])
    dtls._rtp_header_extensions_map.configure(RTCRtpParameters(headerExtensions=[LEVEL]))
    return dtls


async def test_a_packet_that_cannot_be_read_is_lost_and_no_more() -> None:
    with pytest.raises(struct.error):
        await listening(RTCDtlsTransport)._handle_rtp_data(ODD_LEVEL, arrival_time_ms=0)
    await listening(DtlsTransport)._handle_rtp_data(ODD_LEVEL, arrival_time_ms=0)
    for data in (b"", b"\x80", b"\x81\xc8\0\1" + bytes(4), b"\x8f\xce\0\5" + bytes(20)):
        await listening(DtlsTransport)._handle_rtcp_data(data)


async def test_connections_have_it() -> None:
    pc = PeerConnection([], changed=lambda state: None, lane_made=lambda lane: None)
    try:
        pc.make_control()
        assert pc._pc.sctp is not None
        assert isinstance(pc._pc.sctp.transport, DtlsTransport)
    finally:
        await pc.close()
