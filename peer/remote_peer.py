"""One other participant, as the application sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, Literal

import msgspec
from aiortc import MediaStreamTrack

from peer.channels.channel import Channel
from peer.channels.kinds import Kind
from peer.connection import Connection
from peer.diagnosis import diagnose
from peer.engine.ice.policy import IcePolicy
from peer.errors import Diagnosis
from peer.facts import Trouble
from peer.stats import PairReport, PeerStatistics
from signaling.protocol.codec import UNREADABLE
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import PeerUpdated
from signaling.protocol.parts import IceServer, Peer
from signaling.protocol.signals import PeerPayload

log = logging.getLogger("peer")

_payloads: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(PeerPayload)


class RemotePeer:
    """``state`` is ``connecting``, ``connected``, ``interrupted`` (it heals by itself) or ``closed``."""

    def __init__(
        self,
        description: Peer,
        *,
        me: PeerId,
        ice_servers: list[IceServer],
        policy: IcePolicy,
        send: Callable[[PeerPayload], None],
        changed: Callable[[RemotePeer, str], None],
        troubled: Callable[[RemotePeer, Trouble], None] = lambda peer, trouble: None,
        suspected: Callable[[], None] = lambda: None,
    ) -> None:
        self.id = description.id
        self.name = description.name
        self.metadata = description.metadata
        self.capabilities = description.capabilities
        self.away = description.away
        """Its line to the server is lost; the connection between you two may well work."""
        self.publishes = description.publishes
        """Whether its token lets it send audio and video; what comes all the same is left alone."""
        self.slots: dict[str, str] = {}
        """What it says that its slots carry now: slot → ``live`` or ``muted``."""
        self._changed = changed
        self._is_server_reachable = True
        self._state_before = "connecting"
        self._interrupted_at = 0.0
        self.interrupted_for = 0.0
        """Seconds, of the last interruption that is over."""
        self._connection = Connection(
            me=me,
            peer=description.id,
            you_offer=description.you_offer,
            ice_servers=ice_servers,
            send=send,
            listener=self,
            can_restart=description.capabilities.ice_restart,
            only_offers=description.capabilities.only_offers,
            policy=policy,
            troubled=lambda trouble: troubled(self, trouble),
            suspected=suspected,
        )

    def __repr__(self) -> str:
        return f"<RemotePeer {self.name!r} {self.id} {self.state}>"

    @property
    def state(self) -> str:
        return self._connection.state

    async def open(self, label: str, kind: Kind) -> Channel:
        """The channel of this label: the same one on both sides, whoever asks first.

        It may be written to at once. Raises Refused when the label is in use with another kind.
        """
        return await self._connection.open(label, kind)

    def channels(self) -> AsyncIterator[Channel]:
        """Channels that the peer opens and nobody here has asked for; ends with the peer."""
        return self._connection.channels()

    def tracks(self) -> AsyncIterator[tuple[str, MediaStreamTrack]]:
        """What the peer sends, by slot (``microphone``, ``camera``, ``screen`` …); ends with the peer."""
        return self._permitted(self._connection.tracks())

    async def wait_connected(self) -> None:
        """Until media and channels can flow. Raises Closed when the peer goes first."""
        await self._connection.wait_connected()

    def statistics(self) -> PeerStatistics:
        """The route that data takes, its round trip, and how good that is."""
        return self._connection.statistics()

    def pairs(self) -> list[PairReport]:
        """Every pair of addresses that was tried on the way to it, and what has become of each."""
        return self._connection.pairs()

    @property
    def diagnosis(self) -> Diagnosis | None:
        """Why the connection does not work, or not well, in a sentence for people; None when all is well."""
        facts = self._connection.facts()
        link: Literal["open", "interrupted"] = "open" if self._is_server_reachable else "interrupted"
        return diagnose(msgspec.structs.replace(facts, link=link, is_peer_away=self.away))

    async def _permitted(
        self, tracks: AsyncIterator[tuple[str, MediaStreamTrack]]
    ) -> AsyncIterator[tuple[str, MediaStreamTrack]]:
        async for slot, track in tracks:
            if self.publishes:
                yield slot, track

    # For the room

    def start(self) -> None:
        self._set_reachable()
        self._connection.start()

    def receive(self, payload: msgspec.Raw) -> None:
        """A signal of this peer; one that is not ours to understand is left alone."""
        try:
            decoded = _payloads.decode(payload)
        except UNREADABLE as error:
            log.debug("a signal of %s could not be read: %s", self.id, error)
            return
        self._connection.receive(decoded)

    def update(self, news: PeerUpdated) -> None:
        self.name, self.metadata, self.away = news.name, news.metadata, news.away
        self.publishes = news.publishes
        self._set_reachable()

    def set_server_reachable(self, is_reachable: bool) -> None:
        """Whether our own link to the server stands."""
        self._is_server_reachable = is_reachable
        self._set_reachable()

    def publish(self, slot: str, track: MediaStreamTrack) -> None:
        self._connection.publish(slot, track)

    def unpublish(self, slot: str) -> None:
        self._connection.unpublish(slot)

    def network_changed(self, addresses: Collection[str]) -> None:
        self._connection.network_changed(addresses)

    def servers_changed(self) -> None:
        self._connection.servers_changed()

    async def close(self) -> None:
        await self._connection.close()

    def _set_reachable(self) -> None:
        self._connection.set_reachable(self._is_server_reachable and not self.away)

    # For the connection

    def connection_changed(self, state: str) -> None:
        now = asyncio.get_running_loop().time()
        before, self._state_before = self._state_before, state
        if state == "interrupted":
            self._interrupted_at = now
        elif before == "interrupted":
            self.interrupted_for = now - self._interrupted_at
        self._changed(self, before)

    def media_changed(self, slots: dict[str, str]) -> None:
        self.slots = slots
