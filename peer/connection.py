"""The WebRTC tie to one remote peer: does what negotiation asks for, and rebuilds what cannot be saved."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Literal, Protocol
from weakref import WeakSet

from aiortc import MediaStreamTrack, RTCDataChannel

from peer.channels.channel import Channel
from peer.channels.kinds import Kind
from peer.channels.register import MAX_CHANNELS, Register
from peer.control import Control
from peer.engine.peer_connection import PeerConnection
from peer.engine.peer_connection import State as PeerConnectionState
from peer.engine.tracks import AnyFrame, ReceivedTrack
from peer.errors import Closed
from peer.negotiation import Effect, Negotiation, OpenConnection, SendSignal
from peer.recovery import Act, Recovery
from peer.run import Run
from peer.slots import Slots, slots_of
from peer.streams import Bell, Stream
from peer.wire import Bye, ControlMessage, Media, SlotState
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import IceServer, PeerPayload

log = logging.getLogger("peer")

ConnectionState = Literal["connecting", "connected", "lost", "closed"]
MAX_WAITING_TRACKS = 64


class ConnectionListener(Protocol):
    """Hears what has become of a connection; called from the event loop, and may not wait."""

    def connection_changed(self, state: str) -> None: ...

    def media_changed(self, slots: dict[str, str]) -> None:
        """What the other side says that its slots carry: slot → ``live`` or ``muted``."""


class Connection:
    """``send`` takes what is to go to the other side, through the server.

    ``state`` is ``connecting`` for the first time, ``connected``, ``lost`` while it is being rebuilt,
    ``closed`` for good. All methods but :meth:`wait_connected` and :meth:`close` return at once.
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
    ) -> None:
        self.me = me
        self.peer = peer
        self.state: ConnectionState = "connecting"
        self._ice_servers = ice_servers
        self._send = send
        self._listener = listener
        self._negotiation = Negotiation(you_offer)
        self._recovery = Recovery(random.random)
        self._channels: Stream[Channel] = Stream(MAX_CHANNELS)
        self._register = Register(
            you_offer=you_offer, say=self._say, opened=self._channels.put, violated=self._violated
        )
        self._published: dict[str, MediaStreamTrack] = {}
        self._announced: dict[str, SlotState] = {}
        self._received: dict[str, ReceivedTrack] = {}
        self._track_streams: WeakSet[Stream[tuple[str, MediaStreamTrack]]] = WeakSet()
        self._run: Run | None = None
        self._is_started = False
        self._ending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._changed = Bell()

    def start(self) -> None:
        """The other side is there."""
        self._is_started = True
        self._recovery.began(_now())
        self._perform(self._negotiation.start())
        if self._published and not self._negotiation.you_offer:
            self._need()
        self._set_timer()

    def receive(self, payload: PeerPayload) -> None:
        """What the other side has said, through the server."""
        if self.state != "closed":
            self._perform(self._negotiation.receive(payload))

    def set_reachable(self, is_reachable: bool) -> None:
        """Whether signals reach the other side now; without them a rebuild has to wait."""
        self._recovery.set_reachable(is_reachable)
        self._set_timer()

    async def open(self, label: str, kind: Kind) -> Channel:
        """The channel of this label, which may be written to at once; see :meth:`Register.open`."""
        if self.state == "closed":
            raise Closed("the connection is closed")
        return self._register.open(label, kind)

    def channels(self) -> AsyncIterator[Channel]:
        """Channels that the other side opens and nobody here has asked for."""
        return self._channels

    def tracks(self) -> AsyncIterator[tuple[str, MediaStreamTrack]]:
        """What arrives, with its slot: all that is there, then each that comes.

        A track goes on over a rebuild, and ends when the other side has emptied its slot.
        """
        stream: Stream[tuple[str, MediaStreamTrack]] = Stream(MAX_WAITING_TRACKS)
        for item in self._received.items():
            stream.put(item)
        if self.state == "closed":
            stream.end()
        self._track_streams.add(stream)
        return stream

    def publish(self, slot: str, track: MediaStreamTrack) -> None:
        """Send this track; the one before in the slot is replaced. It stays yours: nothing here stops it."""
        self._published[slot] = track
        self._published_changed()

    def unpublish(self, slot: str) -> None:
        if self._published.pop(slot, None) is not None:
            self._published_changed()

    async def wait_connected(self) -> None:
        """Until media and channels can flow. Raises Closed when the connection ends first."""
        while self.state != "connected":
            if self.state == "closed":
                raise Closed("the connection is closed")
            await self._changed.wait()

    async def close(self) -> None:
        """Say goodbye to the other side, and end; within seconds, whatever the other side does."""
        if self.state != "closed":
            self._recovery.stop()
            self._register.close()
            self._end_run(farewell=True)
            self._announced = {}
            self._update_tracks()
            self._set_state("closed")
            self._set_timer()
            self._channels.end()
            for stream in self._track_streams:
                stream.end()
        if self._ending:
            await asyncio.wait(self._ending)
        self._register.detach()

    # What negotiation asks for

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case SendSignal(payload):
                    self._send(payload)
                case OpenConnection(generation):
                    self._open(generation)
                case _:
                    if self._run is not None:
                        self._run.put(effect)

    def _need(self) -> None:
        self._perform(self._negotiation.need(slots_of(self._published)))

    def _open(self, generation: int) -> None:
        self._end_run()
        pc = PeerConnection(
            self._ice_servers,
            changed=lambda state: self._pc_changed(run, state),
            lane_made=lambda lane: self._lane_made(run, lane),
        )
        run = Run(
            generation,
            pc,
            Slots(pc, self._published, self._arrived),
            wanted=lambda: list(self._negotiation.wanted.values()),
            prepared=lambda: self._prepared(run),
            described=lambda kind, sdp, slots: self._perform(
                self._negotiation.described(generation, kind, sdp, slots)
            ),
            settled=lambda: self._settled(run),
            failed=lambda: self._failed(run),
        )
        self._run = run
        self._recovery.began(_now())
        self._set_timer()
        if self.state == "connected":
            self._set_state("lost")

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
            self._recovery.connected(_now())
            self._set_timer()
            self._set_state("connected")
        else:
            self._failed(run)

    def _failed(self, run: Run) -> None:
        if run is not self._run or self.state == "closed":
            return
        if self.state == "connected":
            self._set_state("lost")
        self._recovery.failed(_now())
        self._set_timer()

    def _settled(self, run: Run) -> None:
        if run is not self._run:
            return
        self._update_tracks()
        # An offer may have been made before its maker knew what we would send.
        if not run.slots.is_complete:
            self._need()

    def _prepared(self, run: Run) -> Control:
        control = Control(
            run.pc.make_control(),
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
            self._announce()
            self._register.ask()

    def _heard(self, run: Run, message: ControlMessage) -> None:
        if run is not self._run:
            return
        match message:
            case Media(slots):
                self._announced = slots
                self._update_tracks()
                self._listener.media_changed(dict(slots))
            case Bye():
                # The server will say that the peer has left; until then there is nobody to rebuild for.
                self._recovery.stop()
                self._set_timer()
                self._end_run()
                self._set_state("lost")
            case _:
                self._register.receive(message)

    def _violated(self, reason: str) -> None:
        if self._run is None:
            return
        log.warning("! = %s… with %s… is given up: %s", self.me[:6], self.peer[:6], reason)
        self._recovery.stop()
        self._set_timer()
        self._end_run()
        self._set_state("lost")

    # Media

    def _published_changed(self) -> None:
        if self._run is not None:
            self._run.slots.sync()
            self._announce()
        if not self._is_started or self.state == "closed":
            return
        if self._run is None or not self._run.slots.is_complete:
            self._need()

    def _announce(self) -> None:
        self._say(Media(dict.fromkeys(self._published, "live")))

    def _arrived(self, slot: str, frame: AnyFrame) -> None:
        received = self._received.get(slot)
        if received is not None:
            received.put(frame)

    def _update_tracks(self) -> None:
        for slot in self._received.keys() - self._announced.keys():
            self._received.pop(slot).stop()
        for slot in self._announced:
            kind = None if self._run is None else self._run.slots.kind_of(slot)
            if kind is not None and slot not in self._received:
                self._received[slot] = ReceivedTrack(kind)
                for stream in self._track_streams:
                    stream.put((slot, self._received[slot]))

    # Small things

    def _say(self, message: ControlMessage) -> bool:
        return self._run is not None and self._run.say(message)

    def _set_state(self, state: ConnectionState) -> None:
        if self.state == state:
            return
        self.state = state
        log.info("= %s… with %s… is %s", self.me[:6], self.peer[:6], state)
        self._changed.ring()
        self._listener.connection_changed(state)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake_at = self._recovery.wake_at
        if wake_at is not None and self.state != "closed":
            self._timer = asyncio.get_running_loop().call_at(wake_at, self._wake)

    def _wake(self) -> None:
        self._recovery.heard(_now())
        if self._recovery.wake(_now()) is Act.REBUILD:
            self._perform(self._negotiation.rebuild(slots_of(self._published)))
        self._set_timer()


def _now() -> float:
    return asyncio.get_running_loop().time()
