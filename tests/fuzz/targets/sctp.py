"""SCTP packets of a peer, as they come out of DTLS: aiortc's association, and what we have put around it."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import google_crc32c
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcsctptransport import (
    WEBRTC_BINARY,
    WEBRTC_DCEP,
    AbortChunk,
    Chunk,
    CookieEchoChunk,
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    InitChunk,
    ReconfigChunk,
    SackChunk,
    ShutdownChunk,
    StreamResetOutgoingParam,
)

from peer.channels.kinds import RELIABLE, protocol_of
from peer.engine.sctp import SctpTransport
from tests.fuzz.mutation import in_pieces, joined, pieces
from tests.fuzz.target import Target

LOOP = asyncio.new_event_loop()
CERTIFICATE = RTCCertificate.generateCertificate()
TAG = 7
FIRST_TSN = 1_000
faults: list[dict[str, Any]] = []
LOOP.set_exception_handler(lambda loop, context: faults.append(context))


class Dtls(RTCDtlsTransport):
    """One that is connected, with nobody."""

    state = "connected"

    async def _send_data(self, data: bytes) -> None:
        pass


async def _hear(data: bytes) -> None:
    ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
    sctp = SctpTransport(Dtls(ice, [CERTIFICATE]))
    reasons: list[str] = []
    sctp.on("violated", reasons.append)
    sctp._data_channel_id = 1
    sctp._remote_port = 5_000
    sctp._local_verification_tag, sctp._remote_verification_tag = TAG, 9
    sctp._last_received_tsn = FIRST_TSN - 1
    sctp._reconfig_response_seq = FIRST_TSN - 1
    sctp._remote_partial_reliability = True
    sctp._remote_extensions = [ReconfigChunk.type]
    sctp._ssthresh = 131_072
    sctp._set_state(sctp.State.ESTABLISHED)
    for _ in range(20):
        await sctp._send(1, WEBRTC_BINARY, bytes(100))
    for part in pieces(data, most=16):
        await sctp._handle_data(_packet(part))
        if sctp._association_state is sctp.State.CLOSED:
            break
    await sctp.stop()


def _packet(chunks: bytes) -> bytes:
    """With a tag and a sum that fit; an INIT comes without a tag."""
    tag = 0 if chunks[:1] == b"\x01" else TAG
    head = struct.pack("!HHL", 5_000, 5_000, tag)
    return head + struct.pack("<L", google_crc32c.value(head + bytes(4) + chunks)) + chunks


def hear(data: bytes) -> None:
    """Packets of an association that stands: a fault of one ends it, and is raised to nobody."""
    faults.clear()
    LOOP.run_until_complete(_hear(data))
    assert not faults, faults[0].get("exception") or faults[0]


def _data(tsn: int, stream: int, protocol: int, content: bytes, flags: int = 3) -> Chunk:
    made = DataChunk(flags=flags)
    made.tsn, made.stream_id, made.stream_seq, made.protocol, made.user_data = (
        tsn,
        stream,
        0,
        protocol,
        content,
    )
    return made


def _open(label: bytes, protocol: bytes) -> bytes:
    return struct.pack("!BBHLHH", 3, 0, 0, 0, len(label), len(protocol)) + label + protocol


def _sack(gaps: list[tuple[int, int]]) -> Chunk:
    made = SackChunk()
    made.cumulative_tsn, made.advertised_rwnd, made.gaps, made.duplicates = FIRST_TSN, 100_000, gaps, [1]
    return made


def _forward() -> Chunk:
    made = ForwardTsnChunk()
    made.cumulative_tsn, made.streams = FIRST_TSN + 3, [(4, 1)]
    return made


def _reconfig() -> Chunk:
    made = ReconfigChunk()
    made.params = [(13, bytes(StreamResetOutgoingParam(FIRST_TSN, 0, FIRST_TSN, [4])))]
    return made


def _init() -> Chunk:
    made = InitChunk()
    made.initiate_tag, made.advertised_rwnd, made.outbound_streams = 5, 100_000, 10
    made.inbound_streams, made.initial_tsn = 10, FIRST_TSN
    return made


DCEP = _open(b"chat", protocol_of(RELIABLE, "0123abcd").encode())
CHUNKS = tuple(
    bytes(each)
    for each in (
        _data(FIRST_TSN, 4, WEBRTC_DCEP, DCEP),
        _data(FIRST_TSN + 1, 4, WEBRTC_BINARY, b"\x04\0\0\0\0\0\0"),
        _data(FIRST_TSN + 2, 4, WEBRTC_BINARY, b"\0hello", flags=7),
        _data(FIRST_TSN + 5, 6, WEBRTC_BINARY, b"part", flags=2),
        _data(FIRST_TSN, 4, WEBRTC_DCEP, b"\x02"),
        _sack([(2, 3), (5, 9)]),
        _sack([]),
        _forward(),
        _reconfig(),
        _init(),
        HeartbeatChunk(),
        AbortChunk(),
        ShutdownChunk(),
        CookieEchoChunk(),
    )
)
GAPS = struct.pack("!BBHLLHH", 3, 0, 1_216, FIRST_TSN, 1, 300, 0) + b"\0\x02\xff\xff" * 300
"""300 gaps of everything, in one packet."""

TARGETS = [
    Target(
        "sctp",
        hear,
        (*(joined(each) for each in CHUNKS), joined(*CHUNKS[:9]), joined(b"".join(CHUNKS[:4])), joined(GAPS)),
        (
            *(each[:4] for each in CHUNKS),
            b"\xff\xff",
            struct.pack("!L", FIRST_TSN),
            struct.pack("!L", WEBRTC_DCEP),
        ),
        in_pieces(lambda data, chance, plain: plain(data)),
        stretched_bytes=16_384,
    )
]
