"""A bare aiortc peer that obeys: makes an offer or an answer, and tells when the first message has come.

Without any signaling: whoever gives the orders hands the descriptions over, at no cost.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

from tests.natlab.actors import obey


class Actor:
    def __init__(self) -> None:
        self._connection: RTCPeerConnection | None = None
        self._first_at = asyncio.Event()
        self._at = 0.0

    async def do_ready(self) -> None:
        """Answered when all is imported."""

    async def do_offer(self, servers: list[dict[str, Any]]) -> dict[str, str]:
        connection = self._begin(servers)
        channel = connection.createDataChannel("hello")
        channel.on("open", lambda: channel.send(b"hello"))
        channel.on("message", lambda _: self._note())
        await connection.setLocalDescription(await connection.createOffer())
        return self._description(connection)

    async def do_answer(self, servers: list[dict[str, Any]], offer: dict[str, str]) -> dict[str, str]:
        connection = self._begin(servers)

        @connection.on("datachannel")
        def came(channel: Any) -> None:
            channel.on("message", lambda _: self._note())
            channel.send(b"hello")

        await connection.setRemoteDescription(RTCSessionDescription(**offer))
        await connection.setLocalDescription(await connection.createAnswer())
        return self._description(connection)

    async def do_accept(self, answer: dict[str, str]) -> None:
        assert self._connection is not None
        await self._connection.setRemoteDescription(RTCSessionDescription(**answer))

    async def do_first(self, within: float, relay: str) -> dict[str, Any]:
        """When the first message came, and whether through the TURN server at this address."""
        try:
            async with asyncio.timeout(within):
                await self._first_at.wait()
        except TimeoutError:
            return {"first_at": None, "path": ""}
        return {"first_at": self._at, "path": self._path(relay)}

    async def do_end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _begin(self, servers: list[dict[str, Any]]) -> RTCPeerConnection:
        self._first_at = asyncio.Event()
        configuration = RTCConfiguration(
            iceServers=[RTCIceServer(**each) for each in servers], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE
        )
        self._connection = RTCPeerConnection(configuration)
        return self._connection

    def _note(self) -> None:
        if not self._first_at.is_set():
            self._at = time.monotonic()
            self._first_at.set()

    def _path(self, relay: str) -> str:
        # It has no words for the selected pair; a learned candidate at the relay's address is the relay.
        assert self._connection is not None
        pair = self._connection.sctp.transport.transport._connection._nominated[1]
        local, remote = pair.local_candidate, pair.remote_candidate
        if local.type == "relay" or relay in (local.host, remote.host):
            return "relayed"
        return "direct" if (local.type, remote.type) == ("host", "host") else "reflexive"

    @staticmethod
    def _description(connection: RTCPeerConnection) -> dict[str, str]:
        made = connection.localDescription
        return {"sdp": made.sdp, "type": made.type}


if __name__ == "__main__":
    asyncio.run(obey(Actor()))
