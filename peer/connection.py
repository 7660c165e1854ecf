"""The WebRTC tie to one remote peer: does what negotiation asks for, and heals it."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Literal, Protocol

from aiortc import MediaStreamTrack, RTCDataChannel

from peer.channels.channel import Channel
from peer.channels.kinds import Kind
from peer.channels.register import MAX_CHANNELS, Register
from peer.control import Control
from peer.engine.ice.policy import IcePolicy
from peer.engine.peer_connection import PeerConnection
from peer.engine.peer_connection import State as PeerConnectionState
from peer.engine.self_check import prepare
from peer.errors import Closed, Refused
from peer.facts import Facts, Trouble
from peer.findings import Findings
from peer.healing import Healing
from peer.media import Media
from peer.negotiation import Effect, MakeOffer, Negotiation, OpenConnection, SendSignal
from peer.recovery import Act
from peer.recovery import State as RecoveryState
from peer.run import Run
from peer.slots import Slots, slots_of
from peer.stats import PairReport, PeerStatistics
from peer.streams import Bell, Stream
from peer.wire import Bye, ControlMessage, SlotState
from peer.wire import Media as Announcement
from signaling.protocol.ids import PeerId
from signaling.protocol.parts import IceServer
from signaling.protocol.signals import IceCandidateInit, PeerPayload

log = logging.getLogger("peer")

ConnectionState = Literal["connecting", "connected", "interrupted", "closed"]
ANY_PATH = IcePolicy()


class ConnectionListener(Protocol):
    """Hears what has become of a connection; called from the event loop, and may not wait."""

    def connection_changed(self, state: str) -> None: ...

    def media_changed(self, slots: dict[str, str]) -> None:
        """What the other side says that its slots carry: slot → ``live`` or ``muted``."""


class Connection:
    """``send`` takes what is to go to the other side, through the server.

    ``state`` is ``connecting`` for the first time, ``connected``, ``interrupted`` while it heals,
    ``closed`` for good. All methods but :meth:`wait_connected` and :meth:`close` return at once.
    ``can_restart``: the other side's engine can restart ICE. ``only_offers``: it cannot answer, and may offer
    to somebody else: nothing is amiss without an offer. ``troubled`` hears of servers that did not help;
    ``suspected`` is called when the other side is silent: the server may be out of reach too.
    """

    def __init__(
        self,
        *,
        me: PeerId,
        peer: PeerId,
        you_offer: bool,
        ice_servers: list[IceServer],
        send: Callable[[PeerPayload], None],
        listener: ConnectionListener,
        can_restart: bool = True,
        only_offers: bool = False,
        policy: IcePolicy = ANY_PATH,
        troubled: Callable[[Trouble], None] = lambda trouble: None,
        suspected: Callable[[], None] = lambda: None,
    ) -> None:
        self.me = me
        self.peer = peer
        self.state: ConnectionState = "connecting"
        self._ice_servers = ice_servers
        self._policy = policy
        self._send_signal = send
        self._listener = listener
        self._tell_trouble = troubled
        self._suspected = suspected
        self._negotiation = Negotiation(you_offer)
        self._only_offers = only_offers
        self._healing = Healing(
            can_restart=can_restart and prepare(),
            heard_at=lambda: -math.inf if self._run is None else self._run.pc.heard_at,
            act=self._heal,
            told=self._set_state,
        )
        self._findings = Findings()
        self._channels: Stream[Channel] = Stream(MAX_CHANNELS)
        self._register = Register(
            you_offer=you_offer, say=self._say, opened=self._channels.put, violated=self._violated
        )
        self._media = Media()
        self._run: Run | None = None
        self._is_started = False
        self._why: Closed | Refused = Closed("the connection is closed")
        self._addresses: set[str] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._changed = Bell()

    def start(self) -> None:
        """The other side is there."""
        self._is_started = True
        if not self._only_offers:
            self._healing.began()
        self._perform(self._negotiation.start())
        if self._media.published and not self._negotiation.you_offer:
            self._need()

    def receive(self, payload: PeerPayload) -> None:
        """What the other side has said, through the server."""
        if self.state == "closed":
            return
        ufrag = self._findings.remote_ufrag
        self._findings.received(payload)
        effects = self._negotiation.receive(payload)
        is_restart = ufrag not in ("", self._findings.remote_ufrag)
        if is_restart or any(isinstance(effect, MakeOffer) and effect.restart for effect in effects):
            self._healing.restarted()
        self._perform(effects)

    def set_reachable(self, is_reachable: bool) -> None:
        """Whether signals reach the other side now; without them healing has to wait."""
        self._healing.set_reachable(is_reachable)

    def network_changed(self, addresses: Collection[str]) -> None:
        """This machine has these addresses now."""
        run = self._run
        if run is None or self.state == "closed":
            return
        path = run.pc.local_addresses()
        if path:
            self._healing.network_changed(is_path_gone=not path <= set(addresses))
        elif self._addresses != set(addresses):
            # What was gathered may be worth nothing any more.
            self._healing.failed()
        self._addresses = set(addresses)

    def servers_changed(self) -> None:
        """``ice_servers`` has fresh credentials."""
        if self._run is not None:
            self._run.pc.use_servers(self._ice_servers)

    async def open(self, label: str, kind: Kind) -> Channel:
        """The channel of this label, which may be written to at once; see :meth:`Register.open`."""
        if self.state == "closed":
            raise self._why
        return self._register.open(label, kind)

    def channels(self) -> AsyncIterator[Channel]:
        """Channels that the other side opens and nobody here has asked for."""
        return self._channels

    def tracks(self) -> AsyncIterator[tuple[str, MediaStreamTrack]]:
        """What arrives, with its slot: all that is there, then each that comes.

        A track goes on over a rebuild, and ends when the other side has emptied its slot.
        """
        return self._media.tracks()

    def publish(self, slot: str, track: MediaStreamTrack) -> None:
        """Send this track; the one before in the slot is replaced. It stays yours: nothing here stops it."""
        self._media.published[slot] = track
        self._published_changed()

    def unpublish(self, slot: str) -> None:
        if self._media.published.pop(slot, None) is not None:
            self._published_changed()

    async def wait_connected(self) -> None:
        """Until media and channels can flow. Raises Closed or Refused when the connection ends first."""
        while self.state != "connected":
            if self.state == "closed":
                raise self._why
            await self._changed.wait()

    def statistics(self) -> PeerStatistics:
        """The way that data takes now, and how good it is."""
        run = self._run
        route = None if run is None else run.pc.route()
        if run is None or route is None:
            return PeerStatistics()
        traffic = run.pc.statistics()
        return PeerStatistics(
            route=route.kind,
            protocol=route.protocol,
            rtt=run.pc.rtt,
            local=route.local,
            remote=route.remote,
            sent_bytes=traffic.sent_bytes,
            received_bytes=traffic.received_bytes,
        )

    def pairs(self) -> list[PairReport]:
        """See :meth:`PeerConnection.pairs`; empty while there is nothing to try."""
        return [] if self._run is None else self._run.pc.pairs()

    def facts(self) -> Facts:
        """What is known of it here; whoever knows more replaces what is missing."""
        statistics = self.statistics()
        return self._findings.facts(
            connection=self.state,
            silence=self._healing.silence,
            healing=self._healing.doing,
            route=statistics.route,
            route_protocol=statistics.protocol,
            rtt=statistics.rtt,
            is_relay_only=self._policy.relay_only,
            servers=tuple(url for server in self._ice_servers for url in server.urls),
            violation=self._why.text if isinstance(self._why, Refused) else "",
        )

    async def close(self) -> None:
        """Say goodbye to the other side, and end; within seconds, whatever the other side does."""
        self._end(Closed("the connection is closed"))
        if self._ending:
            await asyncio.wait(self._ending)
        self._register.detach()

    def _end(self, why: Closed | Refused) -> None:
        if self.state == "closed":
            return
        self._why = why
        self._healing.stop()
        self._register.close(why)
        self._end_run(farewell=True)
        self._media.end()
        self._set_state("closed")
        self._channels.end()

    # What negotiation asks for

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case SendSignal(payload):
                    self._findings.sent(payload)
                    self._send_signal(payload)
                case OpenConnection(generation):
                    self._open(generation)
                case _:
                    if self._run is not None:
                        self._run.put(effect)

    def _need(self) -> None:
        self._perform(self._negotiation.need(slots_of(self._media.published)))

    def _open(self, generation: int) -> None:
        self._end_run()
        pc = PeerConnection(
            self._ice_servers,
            policy=self._policy,
            changed=lambda state: self._pc_changed(run, state),
            lane_made=lambda lane: self._lane_made(run, lane),
            gathered=lambda candidate: self._gathered(run, candidate),
            troubled=lambda trouble: self._troubled(run, trouble),
            violated=lambda reason: self._violated(reason) if run is self._run else None,
        )
        run = Run(
            generation,
            pc,
            Slots(pc, self._media.published, self._media.arrived),
            wanted=lambda: list(self._negotiation.wanted.values()),
            prepared=lambda: self._prepared(run),
            described=lambda kind, sdp, slots: self._perform(
                self._negotiation.described(generation, kind, sdp, slots)
            ),
            sends=lambda slots: self._announced(run, dict.fromkeys(slots, "live")),
            settled=lambda: self._settled(run),
            failed=lambda: self._failed(run),
        )
        self._run = run
        self._healing.began()

    def _end_run(self, *, farewell: bool = False) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        if not farewell:
            self._register.detach()
        # What waits in the channels goes out before a goodbye.
        task = asyncio.create_task(run.close(farewell=self._register.drained if farewell else None))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    # What a run tells; an old one is not listened to

    def _pc_changed(self, run: Run, state: PeerConnectionState) -> None:
        if run is not self._run:
            return
        if state == "connected":
            self._healing.connected()
        else:
            self._healing.failed()

    def _failed(self, run: Run) -> None:
        if run is self._run:
            self._healing.failed()

    def _gathered(self, run: Run, candidate: IceCandidateInit | None) -> None:
        if run is self._run:
            self._perform(self._negotiation.gathered(run.generation, candidate))

    def _troubled(self, run: Run, trouble: Trouble) -> None:
        if run is self._run:
            log.info("! a server for %s… did not help: %s (%d)", self.peer[:6], trouble.text, trouble.code)
            self._findings.troubled(trouble)
            self._tell_trouble(trouble)

    def _settled(self, run: Run) -> None:
        if run is not self._run:
            return
        self._media.look(run.slots)
        # An offer may have been made before its maker knew what we would send.
        if not run.slots.is_complete:
            self._need()

    def _prepared(self, run: Run) -> Control:
        lane = run.pc.make_control()
        # It is never closed while all is well: whoever does so has ended the channels.
        lane.on("close", lambda: self._failed(run))
        control = Control(
            lane,
            opened=lambda: self._control_opened(run),
            received=lambda message: self._heard(run, message),
            violated=lambda reason: self._violated(reason) if run is self._run else None,
        )
        if run is self._run:
            self._register.use(run.pc.make_lane)
        return control

    def _lane_made(self, run: Run, lane: RTCDataChannel) -> None:
        if run is self._run:
            self._register.adopt(lane, lane.label, lane.protocol)

    def _control_opened(self, run: Run) -> None:
        if run is self._run:
            self._say(self._media.announcement)
            self._register.ask()

    def _heard(self, run: Run, message: ControlMessage) -> None:
        if run is not self._run:
            return
        match message:
            case Announcement(slots):
                self._announced(run, slots)
            case Bye():
                # The server will say that the peer has left; until then there is nobody to heal for.
                self._healing.stop()
                self._end_run()
                self._set_state("interrupted")
            case _:
                self._register.receive(message)

    def _announced(self, run: Run, slots: Mapping[str, SlotState]) -> None:
        if run is self._run:
            self._media.announced(slots, run.slots)
            self._listener.media_changed(dict(slots))

    def _violated(self, reason: str) -> None:
        """The other side does what no honest one does: there is no way to go on with it."""
        log.warning("! %s… was cut off: %s", self.peer[:6], reason)
        self._end(Refused("protocol-violation", reason))

    def _published_changed(self) -> None:
        if self._run is not None:
            self._run.slots.sync()
            self._say(self._media.announcement)
        if not self._is_started or self.state == "closed":
            return
        if self._run is None or not self._run.slots.is_complete:
            self._need()

    # Healing

    def _heal(self, act: Act) -> None:
        self._suspected()
        if act is Act.RESTART:
            log.info("~ another path to %s… is looked for", self.peer[:6])
            self._perform(self._negotiation.restart())
        else:
            log.info("~ the connection with %s… is made anew", self.peer[:6])
            self._perform(self._negotiation.rebuild(slots_of(self._media.published)))

    # Small things

    def _say(self, message: ControlMessage) -> bool:
        return self._run is not None and self._run.say(message)

    def _set_state(self, state: ConnectionState | RecoveryState) -> None:
        if self.state == state:
            return
        self.state = state
        log.info("= %s… with %s… is %s", self.me[:6], self.peer[:6], state)
        self._changed.ring()
        self._listener.connection_changed(state)
