"""What we use of aiortc's and aioice's insides: all of it, so that a change is noticed before it hurts.

Another minor version may rename any of these. ``self_check.py`` looks for them at the start, and
``tests/peer/engine/test_contracts.py`` for what they do.
"""

from __future__ import annotations

import inspect

import msgspec
from aioice import Connection, stun
from aioice.ice import CandidatePair, StunProtocol
from aioice.mdns import MDnsProtocol
from aioice.turn import TurnClientMixin, TurnClientTcpProtocol, TurnClientUdpProtocol
from aiortc import (
    RTCDataChannel,
    RTCDtlsTransport,
    RTCIceGatherer,
    RTCIceTransport,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSctpTransport,
)
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtcdtlstransport import RtpRouter


class Contract(msgspec.Struct, frozen=True):
    """``names`` of ``owner``: methods, or attributes that its ``__init__`` sets."""

    owner: type
    names: tuple[str, ...]
    why: str


ICE = (
    Contract(
        RTCPeerConnection,
        (
            "_RTCPeerConnection__createDtlsTransport",
            "_RTCPeerConnection__connect",
            "_RTCPeerConnection__certificates",
            "_RTCPeerConnection__dtlsTransports",
            "_RTCPeerConnection__iceTransports",
            "_RTCPeerConnection__updateConnectionState",
            "_RTCPeerConnection__updateIceConnectionState",
            "_RTCPeerConnection__updateIceGatheringState",
        ),
        "bundled.py gives aiortc our ICE transport, and starts it when the first candidate comes late",
    ),
    Contract(
        RTCIceGatherer,
        ("_RTCIceGatherer__setState", "_connection", "_remote_candidates_end"),
        "gatherer.py replaces the generation that descriptions are written from",
    ),
    Contract(
        RTCIceTransport,
        ("_RTCIceTransport__setState", "_connection", "_recv", "_role_set", "_send"),
        "transport.py is several connections behind one; aiortc sets the role on the newest",
    ),
    Contract(
        Connection,
        (
            "_add_remote_candidate",
            "_check_list",
            "_check_list_done",
            "_check_list_maybe_complete",
            "_check_list_maybe_fail",
            "_check_list_state",
            "_closing",
            "_early_checks",
            "_early_checks_done",
            "_end_remote_candidates",
            "_local_candidates",
            "_local_candidates_end",
            "_local_candidates_start",
            "_nominated",
            "_pair_remote_candidate",
            "_protocols",
            "_prune_components",
            "_query_consent_task",
            "_remote_candidates",
            "_remote_candidates_end",
            "_remote_candidates_expected",
            "_remote_candidates_resolving",
            "_transport_policy",
            "_unfreeze_initial",
            "build_request",
            "check_complete",
            "check_incoming",
            "check_start",
            "check_start_task",
            "check_state",
            "data_received",
            "protocol_lost",
            "query_consent",
            "request_received",
            "sort_check_list",
            "switch_role",
        ),
        "checks.py and connection.py: candidates that come late, direct paths first, our own probes",
    ),
    Contract(
        CandidatePair,
        (
            "component",
            "local_addr",
            "local_candidate",
            "nominated",
            "protocol",
            "remote_addr",
            "remote_candidate",
            "remote_nominated",
            "state",
            "task",
        ),
        "checks.py decides over pairs, pairs.py tells of them",
    ),
    Contract(
        StunProtocol,
        ("datagram_received", "request", "send_stun", "receiver", "transactions"),
        "sockets.py bounds it; probe.py waits among its transactions",
    ),
    Contract(
        TurnClientMixin,
        (
            "channel_bind",
            "channel_to_peer",
            "connect",
            "datagram_received",
            "integrity_key",
            "lifetime",
            "mapped_address",
            "nonce",
            "peer_to_channel",
            "realm",
            "receiver",
            "refresh",
            "refresh_task",
            "relayed_address",
            "request_with_retry",
            "send_stun",
            "server",
            "username",
        ),
        "relay.py: an allocation that tells why it ends, is given back in time, and bounds what waits",
    ),
    Contract(
        TurnClientUdpProtocol,
        ("_send", "error_received", "transport"),
        "relay.py sends on it, and hears of refusals",
    ),
    Contract(TurnClientTcpProtocol, ("_send", "data_received", "transport"), "relay.py sends on it"),
    Contract(
        RTCDtlsTransport,
        ("_handle_rtcp_data", "_handle_rtp_data"),
        "dtls.py drops what cannot be read",
    ),
    Contract(MDnsProtocol, ("close", "datagram_received", "resolve"), "mdns.py asks for names with it"),
    Contract(
        stun.Message,
        ("add_message_integrity", "check_message_integrity", "attributes", "transaction_id"),
        "probe.py believes only who knows the password",
    ),
)

