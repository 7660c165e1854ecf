"""What the other side can send without end, it cannot send for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, SCTP_DATA_UNORDERED, WEBRTC_BINARY, DataChunk

from peer.engine.peer_connection import PeerConnection
from peer.engine.sctp import MAX_GAPS, MAX_UNFINISHED_BYTES, SctpTransport
from tests.peer.engine.two import Two

PACKET = bytes(1100)


def sctp_of(pc: PeerConnection) -> SctpTransport:
    """What is under it, which only tests may look at."""
    sctp = pc._pc.sctp
    assert isinstance(sctp, SctpTransport)
    return sctp


def chunk(tsn: int, flags: int) -> Any:
    made = DataChunk()
    made.flags, made.tsn, made.stream_id, made.stream_seq = flags, tsn % 2**32, 4, 0
    made.protocol, made.user_data = WEBRTC_BINARY, PACKET
    return made


async def flood(two: Two, *, flags: int, step: int, most: int) -> list[str]:
    """Feed the answerer chunks as if the offerer had sent them; what it says of them."""
    victim = sctp_of(two.answerer)
    reasons: list[str] = []
    victim.on("violated", reasons.append)
    assert victim._last_received_tsn is not None
    first = victim._last_received_tsn + 1
    for number in range(most):
        await victim._receive_data_chunk(chunk(first + number * step, flags if number else flags | 2))
        if reasons:
            break
        if number % 500 == 0:
            await asyncio.sleep(0)
    return reasons


async def connected() -> Two:
    two = Two()
    await two.connect()
    await until(lambda: sctp_of(two.answerer)._last_received_tsn is not None)
    return two


async def until(is_so: Callable[[], bool]) -> None:
    """SCTP tells nobody what it knows."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 # see above
            await asyncio.sleep(0.01)


async def test_a_message_without_an_end_ends_the_association_and_is_forgotten() -> None:
    two = await connected()
    try:
        reasons = await flood(two, flags=0, step=1, most=2 * MAX_UNFINISHED_BYTES // len(PACKET))
        assert reasons == ["messages that do not end"]
        assert sctp_of(two.answerer).state == "closed"
        assert not sctp_of(two.answerer)._inbound_streams
    finally:
        await two.close()


async def test_packets_with_holes_between_them_end_the_association() -> None:
    two = await connected()
    try:
        flags = SCTP_DATA_UNORDERED | SCTP_DATA_FIRST_FRAG | 1
        reasons = await flood(two, flags=flags, step=2, most=MAX_GAPS + 10)
        assert reasons == ["packets with too many gaps between them"]
    finally:
        await two.close()


@pytest.mark.parametrize("size", [1, 1160, 200_000])
async def test_honest_messages_are_left_alone(size: int) -> None:
    two = await connected()
    try:
        reasons: list[str] = []
        sctp_of(two.answerer).on("violated", reasons.append)
        lane = two.offerer._pc.createDataChannel("honest")
        await until(lambda: lane.readyState == "open")
        for _ in range(20):
            lane.send(bytes(size))
        await until(lambda: not lane.bufferedAmount and sctp_of(two.offerer).is_idle)
        assert reasons == []
    finally:
        await two.close()
