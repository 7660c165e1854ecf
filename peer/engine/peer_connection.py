"""Our aiortc: one RTCPeerConnection, with the workarounds that ``docs/`` and this folder explain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, Literal

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from peer.channels.kinds import Kind
from peer.engine import delivery, gathering, self_check
from peer.engine.descriptions import has_name, parse_candidate, prepare_remote
from peer.wire import CONTROL_ID, CONTROL_LABEL
from signaling.protocol.messages import IceCandidateInit, IceServer

log = logging.getLogger(__name__)

END_OF_CANDIDATES_AFTER = 15.0
"""Seconds. ICE that is told of the end too early gives up before late candidates arrive (RFC 8863); that
is never told does not fail at all."""
CLOSE_TIMEOUT = 3.0
MAX_NAMED_CANDIDATES = 16
"""Each is a question to the local network."""

State = Literal["connecting", "connected", "failed"]


class PeerConnection:
    """``changed`` hears of the state, ``lane_made`` of data channels that the other side has made."""

    def __init__(
        self,
        servers: list[IceServer],
        *,
        changed: Callable[[State], None],
        lane_made: Callable[[RTCDataChannel], None],
    ) -> None:
        _prepare()
        self._pc = RTCPeerConnection(
            RTCConfiguration(
                iceServers=gathering.usable_servers(servers),
                bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
            )
        )
        self._changed = changed
        self._named_left = MAX_NAMED_CANDIDATES
        self._background: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._is_described = False
        self._has_connected = asyncio.Event()
        self._pc.on("connectionstatechange", self._state_changed)
        self._pc.on("datachannel", lane_made)

    @property
    def transceivers(self) -> list[RTCRtpTransceiver]:
        return self._pc.getTransceivers()

    def add_transceiver(self, kind: str) -> RTCRtpTransceiver:
        return self._pc.addTransceiver(kind, direction="sendrecv")

    async def wait_turn(self) -> None:
        """A second round begins when the connection of the first stands; to be called before its offer.

        aiortc never starts the senders and receivers of a round that meets the handshake of another one.
        """
        if self._is_described:
            await self._has_connected.wait()

    def make_control(self) -> RTCDataChannel:
        """The control channel, which both sides make.

        No data channel may be made before the media sections of the first description are there: aiortc
        would take the one transport that they share for a superfluous one, and stop it.
        """
        return self._pc.createDataChannel(CONTROL_LABEL, negotiated=True, id=CONTROL_ID)

    def make_lane(self, encoded_label: str, kind: Kind, protocol: str) -> RTCDataChannel:
        return self._pc.createDataChannel(
            encoded_label,
            ordered=kind.ordered,
            maxRetransmits=kind.max_retransmits,
            protocol=protocol,
        )

    async def make_offer(self) -> str:
        """An offer with all our candidates in it, set here; its SDP."""
        return await self._set_local(await self._pc.createOffer())

    async def make_answer(self) -> str:
        """An answer with all our candidates in it, set here; its SDP."""
        sdp = await self._set_local(await self._pc.createAnswer())
        self._is_described = True
        return sdp

    async def apply(self, description_type: Literal["offer", "answer"], sdp: str) -> None:
        """Set the description of the other side. Raises ValueError and others when it cannot be used."""
        remote = prepare_remote(sdp)
        if description_type == "offer":
            await self.wait_turn()
        else:
            self._is_described = True
        await self._pc.setRemoteDescription(RTCSessionDescription(remote.sdp, description_type))
        for candidate in remote.named:
            self.add_candidate(candidate)
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(END_OF_CANDIDATES_AFTER, self._end_candidates)

    def add_candidate(self, init: IceCandidateInit | None) -> None:
        """Never raises and never waits: a candidate must not cost the connection.

        None, the end of candidates, is not passed on: see :data:`END_OF_CANDIDATES_AFTER`.
        """
        candidate = None if init is None else parse_candidate(init)
        if candidate is None or self._closing is not None:
            return
        if has_name(candidate):
            if self._named_left == 0:
                return
            self._named_left -= 1
        self._in_background(self._add(candidate))

    async def wait_delivered(self, timeout: float) -> bool:
        """See :func:`peer.engine.delivery.wait_delivered`."""
        return await delivery.wait_delivered(self._pc, timeout)

    async def close(self) -> None:
        """Close it, within :data:`CLOSE_TIMEOUT`; what takes longer goes on by itself. May be repeated."""
        if self._closing is None:
            if self._deadline is not None:
                self._deadline.cancel()
            for task in self._background:
                task.cancel()
            # A task of its own: a close that is cancelled half-way leaves aiortc hanging for ever.
            self._closing = asyncio.create_task(_close(self._pc, list(self._background)))
            _closing.add(self._closing)
            self._closing.add_done_callback(_closing.discard)
        # asyncio.wait leaves the task alone, whether the time is up or we are cancelled.
        await asyncio.wait([self._closing], timeout=CLOSE_TIMEOUT)

    async def _set_local(self, description: RTCSessionDescription) -> str:
        await self._pc.setLocalDescription(description)
        return self._pc.localDescription.sdp

    def _state_changed(self) -> None:
        if self._closing is not None:
            return
        match self._pc.connectionState:
            case "connected":
                self._has_connected.set()
                self._changed("connected")
            case "failed" | "closed":
                self._changed("failed")
            case _:
                pass

    def _end_candidates(self) -> None:
        if self._pc.connectionState != "connected":
            self._in_background(self._add(None))

    async def _add(self, candidate: RTCIceCandidate | None) -> None:
        try:
            await self._pc.addIceCandidate(candidate)
        except Exception:
            # Names may not be asked for here at all (no multicast, port 5353 taken); others may do.
            log.debug("a candidate could not be used", exc_info=True)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


_closing: set[asyncio.Task[None]] = set()
"""Keeps what closes alive until it is done."""


async def _close(pc: RTCPeerConnection, background: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*background, return_exceptions=True)
    try:
        await pc.close()
    except Exception:
        log.exception("! aiortc could not close a connection")


@cache
def _prepare() -> None:
    gathering.install()
    # aioice writes the addresses of both sides at info level; who wants them sets the level first.
    logger = logging.getLogger("aioice")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
    for problem in self_check.problems():
        log.warning("! the WebRTC engine is not the one we know: %s", problem)
