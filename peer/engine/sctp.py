"""Our SCTP under aiortc: datagrams that wait for nothing, and half the acknowledgements.

aiortc has one queue for all data channels, and one congestion window that closes for all of them when a
packet is lost. A datagram of an unordered channel without retransmissions has no reason to wait for either.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import Any

from aiortc import RTCDataChannel, RTCDtlsTransport, RTCSctpTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_TSN_MODULO,
    USERDATA_MAX_LENGTH,
    WEBRTC_BINARY,
    DataChunk,
    SackChunk,
    tsn_plus_one,
)
from aiortc.utils import uint32_gte

from peer.engine.sctp_packets import gaps_within, has_endless_parameters

log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]
REALTIME_ALLOWANCE_BYTES = 8 * 1024
"""So much more than the congestion window may be under way when it is datagrams: at 60 a second of a packet
each, all that a path of 100 ms can hold. It does not grow, so it cannot congest what is not congested."""
FIRST_WINDOW_BYTES = 10 * USERDATA_MAX_LENGTH
"""Under way before anything was acknowledged: what RFC 6928 found to be right for TCP; aiortc has 3."""
SACK_DELAY = 0.01
"""Seconds. Every second packet is acknowledged at once, a single one so much later: RFC 9260 section 6.2
allows 0.2 s."""

FORWARD_PAUSE = 0.02
FORWARD_AGAIN = 0.05
"""Seconds between two FORWARD-TSN chunks (RFC 3758): with news, and with what was told already."""
MAX_UNFINISHED_BYTES = 8 * 1024 * 1024
"""Of messages that are not whole: what an honest sender has under way at the most, and as much again.
aiortc keeps all that it is sent, also past the window that it has announced."""
MAX_PARTS = 2_048
"""Of a message that is not whole. aiortc looks at all of them for each that comes; ours have 14 at most."""
MAX_AHEAD = 16_384
"""Packets that have come before one that is missing. A browser on a line that comes and goes sends on for a
long time before it sends that one again; past this, a new connection is sooner there."""


class SctpTransport(RTCSctpTransport):
    """Everything else is aiortc's; ``contracts.py`` lists what is used of its insides.

    Emits ``violated``, with a sentence, before it ends because the other side sends without end or sense.
    """

    def __init__(self, transport: RTCDtlsTransport) -> None:
        super().__init__(transport)
        self._realtime: deque[tuple[RTCDataChannel, bytes]] = deque()
        self._is_flushing = self._will_flush = self._is_numbering = False
        self._background: set[asyncio.Task[None]] = set()
        self._cwnd = FIRST_WINDOW_BYTES
        self._parts: Counter[int] = Counter()
        """By stream: what has come since the last end of a message."""
        self._told_tsn: int | None = None
        self._told_at = -FORWARD_AGAIN
        self._unsacked = 0
        self._sack_timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the other side has acknowledged all that was sent."""
        waits = self._data_channel_queue or self._outbound_queue or self._sent_queue or self._realtime
        return not waits

    async def stop(self) -> None:
        await super().stop()
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.wait(self._background)

    # Sending

    def _data_channel_send(self, channel: RTCDataChannel, data: bytes | str) -> None:
        longest = self._remote_max_message_size or len(data)
        if not data or isinstance(data, str) or len(data) > longest:
            super()._data_channel_send(channel, data)
            return
        channel._addBufferedAmount(len(data))
        if channel.maxRetransmits == 0 and not channel.ordered and len(data) <= USERDATA_MAX_LENGTH:
            self._realtime.append((channel, data))
        else:
            self._data_channel_queue.append((channel, WEBRTC_BINARY, data))
        # One task for all that is sent in this turn of the event loop; aiortc makes one for each message.
        if not self._is_flushing and not self._will_flush:
            self._will_flush = True
            self._in_background(self._data_channel_flush)

    async def _data_channel_flush(self) -> None:
        self._is_flushing, self._will_flush = True, False
        try:
            await super()._data_channel_flush()
            await self._transmit_realtime()
        finally:
            self._is_flushing = False

    async def _transmit(self) -> None:
        if self._is_numbering:
            return
        self._spare_forward_tsn()
        await self._transmit_realtime()
        await super()._transmit()

    def _spare_forward_tsn(self) -> None:
        """Leave it out when it has just been told what is given up.

        aiortc tells it with each acknowledgement that comes, and what tells is acknowledged too: after an
        outage, both sides are busy with nothing else.
        """
        chunk = self._forward_tsn_chunk
        if chunk is None:
            return
        now = asyncio.get_running_loop().time()
        is_news = chunk.cumulative_tsn != self._told_tsn
        if now - self._told_at >= (FORWARD_PAUSE if is_news else max(self._rto / 2, FORWARD_AGAIN)):
            self._told_tsn, self._told_at = chunk.cumulative_tsn, now
            return
        self._forward_tsn_chunk = None
        # The next acknowledgement makes it anew, or else this timer.
        if not self._t3_handle:
            self._t3_start()

    async def _transmit_realtime(self) -> None:
        while self._realtime and self._may_overtake():
            channel, data = self._realtime.popleft()
            # One that is closing has reset its stream, whose number may be another's by then.
            if channel.readyState == "open" and channel.id is not None:
                await self._transmit_first(await self._number_first(channel.id, data))
            channel._addBufferedAmount(-len(data))

    def _may_overtake(self) -> bool:
        if self._association_state != self.State.ESTABLISHED:
            return False
        if self._flight_size >= self._cwnd + REALTIME_ALLOWANCE_BYTES:
            return False
        # Numbers inside a message may not be torn apart, and those before a stream reset may not move.
        return not self._outbound_queue or bool(
            self._outbound_queue[0].flags & SCTP_DATA_FIRST_FRAG and self._reconfig_request is None
        )

    async def _number_first(self, stream_id: int, data: bytes) -> DataChunk:
        """Its chunk, with the number of the one that would have gone next; those behind it move up."""
        self._is_numbering = True
        try:
            await self._send(stream_id, WEBRTC_BINARY, data, max_retransmits=0, ordered=False)
        finally:
            self._is_numbering = False
        chunk = self._outbound_queue.pop()
        if self._outbound_queue:
            chunk.tsn = self._outbound_queue[0].tsn
            for other in self._outbound_queue:
                other.tsn = tsn_plus_one(other.tsn)
        return chunk

    async def _transmit_first(self, chunk: DataChunk) -> None:
        self._sent_queue.append(chunk)
        self._flight_size_increase(chunk)
        chunk._sent_count += 1
        chunk._sent_time = time.time()
        await self._send_chunk(chunk)
        if not self._t3_handle:
            self._t3_start()

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        before = self._cwnd
        is_slow_start = self._association_state == self.State.ESTABLISHED and before <= self._ssthresh
        acknowledged = (chunk.cumulative_tsn - self._last_sacked_tsn) % SCTP_TSN_MODULO
        if chunk.gaps:
            last = self._sent_queue[-1].tsn if self._sent_queue else chunk.cumulative_tsn
            chunk.gaps = gaps_within(chunk.gaps, (last - chunk.cumulative_tsn) % SCTP_TSN_MODULO)
        await super()._receive_sack_chunk(chunk)
        # aiortc grows by a packet for each acknowledgement, and here one is for two packets (RFC 3465).
        if is_slow_start and self._cwnd == before + USERDATA_MAX_LENGTH and acknowledged == 2:
            self._cwnd += USERDATA_MAX_LENGTH

    # Receiving

    async def _handle_data(self, data: bytes) -> None:
        """Raises nothing for what the other side sends: DTLS would end with it, and every track too."""
        try:
            if has_endless_parameters(data):
                raise ValueError("a parameter without a length")
            await super()._handle_data(data)
        except ConnectionError:
            raise
        except Exception:
            # aiortc asserts, unpacks and decodes. An honest peer may only have run into a fault of aiortc:
            # its channels go on in the next connection.
            log.warning("! a packet could not be used; the connection is rebuilt", exc_info=True)
            await self._give_up()

    def _mark_received(self, tsn: int) -> bool:
        # As aiortc does, without sorting all that has come early for each packet that comes.
        last = self._last_received_tsn
        if last is None or uint32_gte(last, tsn) or tsn in self._sack_misordered:
            return super()._mark_received(tsn)
        if tsn != tsn_plus_one(last):
            self._sack_misordered.add(tsn)
            return False
        while tsn_plus_one(tsn) in self._sack_misordered:
            tsn = tsn_plus_one(tsn)
            self._sack_misordered.discard(tsn)
        self._last_received_tsn = tsn
        return False

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        self._unsacked += 1
        await super()._receive_data_chunk(chunk)
        if chunk.flags & SCTP_DATA_LAST_FRAG:
            self._parts.pop(chunk.stream_id, None)
        else:
            self._parts[chunk.stream_id] += 1
        if self._parts[chunk.stream_id] > MAX_PARTS:
            await self._violated("messages in too many parts")
        elif self._advertised_rwnd < -MAX_UNFINISHED_BYTES:
            await self._violated("messages that do not end")
        elif len(self._sack_misordered) > MAX_AHEAD:
            # Not a violation: the channels go on in the next connection.
            await self._give_up()

    async def _violated(self, reason: str) -> None:
        self.emit("violated", reason)
        await self._give_up()

    async def _give_up(self) -> None:
        """End the association; the control channel closes with it, which is told elsewhere."""
        await self._abort()
        self._set_state(self.State.CLOSED)
        self._inbound_streams.clear()
        self._parts.clear()
        self._sack_misordered.clear()
        self._sack_needed = False

    async def _send_sack(self) -> None:
        is_in_order = not self._sack_misordered and not self._sack_duplicates
        if is_in_order and self._unsacked == 1:
            if self._sack_timer is None:
                self._sack_timer = asyncio.get_running_loop().call_later(SACK_DELAY, self._sack_late)
            return
        self._unsacked = 0
        self._cancel_sack_timer()
        await super()._send_sack()

    def _sack_late(self) -> None:
        self._sack_timer = None
        self._unsacked = 0
        if self._sack_needed:
            self._in_background(self._send_late_sack)

    async def _send_late_sack(self) -> None:
        try:
            await super()._send_sack()
        except struct.error:
            # What has come lies so far apart that no acknowledgement can say it.
            await self._give_up()

    # Both

    def _set_state(self, state: RTCSctpTransport.State) -> None:
        super()._set_state(state)
        if state == self.State.CLOSED:
            self._realtime.clear()
            self._cancel_sack_timer()

    def _cancel_sack_timer(self) -> None:
        if self._sack_timer is not None:
            self._sack_timer.cancel()
            self._sack_timer = None

    def _in_background(self, work: Work) -> None:
        task = asyncio.ensure_future(_unless_closed(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _unless_closed(work: Work) -> None:
    try:
        await work()
    except ConnectionError:
        # The transport under it has closed, which is told elsewhere.
        pass
