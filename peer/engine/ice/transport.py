"""Under one DTLS transport: several generations of ICE, of which one carries what is sent.

A restart begins the next generation. The one before goes on until the next has connected, and a little
longer, for what is on its way. aiortc sees nothing of it: for it the transport stays ``completed``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any

from aiortc import InvalidStateError, RTCIceParameters, RTCIceTransport

from peer.engine.ice.connection import IceConnection
from peer.engine.ice.consent import Consent
from peer.engine.ice.gatherer import Gatherer
from peer.streams import Bell

log = logging.getLogger(__name__)

RETIRE_AFTER = 0.5
"""Seconds, and two round trips: until then the other side may still send over the old path."""
MAX_WAITING_BYTES = 1 << 20
"""Received, and not yet read by DTLS. Past it datagrams are lost, as in the socket's own buffer."""


class Transport(RTCIceTransport):
    def __init__(self, gatherer: Gatherer) -> None:
        super().__init__(gatherer)
        self._gatherer = gatherer
        self._active: IceConnection | None = None
        self._open = {gatherer.generation}
        self._stale_ufrag: str | None = None
        self._arrived: deque[bytes] = deque()
        self._arrived_bytes = 0
        self._is_ended = False
        self._changed = Bell()
        self._background: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.Task[None] | None = None
        # aiortc keeps both as attributes, which it has taken from its one connection.
        self._recv = self._receive
        self._send = self._send_on_active

    @property
    def active(self) -> IceConnection | None:
        """The generation that carries data."""
        return self._active

    @property
    def consent(self) -> Consent | None:
        """Of the path that carries data; None: there is none yet."""
        return None if self._active is None else self._active.consent

    @property
    def newest(self) -> IceConnection:
        return self._gatherer.generation

    def received(self, data: bytes) -> None:
        """A datagram has come, over any generation."""
        if not self._is_ended and self._arrived_bytes + len(data) <= MAX_WAITING_BYTES:
            self._arrived.append(data)
            self._arrived_bytes += len(data)
            self._changed.ring()

    async def start(self, remoteParameters: RTCIceParameters) -> None:  # noqa: N803 # aiortc's name
        """Begin the checks of the newest generation; until one has connected, or the first one has failed.

        aiortc calls it with every description, and also with parameters from before a restart.
        """
        if self.state == "closed":
            raise InvalidStateError("RTCIceTransport is closed")
        newest, ufrag = self.newest, remoteParameters.usernameFragment
        if newest.remote_username is None and ufrag is not None and ufrag != self._stale_ufrag:
            newest.remote_is_lite = remoteParameters.iceLite
            newest.remote_username = ufrag
            newest.remote_password = remoteParameters.password
            if self.state == "new":
                self._set_state("checking")
            self._in_background(self._connect(newest))
        while self.state == "checking":
            await self._changed.wait()

    def restart(self, stale_ufrag: str | None) -> None:
        """Begin the next generation; one that has not connected yet is given up.

        ``stale_ufrag`` is that of the other side's latest description, which was for the one before.
        """
        overtaken, self._stale_ufrag = self.newest, stale_ufrag
        self._connection = self._gatherer.restart()
        self._open.add(self.newest)
        if overtaken is not self._active:
            self._in_background(self._end(overtaken))

    async def stop(self) -> None:
        """Close all generations. May be repeated, and cancelled: it goes on by itself."""
        if self._stopping is None:
            self._is_ended = True
            self._set_state("closed")
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def _connect(self, generation: IceConnection) -> None:
        try:
            await generation.connect()
        except ConnectionError:
            if generation is self.newest and self._active is None and not self._is_ended:
                self._is_ended = True
                self._set_state("failed")
            return
        if generation is not self.newest or self._is_ended:
            return
        before, self._active = self._active, generation
        self._set_state("completed")
        if before is not None:
            rtt = self.consent.rtt if self.consent is not None else None
            await asyncio.sleep(RETIRE_AFTER + 2 * (rtt or 0.0))
            await self._end(before)

    async def _end(self, generation: IceConnection) -> None:
        await generation.close()
        self._open.discard(generation)

    async def _stop(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*(generation.close() for generation in self._open))
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _receive(self) -> bytes:
        while not self._arrived:
            if self._is_ended:
                raise ConnectionError("the ICE transport is closed")
            await self._changed.wait()
        data = self._arrived.popleft()
        self._arrived_bytes -= len(data)
        return data

    async def _send_on_active(self, data: bytes) -> None:
        """Never raises: what cannot be sent is a lost packet, which DTLS and SCTP know how to bear."""
        if self._active is not None:
            self._active.send_now(data)

    def _set_state(self, state: str) -> None:
        # Not ours to name: aiortc's own states depend on it.
        getattr(self, "_RTCIceTransport__setState")(state)  # noqa: B009 # mangled for another class
        self._changed.ring()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
