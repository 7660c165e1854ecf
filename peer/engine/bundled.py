"""aiortc's connection with one ICE transport, which is ours, for all its sections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from aioice import Candidate
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCSctpTransport,
)

from peer.engine import self_check
from peer.engine.dtls import DtlsTransport
from peer.engine.ice.connection import IceConnection
from peer.engine.ice.gatherer import Gatherer
from peer.engine.ice.policy import IcePolicy
from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.transport import Transport
from peer.engine.sctp import SctpTransport
from peer.facts import Trouble

log = logging.getLogger(__name__)


class BundledConnection(RTCPeerConnection):
    """``found`` gets candidates of the newest generation that come late, with its ufrag; None: no more.

    Others in this process who use aiortc are not touched: nothing of it is replaced.
    """

    def __init__(
        self,
        servers: Sequence[ServerAddress],
        policy: IcePolicy,
        *,
        found: Callable[[Candidate | None, str], None],
        troubled: Callable[[Trouble], None],
    ) -> None:
        self.servers = servers
        """Asked by each generation that begins."""
        self._policy = policy
        self._tell_found = found
        self._troubled = troubled
        self._gatherer = Gatherer(self._make_generation)
        self.ice = Transport(self._gatherer)
        self._starting: set[asyncio.Task[None]] = set()
        # An empty list: with None, aiortc would ask a server of Google. Ours are asked by the generations.
        super().__init__(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))

    async def close(self) -> None:
        await super().close()
        # aiortc stops only what a section uses.
        await self.ice.stop()
        await asyncio.gather(*self._starting)

    def _make_generation(self, is_controlling: bool) -> IceConnection:
        return IceConnection(
            self.servers,
            self._policy,
            ice_controlling=is_controlling,
            received=lambda data: self.ice.received(data),
            found=self._found,
            troubled=self._troubled,
        )

    def _found(self, generation: IceConnection, candidate: Candidate | None) -> None:
        self._gatherer.found(generation, candidate)
        if generation is not self.ice.newest:
            return
        if candidate is not None and len(generation.local_candidates) == 1:
            # aiortc starts nothing while there is no candidate, and does not look again when there is one.
            task = asyncio.create_task(_private(self, "connect")())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
        self._tell_found(candidate, generation.local_username)

    def _RTCPeerConnection__createDtlsTransport(self) -> RTCDtlsTransport:  # noqa: N802 # aiortc's name
        """With this bundle policy aiortc asks for one, and gives it to all sections."""
        updates = [
            _private(self, f"update{name}State") for name in ("IceGathering", "IceConnection", "Connection")
        ]
        self._gatherer.on("statechange", updates[0])
        for update in updates[1:]:
            self.ice.on("statechange", update)
        _private(self, "iceTransports").add(self.ice)
        dtls = DtlsTransport(self.ice, _private(self, "certificates"))
        dtls.on("statechange", updates[2])
        _private(self, "dtlsTransports").add(dtls)
        for update in updates:
            update()
        return dtls

    def _RTCPeerConnection__createSctpTransport(self) -> None:  # noqa: N802 # aiortc's name
        """As aiortc does: the section of the data channels shares the transport of the others."""
        transceivers = self.getTransceivers()
        dtls = (
            transceivers[0].receiver.transport
            if transceivers
            else self._RTCPeerConnection__createDtlsTransport()
        )
        sctp = (SctpTransport if self_check.has_own_sctp() else RTCSctpTransport)(dtls)
        sctp._bundled = bool(transceivers)
        sctp.mid = None
        sctp.on("datachannel", lambda channel: self.emit("datachannel", channel))
        self._RTCPeerConnection__sctp = sctp


def _private(pc: RTCPeerConnection, name: str) -> Any:
    """What aiortc keeps to itself; ``contracts.py`` says which names, and why."""
    return getattr(pc, f"_RTCPeerConnection__{name}")
