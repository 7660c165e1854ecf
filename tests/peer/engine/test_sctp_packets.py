"""Packets that would keep aiortc busy for ever are known before it reads them."""

from __future__ import annotations

import struct

import google_crc32c
import pytest
from aiortc.rtcsctptransport import HeartbeatChunk, InitChunk, ReconfigChunk, SackChunk
from hypothesis import given
from hypothesis import strategies as st

from peer.engine.sctp_packets import gaps_within, has_endless_parameters
from tests.peer.engine.test_sctp import connected, sctp_of, until
from tests.peer.engine.two import Two

HEADER = bytes(12)
EVERYTHING = [(1, 65_535)] * 300


def packet(kind: int, body: bytes) -> bytes:
    return HEADER + struct.pack("!BBH", kind, 0, 4 + len(body)) + body


@pytest.mark.parametrize("kind", [4, 5, 6, 9, 130])
def test_a_parameter_without_a_length_is_found_in_every_kind_of_chunk(kind: int) -> None:
    assert has_endless_parameters(packet(kind, b"\0\r\0\0"))
    assert has_endless_parameters(packet(kind, b"\0\r\0\5x\0\0\0" + bytes(4)))
    assert not has_endless_parameters(packet(kind, b"\0\r\0\5x\0\0\0"))


def test_a_parameter_without_a_length_is_found_behind_other_chunks() -> None:
    before = packet(0, bytes(17)) + bytes(3)
    assert has_endless_parameters(before + packet(1, bytes(16) + bytes(4))[12:])
    assert not has_endless_parameters(before + packet(1, bytes(16))[12:])


def test_what_aiortc_writes_is_sound() -> None:
    init = InitChunk()
    init.initiate_tag = init.advertised_rwnd = init.initial_tsn = 1
    init.outbound_streams = init.inbound_streams = 1
    init.params = [(49152, b""), (32776, b"\xc0\x82")]
    heartbeat, reconfig = HeartbeatChunk(), ReconfigChunk()
    heartbeat.params, reconfig.params = [(1, b"abc")], [(13, bytes(14))]
    for chunk in (init, heartbeat, reconfig):
        assert not has_endless_parameters(HEADER + bytes(chunk))


@given(st.binary(max_size=80))
def test_any_bytes_are_judged(data: bytes) -> None:
    has_endless_parameters(data)


def test_gaps_are_in_order_and_no_further_than_what_was_sent() -> None:
    assert gaps_within([(2, 3), (5, 9)], 9) == [(2, 3), (5, 9)]
    assert gaps_within([(2, 3), (3, 4), (5, 5), (1, 2)], 9) == [(2, 3), (5, 5)]
    assert gaps_within([(0, 3), (4, 2), (5, 10)], 9) == []
    assert gaps_within(EVERYTHING, 10) == []


def with_tag(two: Two, chunks: bytes) -> bytes:
    """As if the offerer had sent it."""
    head = struct.pack("!HHL", 5_000, 5_000, sctp_of(two.answerer)._local_verification_tag)
    return head + struct.pack("<L", google_crc32c.value(head + bytes(4) + chunks)) + chunks


@pytest.mark.parametrize(
    "chunks",
    [
        packet(130, b"\0\r\0\0")[12:],
        struct.pack("!BBHLLHH", 3, 0, 16, 1, 1, 9, 0),
        b"\x07\0\0\5\0\0\0\0",
    ],
    ids=["endless", "gaps that are not there", "too short"],
)
async def test_a_packet_that_cannot_be_read_ends_the_association_and_raises_nothing(chunks: bytes) -> None:
    two = await connected()
    try:
        await sctp_of(two.answerer)._handle_data(with_tag(two, chunks))
        assert sctp_of(two.answerer).state == "closed"
    finally:
        await two.close()


async def test_an_acknowledgement_of_everything_and_more_costs_nothing() -> None:
    two = await connected()
    try:
        victim = sctp_of(two.answerer)
        chunk = SackChunk()
        chunk.cumulative_tsn, chunk.advertised_rwnd = victim._last_sacked_tsn, 100_000
        chunk.gaps = list(EVERYTHING)
        await victim._receive_sack_chunk(chunk)
        assert chunk.gaps == []
        lane = two.offerer._pc.createDataChannel("still there")
        await until(lambda: lane.readyState == "open")
    finally:
        await two.close()
