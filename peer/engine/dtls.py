"""Our DTLS under aiortc: it outlives media that cannot be read, and sources of media without end."""

from __future__ import annotations

import logging
from typing import Any

import pylibsrtp
from aiortc import RTCDtlsTransport

from peer.engine import self_check
from peer.engine.sources import Sources

log = logging.getLogger(__name__)

KEPT = ("remote_streams", "active_ssrc", "lsr", "lsr_time")


class DtlsTransport(RTCDtlsTransport):
    """aiortc expects ValueErrors and raises others too, which would end DTLS, and the channels with it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sources = Sources() if self_check.bounds_sources() else None

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        try:
            await super()._handle_rtp_data(data, arrival_time_ms=arrival_time_ms)
        except ConnectionError:
            raise
        except Exception:
            log.debug("a packet of media could not be read", exc_info=True)
        self._seen(int.from_bytes(data[8:12], "big"))

    async def _handle_rtcp_data(self, data: bytes) -> None:
        try:
            await super()._handle_rtcp_data(data)
        except ConnectionError:
            raise
        except Exception:
            log.debug("a report about media could not be read", exc_info=True)
        self._seen(int.from_bytes(data[4:8], "big"))

    def _seen(self, ssrc: int) -> None:
        if self.sources is None:
            return
        forgotten = self.sources.seen(ssrc, self._rtp_router.ssrc_table.get(ssrc))
        if forgotten is None:
            return
        receiver = self._rtp_router.ssrc_table.pop(forgotten, None)
        if receiver is not None:
            forget(receiver, forgotten)
        try:
            self._rx_srtp.remove_stream(forgotten)
        except pylibsrtp.Error:
            pass  # it was announced in an RTCP packet of another source


def forget(receiver: Any, ssrc: int) -> None:
    """All that a receiver knows of a source."""
    for name in KEPT:
        getattr(receiver, f"_RTCRtpReceiver__{name}").pop(ssrc, None)
    estimator = receiver._RTCRtpReceiver__remote_bitrate_estimator
    if estimator is not None:
        estimator.ssrcs.pop(ssrc, None)
