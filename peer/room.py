"""The front door: join a room, and its peers come and go.

async with join("ws://localhost:8080", "arena", name="bot") as room:
    async for peer in room.peers():
        moves = await peer.open("moves", LATEST)
        await moves.send(b"left")
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from aiortc import MediaStreamTrack

from peer import events
from peer.access import Access
from peer.engine.self_check import has_own_ice
from peer.errors import Closed, Diagnosis, Full, Lost, PeerlaneError, Refused
from peer.join_options import DEFAULT_OPTIONS, JoinOptions
from peer.listeners import Listeners
from peer.moderation import Moderation
from peer.network import watch
from peer.remote_peer import RemotePeer
from peer.renewal import Renewal
from peer.requests import Requests
from peer.roster import Roster
from peer.signaling_client import effects
from peer.signaling_client.dialling import why
from peer.signaling_client.measuring import addresses_of
from peer.signaling_client.nearest import Addresses
from peer.signaling_client.values import plain
from peer.signaling_client.websocket import CODEC, SignalingClient
from peer.watchdog import Watchdog
from signaling.protocol.codec import UNREADABLE
from signaling.protocol.errors import HINTS, ErrorCode
from signaling.protocol.ids import PeerId, room_name
from signaling.protocol.messages import (
    Authenticate,
    Broadcasted,
    Configure,
    Decide,
    Degraded,
    Done,
    Expiring,
    IceServers,
    Join,
    Joined,
    Kick,
    Kicked,
    Knocked,
    KnockEnded,
    Left,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Permitted,
    RoomUpdated,
    Update,
    Updated,
    Waiting,
)
from signaling.protocol.messages import Refused as RefusedByServer
from signaling.protocol.parts import Capabilities, IceServer, Peer, RoomSettings
from signaling.protocol.passwords import password_proof
from signaling.protocol.permissions import Permission
from signaling.protocol.signals import PeerPayload

__all__ = ["JoinOptions", "RemotePeer", "Room", "join"]

log = logging.getLogger("peer")

EventT = TypeVar("EventT")
FAREWELL_TIMEOUT = 1.5
"""For what is under way to the others; then the server is told all the same."""


@asynccontextmanager
async def join(
    url: str | Sequence[str],
    room: str,
    *,
    name: str = "",
    metadata: dict[str, Any] | None = None,
    options: JoinOptions = DEFAULT_OPTIONS,
) -> AsyncIterator[Room]:
    """Enter a room, with everybody who is there already; leave it at the end of the block.

    Of several servers the nearest is used, and the others when it is lost.

    Raises Refused when the server says no, Lost when it cannot be reached in time, AddressError for a
    ``url`` that cannot be a server's, and OSError when ``options.verify`` cannot be read.
    """
    token = options.token if isinstance(options.token, str) else await options.token()
    addresses = await addresses_of(url, options.nearest, options.verify)
    entering = Room(addresses, room, options, token)
    try:
        await entering.enter(name, metadata or {})
        yield entering
    finally:
        await entering.close()


class Room:
    """A room that you are in; made by :func:`join`."""

    def __init__(self, addresses: Addresses, room: str, options: JoinOptions, token: str = "") -> None:
        full_name = room_name(room)
        if full_name is None:
            raise Refused(ErrorCode.BAD_ROOM_NAME, hint=HINTS[ErrorCode.BAD_ROOM_NAME])
        self.name = full_name
        """``app/room``."""
        self.state = "joining"
        """``joining``, ``waiting`` (to be let in), ``open``, ``interrupted`` (the server is out of reach;
        peers go on), ``closed``."""
        self._options = options
        self._listeners = Listeners()
        self._access = Access(self._listeners, options.capacity or 0)
        self._ice_servers: list[IceServer] = []
        self._roster = Roster(
            self._listeners,
            me=lambda: self.me,
            ice_servers=self._ice_servers,
            policy=options.policy,
            signal=self._signal,
            check_server=lambda: self._client.check(),
        )
        self._error: PeerlaneError = Closed("you have left the room")
        self._last_failure = ""
        self._patience: asyncio.Timeout | None = None
        self._closing: asyncio.Task[None] | None = None
        self._client = SignalingClient(
            addresses,
            capabilities=_capabilities(),
            tell=self._told,
            token=token,
            verify=options.verify,
        )
        self._requests = Requests(self._client.perform)
        session = self._client.session
        self.moderation = Moderation(full_name, session.next_request, self._act)
        self._renewal = Renewal(options.token, self._present)
        self._stop_listening = watch().listen(self._network_changed)
        self._watchdog = Watchdog()
        self._watchdog.start()

    @property
    def me(self) -> PeerId:
        """Your own id."""
        return self._client.session.you

    @property
    def capacity(self) -> int:
        return self._access.capacity

    @property
    def settings(self) -> RoomSettings | None:
        """What holds for the room; None before you are in."""
        return self._access.settings

    @property
    def waiting(self) -> dict[str, Peer]:
        """Who waits to be let in, by id, where you may decide that."""
        return self._access.waiting

    @property
    def is_degraded(self) -> bool:
        """Whether the node that serves us cannot speak with the others for now."""
        welcome = self._client.session.welcome
        return welcome is not None and welcome.degraded

    def may(self, permission: str) -> bool:
        """Whether you may do this here, by your token or as the owner: ``kick``, ``lock``, ``publish``, …

        Raises ValueError for what is no permission.
        """
        welcome = self._client.session.welcome
        welcomed = welcome.can if welcome is not None else []
        return self._access.may(Permission(permission), me=self.me, welcomed=welcomed)

    @property
    def roster(self) -> list[RemotePeer]:
        """Everybody else who is here."""
        return self._roster.peers

    def peer(self, id: str) -> RemotePeer | None:
        return self._roster.get(PeerId(id))

    def peers(self) -> AsyncIterator[RemotePeer]:
        """Those who are here, then each that comes; ends when you leave.

        Raises Refused when the server has ended it.
        """
        return self._roster.stream()

    def events(self) -> AsyncIterator[Any]:
        """What happens from now on, as the structs of ``peer.events``; the last one is ``Ended``."""
        return self._listeners.stream()

    def on(self, kind: type[EventT]) -> Callable[[Callable[[EventT], object]], Callable[[EventT], object]]:
        """``@room.on(PeerJoined)``: call this function, which may not wait, with each such event."""
        return self._listeners.on(kind)

    async def update(self, *, name: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        """Change what others see of you; what is left out stays. Raises Refused when the server says no."""
        session = self._client.session
        update = Update(session.next_request(), self.name, name, plain(metadata))
        self._assert_open()
        await self._requests.ask(update.request, lambda: session.update(update))

    async def broadcast(self, value: Any) -> None:
        """To all others, through the server: what JSON can say, or bytes (which a browser gets as base64).

        A session that could not be resumed may lose it. Raises TypeError or ValueError for other values,
        Refused for too large ones, and Full when too much waits for the server.
        """
        self._assert_open()
        payload = msgspec.Raw(msgspec.msgpack.encode(plain(value)))
        self._client.perform(self._client.session.broadcast(self.name, payload))

    async def publish(self, track: MediaStreamTrack, *, slot: str) -> None:
        """Send this track to everybody, now and whoever comes; the one before in the slot is replaced.

        ``slot`` is ``microphone``, ``camera``, ``screen``, ``screen-sound``, or a name of your own. The
        track stays yours: nothing here stops it.
        """
        self._assert_open()
        self._roster.publish(slot, track)

    async def unpublish(self, slot: str) -> None:
        self._roster.unpublish(slot)

    async def close(self) -> None:
        """Leave: the others are told at once. Takes a few seconds at the most."""
        self._end(Closed("you have left the room"))
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        # Whoever waits may be cancelled; what has begun is finished all the same.
        await asyncio.shield(self._closing)

    async def enter(self, name: str, metadata: dict[str, Any]) -> None:
        """For :func:`join`."""
        session, options = self._client.session, self._options
        # Deriving takes a tenth of a second.
        proof = (
            await asyncio.to_thread(password_proof, options.password, self.name) if options.password else ""
        )
        join = Join(
            session.next_request(), self.name, name, plain(metadata), options.capacity, proof, options.lobby
        )
        try:
            async with asyncio.timeout(options.timeout) as self._patience:
                await self._requests.ask(
                    join.request, lambda: [*session.join(join), *session.start(self._client.now)]
                )
        except TimeoutError:
            text = self._last_failure or "the server does not answer"
            told = Diagnosis("server-unreachable", text, "is it running, and is the address right?")
            raise Lost(text, retry_after=5.0, diagnosis=told) from None

    async def present(self, token: str) -> None:
        """A newer token, which holds at once. Raises Refused (``bad-token``) when it is not good."""
        request = self._client.session.next_request()
        self._assert_open()
        await self._requests.ask(request, lambda: self._client.session.act(Authenticate(request, token)))

    # Inside

    async def _act(self, request: Kick | Configure | Decide) -> None:
        self._assert_open()
        await self._requests.ask(request.request, lambda: self._client.session.act(request))

    def _present(self, token: str) -> None:
        session = self._client.session
        self._client.perform(session.act(Authenticate(session.next_request(), token)))

    def _assert_open(self) -> None:
        if self.state == "closed":
            raise self._error

    def _told(self, event: effects.Told) -> None:
        match event:
            case Joined():
                self.state = "open"
                self._requests.answer(event.request)
                self._access.joined(event)
            case Left() | Updated() | Done():
                self._requests.answer(event.request)
            case RefusedByServer():
                self._refused(event)
            case PeerJoined():
                self._roster.joined(event.peer)
            case PeerUpdated():
                self._roster.updated(event)
            case PeerLeft():
                self._roster.left(event)
            case effects.Heard():
                self._roster.heard(event)
            case Broadcasted():
                self._broadcasted(event)
            case RoomUpdated() | Knocked() | KnockEnded() | Permitted():
                self._access.changed(event)
            case Waiting():
                self.state = "waiting"
                if self._patience is not None:
                    # From here on it is people who take their time.
                    self._patience.reschedule(None)
            case Kicked():
                self._end(Refused("kicked", event.reason or "you were thrown out of the room"))
            case _:
                self._link_changed(event)

    def _link_changed(self, event: effects.Told) -> None:
        match event:
            case Expiring():
                self._listeners.tell(events.Expiring(event.expires))
                self._renewal.renew()
            case Degraded():
                self._listeners.tell(events.Degraded(event.degraded))
            case effects.Interrupted():
                welcome = self._client.session.welcome
                self._renewal.link_lost(None if welcome is None else welcome.expires)
                self._last_failure = event.reason
                self._roster.set_server_reachable(False)
                if self.state == "open":
                    self.state = "interrupted"
                self._listeners.tell(events.Interrupted(event.retry_in, event.reason))
            case IceServers():
                self._take_servers()
            case effects.Restored():
                self._access.welcomed()
                self._take_servers()
                self._roster.set_server_reachable(True)
                if self.state == "interrupted":
                    self.state = "open"
                self._listeners.tell(events.Restored(event.resumed))
            case effects.Ended():
                self._end(why(event))

    def _take_servers(self) -> None:
        welcome = self._client.session.welcome
        self._ice_servers[:] = welcome.ice_servers if welcome is not None else []
        self._roster.servers_changed()

    def _refused(self, event: RefusedByServer) -> None:
        error = Refused(event.code, hint=event.hint)
        if event.code is ErrorCode.BAD_TOKEN and event.request not in self._requests:
            log.warning("! the server does not take the fresh token; the session ends with the one of before")
            return
        # Nobody waits for the answer to a join that a resume has repeated.
        if not self._requests.answer(event.request, error) and event.request is not None:
            self._end(error)

    def _broadcasted(self, event: Broadcasted) -> None:
        peer = self._roster.get(event.sender)
        if peer is None and event.sender:
            return
        try:
            value = CODEC.read_payload(event.payload)
        except UNREADABLE as error:
            log.debug("a broadcast of %s could not be read: %s", event.sender, error)
            return
        self._listeners.tell(events.Announced(value) if peer is None else events.Broadcasted(peer, value))

    def _network_changed(self, addresses: Collection[str]) -> None:
        # The link first: whether signals get through decides what a connection can do.
        self._client.network_changed(addresses)
        self._roster.network_changed(addresses)

    def _signal(self, to: PeerId, payload: PeerPayload) -> None:
        if self.state == "closed":
            return
        session = self._client.session
        try:
            self._client.perform(session.signal(to, msgspec.Raw(CODEC.encode(payload)), self._client.now))
        except (Full, Refused) as error:
            # So much waits for a peer only when it has been away for long; then a new connection is due.
            log.warning("a signal to %s was not sent: %s", to, error)

    def _end(self, error: PeerlaneError) -> None:
        if self.state == "closed":
            return
        self.state = "closed"
        self._error = error
        self._stop_listening()
        self._watchdog.stop()
        # Whoever still iterates over peers: leaving oneself is no error.
        self._roster.end(None if isinstance(error, Closed) else error)
        self._requests.end(error)
        self._listeners.tell(events.Ended(error))
        self._listeners.end()

    async def _close(self) -> None:
        await self._renewal.stop()
        # The others hang up as soon as the server says that we have gone: first let arrive what is under way.
        await self._roster.wait_closed(FAREWELL_TIMEOUT)
        await self._client.close()
        await self._roster.wait_closed()


def _capabilities() -> Capabilities:
    """aiortc cannot roll back; what it cannot do besides, our own ICE can."""
    return Capabilities(engine="aiortc", ice_restart=has_own_ice(), trickle=has_own_ice(), media=True)
