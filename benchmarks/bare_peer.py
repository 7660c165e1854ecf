"""A peer of bare aiortc that obeys as ours do: ``python -m benchmarks.bare_peer``.

It has no room: descriptions are questions and answers. The one who offers makes the channels.
"""

from __future__ import annotations

import asyncio
import time

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)

from tests.natlab.actors import obey
from tests.natlab.arrivals import Arrivals
from tests.natlab.sending import Sender

OPEN_TIMEOUT = 30.0


class Actor:
    def __init__(self) -> None:
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self._opened = asyncio.Event()
        self._pc = RTCPeerConnection(configuration)
        self._pc.on("datachannel", self._adopt)
        self._channels: dict[str, RTCDataChannel] = {}
        self._arrivals: dict[str, Arrivals] = {}
        self._senders: dict[str, Sender] = {}

    async def do_offer(self) -> str:
        self._adopt(self._pc.createDataChannel("numbers"))
        self._adopt(self._pc.createDataChannel("moves", ordered=False, maxRetransmits=0))
        await self._pc.setLocalDescription(await self._pc.createOffer())
        return self._pc.localDescription.sdp

    async def do_answer(self, sdp: str) -> str:
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        return self._pc.localDescription.sdp

    async def do_accept(self, sdp: str) -> None:
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def do_wait_open(self) -> None:
        """Both channels."""
        async with asyncio.timeout(OPEN_TIMEOUT):
            await self._opened.wait()

    async def do_send(self, label: str, rate: float, size: int) -> None:
        channel = self._channels[label]

        async def send(message: bytes) -> None:
            # A closed one would raise; whoever uses it bare has to know.
            if channel.readyState == "open":
                channel.send(message)

        self._senders[label] = Sender(send, rate, size)

    async def do_stop(self, label: str) -> int:
        return await self._senders.pop(label).stop()

    async def do_arrivals(self, label: str) -> Arrivals:
        return self._arrivals[label]

    async def do_resumed_at(self, label: str, moment: float) -> float | None:
        return self._arrivals[label].resumed_at(moment)

    async def close(self) -> None:
        for sender in self._senders.values():
            await sender.stop()
        await self._pc.close()

    def _adopt(self, channel: RTCDataChannel) -> None:
        self._channels[channel.label] = channel
        arrivals = self._arrivals[channel.label] = Arrivals()
        channel.on("open", self._look)
        self._look()
        channel.on("message", lambda message: arrivals.note(message, time.monotonic()))

    def _look(self) -> None:
        # The one who is offered channels is never told that they are open.
        if [channel.readyState for channel in self._channels.values()] == ["open", "open"]:
            self._opened.set()


async def main() -> None:
    actor = Actor()
    try:
        await obey(actor)
    finally:
        await actor.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
