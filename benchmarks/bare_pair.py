"""Two bare aiortc connections in one process, which hand each other their descriptions without any server."""

from __future__ import annotations

import asyncio
import time

from signaling.protocol.parts import IceServer


async def bare_first_message(servers: tuple[IceServer, ...] = ()) -> float:
    """Seconds from nothing to the first message."""
    from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection

    listed = [RTCIceServer(each.urls, each.username or None, each.credential or None) for each in servers]
    configuration = RTCConfiguration(iceServers=listed, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    started = time.perf_counter()
    one, two = RTCPeerConnection(configuration), RTCPeerConnection(configuration)
    arrived = asyncio.Event()
    channel = one.createDataChannel("first")
    channel.on("open", lambda: channel.send(b"hello"))
    two.on("datachannel", lambda other: other.on("message", lambda message: arrived.set()))
    try:
        async with asyncio.timeout(60):
            await one.setLocalDescription(await one.createOffer())
            await two.setRemoteDescription(one.localDescription)
            await two.setLocalDescription(await two.createAnswer())
            await one.setRemoteDescription(two.localDescription)
            await arrived.wait()
        return time.perf_counter() - started
    finally:
        await asyncio.gather(one.close(), two.close())
