"""Two connections and a list of messages between them, over real WebRTC on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from peer.connection import Connection
from peer.streams import Bell
from signaling.protocol.ids import PeerId
from signaling.protocol.signals import PeerPayload


class End:
    """One side: its connection, and what it has been told."""

    def __init__(self, name: str, *, you_offer: bool, only_offers: bool = False) -> None:
        self.states: list[str] = []
        self.slots: list[dict[str, str]] = []
        self.sent: list[PeerPayload] = []
        self.other: End | None = None
        self._changed = Bell()
        self.is_cut = False
        """Nothing that this side says reaches the server."""
        self.connection = Connection(
            me=PeerId(name),
            peer=PeerId("the other"),
            you_offer=you_offer,
            only_offers=only_offers,
            ice_servers=[],
            send=self._send,
            listener=self,
        )

    def _send(self, payload: PeerPayload) -> None:
        self.sent.append(payload)
        self._changed.ring()
        if self.other is not None and not self.is_cut:
            asyncio.get_running_loop().call_soon(self.other.connection.receive, payload)

    def connection_changed(self, state: str) -> None:
        self.states.append(state)
        self._changed.ring()

    def media_changed(self, slots: dict[str, str]) -> None:
        self.slots.append(slots)
        self._changed.ring()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Until something that the connection has told or sent makes it so."""
        async with asyncio.timeout(10):
            while not is_so():
                await self._changed.wait()


@asynccontextmanager
async def pair(before: Callable[[End, End], None] | None = None) -> AsyncIterator[tuple[End, End]]:
    """The offerer and the answerer, started after ``before``."""
    offerer, answerer = End("the offerer", you_offer=True), End("the answerer", you_offer=False)
    offerer.other, answerer.other = answerer, offerer
    if before is not None:
        before(offerer, answerer)
    try:
        offerer.connection.start()
        answerer.connection.start()
        yield offerer, answerer
    finally:
        async with asyncio.timeout(10):
            await asyncio.gather(offerer.connection.close(), answerer.connection.close())


async def connected(*ends: End) -> None:
    async with asyncio.timeout(10):
        for end in ends:
            await end.connection.wait_connected()
