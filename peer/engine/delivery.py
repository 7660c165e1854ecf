"""Whether what was sent has arrived: SCTP knows, and aiortc does not tell."""

from __future__ import annotations

import asyncio

from aiortc import RTCPeerConnection, RTCSctpTransport

from peer.engine import self_check
from peer.engine.sctp import SctpTransport

LOOK_EVERY = 0.005
"""There is no event to wait for."""


async def wait_delivered(pc: RTCPeerConnection, timeout: float) -> bool:
    """Wait until the other side has acknowledged everything; False when it has not within ``timeout``."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while pc.sctp is not None and _is_under_way(pc.sctp):
        if pc.connectionState != "connected" or loop.time() >= deadline:
            return False
        await asyncio.sleep(LOOK_EVERY)
    return True


def _is_under_way(sctp: RTCSctpTransport) -> bool:
    if not self_check.knows_delivery():
        return False
    if isinstance(sctp, SctpTransport):
        return not sctp.is_idle
    return bool(sctp._data_channel_queue or sctp._outbound_queue or sctp._sent_queue)
