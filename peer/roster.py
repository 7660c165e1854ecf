"""Everybody else in a room: each with a connection that is begun when they come and closed when they go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from weakref import WeakSet

from aiortc import MediaStreamTrack

from peer import events
from peer.engine.ice.policy import IcePolicy
from peer.facts import Trouble
from peer.listeners import Listeners
from peer.remote_peer import RemotePeer
from peer.signaling_client.effects import Heard
from peer.streams import Stream
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import PeerLeft, PeerUpdated
from signaling.protocol.parts import IceServer, Peer
from signaling.protocol.signals import PeerPayload

MAX_WAITING_PEERS = 1000
CLOSE_TIMEOUT = 5.0
"""For all connections together; each has a shorter limit of its own."""


class Roster:
    """``signal`` sends to a peer through the server; ``ice_servers`` is one list, kept current elsewhere.

    ``check_server`` is called when a peer falls silent, and when it is back: what holds for it may hold
    for our link to the server.
    """

    def __init__(
        self,
        listeners: Listeners,
        *,
        me: Callable[[], PeerId],
        ice_servers: list[IceServer],
        policy: IcePolicy,
        signal: Callable[[PeerId, PeerPayload], None],
        check_server: Callable[[], None],
    ) -> None:
        self._listeners = listeners
        self._me = me
        self._ice_servers = ice_servers
        self._policy = policy
        self._signal = signal
        self._check_server = check_server
        self._peers: dict[PeerId, RemotePeer] = {}
        self._published: dict[str, MediaStreamTrack] = {}
        self._streams: WeakSet[Stream[RemotePeer]] = WeakSet()
        self._is_ended = False
        self._error: Exception | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def peers(self) -> list[RemotePeer]:
        return list(self._peers.values())

    def get(self, id: PeerId) -> RemotePeer | None:
        return self._peers.get(id)

    def stream(self) -> Stream[RemotePeer]:
        """Those who are here, then each that comes."""
        stream: Stream[RemotePeer] = Stream(MAX_WAITING_PEERS)
        for peer in self._peers.values():
            stream.put(peer)
        if self._is_ended:
            stream.end(self._error)
        self._streams.add(stream)
        return stream

    def publish(self, slot: str, track: MediaStreamTrack) -> None:
        self._published[slot] = track
        for peer in self._peers.values():
            peer.publish(slot, track)

    def unpublish(self, slot: str) -> None:
        if self._published.pop(slot, None) is not None:
            for peer in self._peers.values():
                peer.unpublish(slot)

    # What the server says

    def joined(self, description: Peer) -> None:
        peer = RemotePeer(
            description,
            me=self._me(),
            ice_servers=self._ice_servers,
            policy=self._policy,
            send=lambda payload: self._send(description.id, payload),
            changed=self._connection_changed,
            troubled=self._server_troubled,
            suspected=self._check_server,
        )
        self._peers[peer.id] = peer
        for slot, track in self._published.items():
            peer.publish(slot, track)
        peer.start()
        for stream in list(self._streams):
            stream.put(peer)
        self._listeners.tell(events.PeerJoined(peer))

    def updated(self, news: PeerUpdated) -> None:
        peer = self._peers.get(news.id)
        if peer is not None:
            peer.update(news)
            self._listeners.tell(events.PeerUpdated(peer))

    def left(self, news: PeerLeft) -> None:
        peer = self._peers.pop(news.id, None)
        if peer is not None:
            self._close(peer)
            # Whoever has lost its past, and did not come back in time, is lost to us.
            reason = "lost" if news.reason == "reset" else news.reason
            self._listeners.tell(events.PeerLeft(peer, reason))

    def heard(self, signal: Heard) -> None:
        peer = self._peers.get(signal.sender)
        if peer is not None:
            peer.receive(signal.payload)

    def set_server_reachable(self, is_reachable: bool) -> None:
        """Whether our own link to the server stands."""
        for peer in self._peers.values():
            peer.set_server_reachable(is_reachable)

    def network_changed(self, addresses: Collection[str]) -> None:
        """This machine has these addresses now."""
        for peer in list(self._peers.values()):
            peer.network_changed(addresses)

    def servers_changed(self) -> None:
        """``ice_servers`` has fresh credentials."""
        for peer in self._peers.values():
            peer.servers_changed()

    # The end

    def end(self, error: Exception | None) -> None:
        """Everybody goes; whoever iterates over peers comes to an end, with ``error`` if there is one."""
        self._is_ended = True
        self._error = error
        for peer in self._peers.values():
            self._close(peer)
        self._peers.clear()
        for stream in list(self._streams):
            stream.end(error)

    async def wait_closed(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Until all connections are closed, or ``timeout`` is over."""
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=timeout)

    # Inside

    def _send(self, to: PeerId, payload: PeerPayload) -> None:
        # A connection that is being closed has nothing to say any more.
        if to in self._peers:
            self._signal(to, payload)

    def _connection_changed(self, peer: RemotePeer, before: str) -> None:
        match before, peer.state:
            case "connecting", "connected":
                self._listeners.tell(events.PeerConnected(peer))
            case _, "connected":
                # The network is back, for the server too.
                self._check_server()
                self._listeners.tell(events.PeerRestored(peer, peer.interrupted_for))
            case "connected", "interrupted":
                self._listeners.tell(events.PeerInterrupted(peer, peer.diagnosis))

    def _server_troubled(self, peer: RemotePeer, trouble: Trouble) -> None:
        self._listeners.tell(events.ServerTroubled(peer, trouble.url, trouble.code, trouble.text))

    def _close(self, peer: RemotePeer) -> None:
        task = asyncio.create_task(peer.close())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
