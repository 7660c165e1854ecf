"""Our DTLS under aiortc: a packet of media that cannot be read is lost, and takes nothing with it."""

from __future__ import annotations

import logging

from aiortc import RTCDtlsTransport

log = logging.getLogger(__name__)


class DtlsTransport(RTCDtlsTransport):
    """aiortc expects ValueErrors and raises others too, which would end DTLS, and the channels with it."""

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        try:
            await super()._handle_rtp_data(data, arrival_time_ms=arrival_time_ms)
        except ConnectionError:
            raise
        except Exception:
            log.debug("a packet of media could not be read", exc_info=True)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        try:
            await super()._handle_rtcp_data(data)
        except ConnectionError:
            raise
        except Exception:
            log.debug("a report about media could not be read", exc_info=True)
