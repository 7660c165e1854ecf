"""How much a connection has sent and received; aiortc tells that only of media."""

from __future__ import annotations

import msgspec
from aiortc import RTCDtlsTransport, RTCPeerConnection

from peer.engine import self_check


class Traffic(msgspec.Struct, frozen=True):
    """Since the connection began: of DTLS and SRTP, without the headers below them."""

    sent_bytes: int = 0
    received_bytes: int = 0
    sent_packets: int = 0
    received_packets: int = 0


def traffic_of(pc: RTCPeerConnection) -> Traffic:
    """Of all its sections, which share one transport; zeros before there is one."""
    transport = _transport_of(pc)
    if transport is None or not self_check.knows_traffic():
        return Traffic()
    for stats in transport._get_stats().values():
        return Traffic(stats.bytesSent, stats.bytesReceived, stats.packetsSent, stats.packetsReceived)
    return Traffic()


def _transport_of(pc: RTCPeerConnection) -> RTCDtlsTransport | None:
    if pc.sctp is not None:
        return pc.sctp.transport
    return next((each.receiver.transport for each in pc.getTransceivers()), None)
