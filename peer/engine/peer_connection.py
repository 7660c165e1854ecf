"""Our aiortc: one RTCPeerConnection, with the workarounds that ``docs/`` and this folder explain."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from aiortc import (
    RTCDataChannel,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from peer.channels.kinds import Kind
from peer.engine import delivery, self_check
from peer.engine.bundled import BundledConnection
from peer.engine.candidates import LocalCandidates, RemoteCandidates
from peer.engine.descriptions import (
    RemoteDescription,
    first_mid,
    has_name,
    parse_candidate,
    prepare_local,
    prepare_remote,
)
from peer.engine.ice.policy import IcePolicy
from peer.engine.ice.route import Route
from peer.engine.ice.servers import ServerAddress, parse_servers
from peer.engine.ice.transport import Transport
from peer.engine.sctp import SctpTransport
from peer.engine.stock import stock_connection
from peer.engine.traffic import Traffic, traffic_of
from peer.facts import Trouble
from peer.stats import PairReport
from peer.wire import CONTROL_ID, CONTROL_LABEL
from signaling.protocol.parts import IceServer
from signaling.protocol.signals import IceCandidateInit

log = logging.getLogger(__name__)

END_OF_CANDIDATES_AFTER = 15.0
"""Seconds. ICE that is told of the end too early gives up before late candidates arrive (RFC 8863); that
is never told does not fail at all."""
CLOSE_TIMEOUT = 3.0
MAX_NAMED_CANDIDATES = 16
"""Of one generation; each is a question to the local network."""

State = Literal["connecting", "connected", "failed"]


class PeerConnection:
    """``changed`` hears of the state, ``lane_made`` of data channels that the other side has made.

    ``gathered`` gets each candidate that comes after its description was handed out, and None when there
    are no more; ``troubled`` what is wrong with STUN and TURN servers; ``violated`` what the other side did
    that no honest one does. They are called from the event loop, and may not wait.
    """

    def __init__(
        self,
        servers: list[IceServer],
        *,
        policy: IcePolicy | None = None,
        changed: Callable[[State], None],
        lane_made: Callable[[RTCDataChannel], None],
        gathered: Callable[[IceCandidateInit | None], None] = lambda candidate: None,
        troubled: Callable[[Trouble], None] = lambda trouble: None,
        violated: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._policy = policy if policy is not None else IcePolicy()
        self._changed = changed
        self._troubled = troubled
        self._violated = violated
        self._local = LocalCandidates(gathered)
        self._remote = RemoteCandidates(self._policy)
        self._named_left = MAX_NAMED_CANDIDATES
        self._background: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._is_described = False
        self._has_connected = asyncio.Event()
        self._pc: RTCPeerConnection
        self._bundled: BundledConnection | None = None
        self._ice: Transport | None = None
        usable = self._usable(servers)
        if self_check.prepare():
            self._bundled = BundledConnection(
                usable, self._policy, found=self._local.found, troubled=troubled
            )
            self._pc, self._ice = self._bundled, self._bundled.ice
        else:
            self._pc = stock_connection(usable)
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
        control = self._pc.createDataChannel(CONTROL_LABEL, negotiated=True, id=CONTROL_ID)
        if isinstance(self._pc.sctp, SctpTransport):
            self._pc.sctp.on("violated", self._violated)
        return control

    def make_lane(self, encoded_label: str, kind: Kind, protocol: str) -> RTCDataChannel:
        return self._pc.createDataChannel(
            encoded_label,
            ordered=kind.ordered,
            maxRetransmits=kind.max_retransmits,
            protocol=protocol,
        )

    def use_servers(self, servers: list[IceServer]) -> None:
        """Ask these from the next restart on; credentials of TURN servers do not last for ever."""
        usable = self._usable(servers)
        if self._bundled is not None:
            self._bundled.servers = usable

    async def make_offer(self, *, restart: bool = False) -> str:
        """An offer with our host candidates in it, set here; its SDP.

        With ``restart`` it begins another generation of ICE; the connection goes on over the present one
        until the next stands.
        """
        if restart and self._is_described:
            self._restart()
        return await self._set_local(await self._pc.createOffer())

    async def make_answer(self) -> str:
        """An answer with our host candidates in it, set here; its SDP."""
        sdp = await self._set_local(await self._pc.createAnswer())
        self._is_described = True
        return sdp

    async def apply(self, description_type: Literal["offer", "answer"], sdp: str) -> RemoteDescription:
        """Set the description of the other side, and return what it says. Raises ValueError and others when
        it cannot be used.

        An offer with other credentials than before begins another generation of ICE here too.
        """
        remote = prepare_remote(sdp)
        if description_type == "offer":
            await self.wait_turn()
            if self._remote.is_restart(remote):
                self._restart()
        else:
            self._is_described = True
        await self._pc.setRemoteDescription(RTCSessionDescription(remote.sdp, description_type))
        self._remote.described(remote)
        for candidate in remote.candidates:
            self._take(candidate)
        if remote.is_complete:
            self.add_candidate(None)
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(END_OF_CANDIDATES_AFTER, self._end_candidates)
        return remote

    def add_candidate(self, init: IceCandidateInit | None) -> None:
        """Never raises and never waits: a candidate must not cost the connection.

        One that belongs to another generation of ICE is dropped. None, the end of candidates, is only
        taken as a hint: see :data:`END_OF_CANDIDATES_AFTER`.
        """
        if init is None:
            if self._ice is not None:
                self._ice.newest.remote_completed()
        elif self._remote.admits(init, asyncio.get_running_loop().time()):
            self._take(init)

    # How it does

    @property
    def heard_at(self) -> float:
        """When there was the last sign of life, in the event loop's time; -inf: never."""
        if self._ice is None:
            # aioice watches over consent by itself, and tells only when it has run out.
            return asyncio.get_running_loop().time() if self._has_connected.is_set() else -math.inf
        consent = self._ice.consent
        return -math.inf if consent is None else consent.heard_at

    @property
    def rtt(self) -> float | None:
        """Round trip time in seconds, smoothed; None: not measured."""
        consent = None if self._ice is None else self._ice.consent
        return None if consent is None else consent.rtt

    def route(self) -> Route | None:
        """Which way the data goes; None: it goes nowhere yet."""
        return None if self._ice is None or self._ice.active is None else self._ice.active.route()

    def pairs(self) -> list[PairReport]:
        """The pairs of candidates of the path that is used, or else of the one that is looked for."""
        return [] if self._ice is None else (self._ice.active or self._ice.newest).pairs()

    def local_addresses(self) -> set[str]:
        """This machine's addresses that the path begins at; when they are gone, the path is gone."""
        active = None if self._ice is None else self._ice.active
        return set() if active is None else active.local_addresses()

    def statistics(self) -> Traffic:
        """What has gone over it since it began."""
        return traffic_of(self._pc)

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
        sdp: str = self._pc.localDescription.sdp
        if self._ice is None:
            return sdp
        self._local.described(first_mid(sdp))
        return prepare_local(sdp)

    def _usable(self, servers: list[IceServer]) -> list[ServerAddress]:
        usable, troubles = parse_servers(servers)
        for trouble in troubles:
            asyncio.get_running_loop().call_soon(self._troubled, trouble)
        return usable

    def _restart(self) -> None:
        if self._ice is not None:
            self._local.restart()
            self._named_left = MAX_NAMED_CANDIDATES
            self._ice.restart(self._remote.ufrag)

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

    def _take(self, init: IceCandidateInit) -> None:
        candidate = parse_candidate(init)
        if candidate is None or self._closing is not None:
            return
        if has_name(candidate):
            if self._named_left == 0:
                return
            self._named_left -= 1
        self._in_background(self._add(candidate))

    async def _add(self, candidate: RTCIceCandidate | None) -> None:
        try:
            if self._ice is not None:
                await self._ice.addRemoteCandidate(candidate)
            else:
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
