"""Who may come into a room and what you may do in it, as the server has told it."""

from __future__ import annotations

from collections.abc import Collection

from peer import events
from peer.listeners import Listeners
from peer.moderation import permits
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Joined, Knocked, KnockEnded, Permitted, RoomUpdated
from signaling.protocol.parts import Peer, RoomSettings
from signaling.protocol.permissions import Permission


class Access:
    """What has changed is told to ``listeners``."""

    def __init__(self, listeners: Listeners, capacity: int) -> None:
        self._listeners = listeners
        self.capacity = capacity
        self.settings: RoomSettings | None = None
        """None before you are in."""
        self.waiting: dict[str, Peer] = {}
        """By id, where you may decide about them."""
        self._can: list[Permission] | None = None
        """What a newer token permits; None: what the welcome says."""

    def may(self, permission: Permission, *, me: PeerId, welcomed: Collection[Permission]) -> bool:
        """Whether you may do this; ``welcomed`` is what the welcome permits."""
        can = self._can if self._can is not None else welcomed
        is_owner = self.settings is not None and self.settings.owner == me
        return permits(can, is_owner, permission)

    def joined(self, event: Joined) -> None:
        is_again = self.settings is not None
        self.capacity, self.settings = event.capacity, event.settings
        self.waiting = {peer.id: peer for peer in event.waiting}
        # After a restart of the server the room was made anew, and perhaps by somebody else.
        if is_again and event.settings is not None:
            self._listeners.tell(events.RoomUpdated(event.settings))

    def changed(self, event: RoomUpdated | Knocked | KnockEnded | Permitted) -> None:
        match event:
            case RoomUpdated(settings=settings):
                self.settings, self.capacity = settings, settings.capacity
                self._listeners.tell(events.RoomUpdated(settings))
            case Knocked(peer=peer):
                self.waiting[peer.id] = peer
                self._listeners.tell(events.Knocked(peer.id, peer.name, peer.metadata))
            case KnockEnded(id=id):
                self.waiting.pop(id, None)
                self._listeners.tell(events.KnockEnded(id))
            case Permitted():
                self._can = [*event.can]
                self._listeners.tell(events.Permitted([*event.can], event.expires))

    def welcomed(self) -> None:
        """A new welcome says what the token permits."""
        self._can = None
