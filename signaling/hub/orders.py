"""What an administrator orders for a room: each node obeys for its own members."""

from __future__ import annotations

import msgspec

from signaling.cluster.carrying import payload_from
from signaling.cluster.words import Announce, Clear, NodeWord, Oust
from signaling.config import LimitsConfig
from signaling.effects import Effect
from signaling.hub.moderation import Moderation
from signaling.hub.post import Post
from signaling.hub.room import Room
from signaling.hub.rooms import Rooms
from signaling.hub.session import Session
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import Broadcasted

CLOSED = "the room was closed"
SERVER = PeerId("")
"""Who says what an administrator says: no peer."""


class Orders:
    """None says that this node has nobody who is meant."""

    def __init__(self, limits: LimitsConfig, post: Post, rooms: Rooms, moderation: Moderation) -> None:
        self._limits = limits
        self._post = post
        self._rooms = rooms
        self._moderation = moderation

    def heard(self, word: NodeWord, now: float) -> list[Effect]:
        """The order was given at another node."""
        effects: list[Effect] | None = None
        if isinstance(word, Clear):
            effects = self.clear(RoomName(word.room), now)
        elif isinstance(word, Oust):
            effects = self.oust(RoomName(word.room), word.id, word.ban, word.reason, now)
        elif isinstance(word, Announce) and len(word.payload) <= self._limits.max_message_bytes:
            payload = payload_from(word.payload, False)
            effects = None if payload is None else self.announce(RoomName(word.room), payload)
        return effects or []

    def clear(self, name: RoomName, now: float) -> list[Effect] | None:
        """Throw everybody out, and let nobody in who waits."""
        room = self._rooms.by_name.get(name)
        if room is None:
            return None
        effects: list[Effect] = []
        for peer in list(room.waiting):
            effects += self._moderation.end_wait(room, peer, False)
        for member in list(room.members.values()):
            effects += self._moderation.throw_out(room, member.session, 0.0, CLOSED, now)
        return effects

    def oust(self, name: RoomName, peer: PeerId, ban: float, reason: str, now: float) -> list[Effect] | None:
        """Throw one member out; of a member of another node only that one is told."""
        room = self._rooms.by_name.get(name)
        if room is None or not room.has_peer(peer):
            return None
        return self._moderation.throw_out_any(room, peer, ban, reason, now)

    def announce(self, name: RoomName, payload: msgspec.Raw) -> list[Effect] | None:
        """Tell all members something."""
        room = self._rooms.by_name.get(name)
        if room is None or not _sessions(room):
            return None
        return self._post.tell_all(_sessions(room), Broadcasted(name, SERVER, payload))


def _sessions(room: Room) -> list[Session]:
    return [member.session for member in room.members.values()]