DELIVERY = (
    Contract(
        RTCSctpTransport,
        ("_data_channel_queue", "_outbound_queue", "_sent_queue"),
        "delivery.py knows from them whether all has arrived",
    ),
)

SCTP = (
    Contract(
        RTCPeerConnection,
        ("_RTCPeerConnection__createSctpTransport", "_RTCPeerConnection__sctp"),
        "bundled.py gives aiortc our SCTP",
    ),
    Contract(
        RTCSctpTransport,
        (
            "_abort", "_data_channel_flush", "_data_channel_send", "_flight_size_increase", "_handle_data",
            "_mark_received", "_receive_data_chunk", "_receive_sack_chunk", "_send", "_send_chunk",
            "_send_sack", "_set_state", "_t3_start", "_transmit",
        ),
        "sctp.py sends datagrams before all else, and acknowledges every second packet",
    ),
    Contract(
        RTCSctpTransport,
        (
            "_association_state", "_bundled", "_cwnd", "_data_channel_queue", "_flight_size",
            "_forward_tsn_chunk", "_rto",
            "_last_received_tsn", "_last_sacked_tsn",
            "_outbound_queue", "_reconfig_request", "_remote_max_message_size", "_sack_duplicates",
            "_sack_misordered", "_sack_needed", "_sent_queue", "_t3_handle",
        ),
        "sctp.py knows from them what may go now, and what has come",
    ),
    Contract(
        RTCSctpTransport,
        ("_advertised_rwnd", "_inbound_streams"),
        "sctp.py ends what a peer sends without end",
    ),
    Contract(
        RTCDataChannel,
        ("_addBufferedAmount",),
        "sctp.py hands messages over itself, and counts them as aiortc does",
    ),
)  # fmt: skip

DTLS = (
    Contract(RTCDtlsTransport, ("_get_stats",), "counts bytes and packets, where aiortc tells only of media"),
)

SOURCES = (
    Contract(
        RTCDtlsTransport,
        ("_rtp_router", "_rx_srtp"),
        "dtls.py forgets sources that are silent",
    ),
    Contract(RtpRouter, ("ssrc_table",), "dtls.py forgets here"),
    Contract(
        RTCRtpReceiver,
        (
            "_RTCRtpReceiver__active_ssrc",
            "_RTCRtpReceiver__lsr",
            "_RTCRtpReceiver__lsr_time",
            "_RTCRtpReceiver__remote_bitrate_estimator",
            "_RTCRtpReceiver__remote_streams",
        ),
        "and here",
    ),
    Contract(RemoteBitrateEstimator, ("ssrcs",), "and here"),
)


def broken(contracts: tuple[Contract, ...]) -> list[str]:
    """The names that are not there any more."""
    return [
        f"{contract.owner.__name__}.{name}"
        for contract in contracts
        for name in contract.names
        if not hasattr(contract.owner, name) and name not in _set_by(contract.owner)
    ]


def _set_by(owner: type) -> tuple[str, ...]:
    """What its ``__init__`` names, and what it promises to have."""
    code = getattr(inspect.unwrap(vars(owner).get("__init__", _set_by)), "__code__", None)
    return (*(() if code is None else code.co_names), *vars(owner).get("__annotations__", ()))
