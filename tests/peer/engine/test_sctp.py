"""Datagrams wait for nothing; what the other side can send without end, it cannot send for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiortc import (
    RTCCertificate,
    RTCDataChannel,
    RTCDtlsTransport,
    RTCIceGatherer,
    RTCIceTransport,
    RTCSctpTransport,
)
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_UNORDERED,
    WEBRTC_BINARY,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    SackChunk,
)
from hypothesis import given
from hypothesis import strategies as st

from peer.engine.peer_connection import PeerConnection
from peer.engine.sctp import (
    MAX_AHEAD,
    MAX_PARTS,
    MAX_UNFINISHED_BYTES,
    REALTIME_ALLOWANCE_BYTES,
    SctpTransport,
)
from tests.peer.engine.two import Two

PACKET = bytes(1100)


def sctp_of(pc: PeerConnection) -> SctpTransport:
    """What is under it, which only tests may look at."""
    sctp = pc._pc.sctp
    assert isinstance(sctp, SctpTransport)
    return sctp


def transport() -> RTCDtlsTransport:
    """One that nothing is sent over."""
    ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
    return RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])


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
        made = chunk(first + number * step, flags if number else flags | 2)
        # Many messages at a time: one alone may not have so many parts.
        made.stream_id += number // 1_000
        await victim._receive_data_chunk(made)
        if reasons or victim.state == "closed":
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


async def test_a_message_in_parts_of_a_byte_ends_the_association_before_it_costs_much() -> None:
    two = await connected()
    try:
        victim = sctp_of(two.answerer)
        reasons: list[str] = []
        victim.on("violated", reasons.append)
        assert victim._last_received_tsn is not None
        first = victim._last_received_tsn + 1
        for number in range(MAX_PARTS + 1):
            part = chunk(first + number, 0 if number else SCTP_DATA_FIRST_FRAG)
            part.user_data = b"x"
            await victim._receive_data_chunk(part)
        assert reasons == ["messages in too many parts"]
        assert victim.state == "closed"
    finally:
        await two.close()


async def test_packets_with_holes_between_them_end_the_association_without_blame() -> None:
    two = await connected()
    try:
        flags = SCTP_DATA_UNORDERED | SCTP_DATA_FIRST_FRAG | 1
        reasons = await flood(two, flags=flags, step=2, most=MAX_AHEAD + 10)
        assert reasons == []
        assert sctp_of(two.answerer).state == "closed"
        assert not sctp_of(two.answerer)._sack_misordered
    finally:
        await two.close()


@given(st.lists(st.integers(0, 40), max_size=80))
async def test_what_has_come_is_known_as_aiortc_knows_it(numbers: list[int]) -> None:
    ours, aiortcs = SctpTransport(transport()), RTCSctpTransport(transport())
    # aiortc itself is wrong where the numbers wrap: it sorts them as if they did not.
    first = 1000
    for sctp in (ours, aiortcs):
        sctp._last_received_tsn = (first - 1) % 2**32
    for number in numbers:
        tsn = (first + number) % 2**32
        assert ours._mark_received(tsn) == aiortcs._mark_received(tsn)
        assert ours._last_received_tsn == aiortcs._last_received_tsn
        assert ours._sack_misordered == aiortcs._sack_misordered


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


class Lanes:
    """Two lanes of the offerer, and a list of the chunks that it sends from now on."""

    def __init__(self, two: Two) -> None:
        pc = two.offerer._pc
        self.sctp = sctp_of(two.offerer)
        self.reliable = pc.createDataChannel("reliable")
        self.realtime = pc.createDataChannel("realtime", ordered=False, maxRetransmits=0)
        self.sent: list[Any] = []

    async def opened(self) -> Lanes:
        await until(lambda: self.reliable.readyState == self.realtime.readyState == "open")
        await until(lambda: self.sctp.is_idle)
        return self

    def hold(self) -> None:
        """Nothing that is sent arrives any more, nor is it acknowledged."""

        async def hold(chunk: Chunk) -> None:
            if isinstance(chunk, DataChunk):
                self.sent.append(chunk)

        self.sctp._send_chunk = hold  # type: ignore[method-assign] # that is the point

    async def send(self, lane: RTCDataChannel, *messages: bytes) -> list[bytes]:
        """What has gone out because of it."""
        before = len(self.sent)
        for message in messages:
            lane.send(message)
        for _ in range(5):
            await asyncio.sleep(0)
        return [chunk.user_data for chunk in self.sent[before:]]


async def test_a_datagram_overtakes_what_waits_for_acknowledgements() -> None:
    two = await connected()
    try:
        lanes = await Lanes(two).opened()
        lanes.hold()
        gone = await lanes.send(lanes.reliable, *[PACKET] * 50)
        assert 3 <= len(gone) < 50
        assert await lanes.send(lanes.realtime, b"now") == [b"now"]
        numbers = [chunk.tsn for chunk in lanes.sent]
        assert [(number - numbers[0]) % 2**32 for number in numbers] == list(range(len(numbers)))
        assert lanes.sctp._outbound_queue[0].tsn == (numbers[-1] + 1) % 2**32
        assert lanes.realtime.bufferedAmount == 0
    finally:
        await two.close()


async def test_datagrams_wait_too_when_far_too_much_is_under_way() -> None:
    two = await connected()
    try:
        lanes = await Lanes(two).opened()
        lanes.hold()
        gone = await lanes.send(lanes.realtime, *[PACKET] * 200)
        assert REALTIME_ALLOWANCE_BYTES < len(gone) * len(PACKET) < lanes.sctp._cwnd + 10_000
        assert lanes.realtime.bufferedAmount == (200 - len(gone)) * len(PACKET)
    finally:
        await two.close()


async def test_all_of_both_arrives() -> None:
    two = await connected()
    try:
        lanes = await Lanes(two).opened()
        for number in range(300):
            lanes.reliable.send(number.to_bytes(2) + PACKET)
            lanes.realtime.send(number.to_bytes(2))
        heard: dict[str, list[int]] = {"reliable": [], "realtime": []}
        for channel in sctp_of(two.answerer)._data_channels.values():
            arrived = heard.setdefault(channel.label, [])
            channel.on("message", lambda data, arrived=arrived: arrived.append(int.from_bytes(data[:2])))
        await until(lambda: len(heard["reliable"]) == len(heard["realtime"]) == 300)
        assert heard["reliable"] == list(range(300))
        assert sorted(heard["realtime"]) == list(range(300))
    finally:
        await two.close()


async def test_every_second_packet_is_acknowledged_and_a_lone_one_a_little_later() -> None:
    two = await connected()
    try:
        lanes = await Lanes(two).opened()
        receiver = sctp_of(two.answerer)
        original, sacks = receiver._send_chunk, []

        async def count(chunk: Chunk) -> None:
            if isinstance(chunk, SackChunk):
                sacks.append(chunk)
            await original(chunk)

        receiver._send_chunk = count  # type: ignore[method-assign] # that is the point
        for _ in range(101):
            lanes.reliable.send(PACKET)
        await until(lambda: lanes.sctp.is_idle)
        assert 51 <= len(sacks) <= 70
    finally:
        await two.close()


async def test_what_is_sent_on_a_lane_that_is_closing_is_dropped() -> None:
    two = await connected()
    try:
        lanes = await Lanes(two).opened()
        lanes.realtime.send(b"late")
        lanes.realtime.close()
        await until(lambda: lanes.realtime.readyState == "closed" and lanes.sctp.is_idle)
        lanes.reliable.send(b"on")
        await until(lambda: lanes.sctp.is_idle)
    finally:
        await two.close()


async def test_what_is_given_up_is_told_once_and_not_with_every_acknowledgement() -> None:
    two = await connected()
    try:
        sctp = sctp_of(two.offerer)
        told: list[Chunk] = []
        send = sctp._send_chunk

        async def note(chunk: Chunk) -> None:
            told.append(chunk)
            await send(chunk)

        sctp._send_chunk = note  # type: ignore[method-assign] # to see what goes out
        for _ in range(100):
            again = ForwardTsnChunk()
            again.cumulative_tsn = sctp._last_sacked_tsn
            sctp._forward_tsn_chunk = again
            await sctp._transmit()
        assert len([each for each in told if isinstance(each, ForwardTsnChunk)]) == 1
        # It is told again if nobody has heard it.
        assert sctp._t3_handle is not None
    finally:
        await two.close()
