"""Entering, leaving and changing in rooms, and what the others are told of it."""

from __future__ import annotations

from typing import Any, Literal

from signaling.config import LimitsConfig
from signaling.effects import Effect
from signaling.hub.metadata import metadata_from
from signaling.hub.post import Post
from signaling.hub.room import Member, Room, clean_name
from signaling.hub.session import Session
from signaling.hub.topology import offers
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import RoomName, room_name
from signaling.protocol.messages import (
    Broadcast,
    Broadcasted,
    Join,
    Joined,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    Update,
    Updated,
)

LeftReason = Literal["left", "lost", "reset"]


class Rooms:
    """All rooms of the node, by name."""

    def __init__(self, limits: LimitsConfig, post: Post) -> None:
        self._limits = limits
        self._post = post
        self.by_name: dict[RoomName, Room] = {}

    def join(self, session: Session, message: Join) -> list[Effect]:
        name, shown_as = room_name(message.room), clean_name(message.name)
        metadata = metadata_from(message.metadata, self._limits.max_metadata_bytes)
        if name is None:
            return self._post.refuse(session, ErrorCode.BAD_ROOM_NAME, request=message.request)
        if shown_as is None:
            return self._post.refuse(session, ErrorCode.BAD_NAME, request=message.request)
        if metadata is None:
            return self._post.refuse(session, ErrorCode.BAD_METADATA, request=message.request)
        refusal = self._why_not_enter(session, name)
        if refusal is not None:
            return self._post.refuse(session, refusal, request=message.request)
        return self._enter(session, message, name, Member(session, shown_as, metadata))

    def leave(self, session: Session, message: Leave) -> list[Effect]:
        room = self._room_of(session, message.room)
        if room is None:
            return self._post.refuse(session, ErrorCode.NOT_A_MEMBER, request=message.request)
        effects = self._post.tell(session, Left(message.request, room.name))
        return effects + self.remove(session, room, "left")

    def update(self, session: Session, message: Update) -> list[Effect]:
        room = self._room_of(session, message.room)
        if room is None:
            return self._post.refuse(session, ErrorCode.NOT_A_MEMBER, request=message.request)
        member = room.members[session.id]
        shown_as = member.name if message.name is None else clean_name(message.name)
        metadata: dict[str, Any] | None = member.metadata
        if message.metadata is not None:
            metadata = metadata_from(message.metadata, self._limits.max_metadata_bytes)
        if shown_as is None:
            return self._post.refuse(session, ErrorCode.BAD_NAME, request=message.request)
        if metadata is None:
            return self._post.refuse(session, ErrorCode.BAD_METADATA, request=message.request)
        member.name, member.metadata = shown_as, metadata
        effects = self._post.tell(session, Updated(message.request, room.name))
        return effects + self._post.tell_all(room.others(session), member.as_update(room.name))

    def broadcast(self, session: Session, message: Broadcast) -> list[Effect]:
        room = self._room_of(session, message.room)
        if room is None:
            return self._post.refuse(session, ErrorCode.NOT_A_MEMBER)
        return self._post.tell_all(room.others(session), Broadcasted(room.name, session.id, message.payload))

    def show_presence(self, session: Session) -> list[Effect]:
        """Tell all rooms of a session that it is away, or back."""
        effects: list[Effect] = []
        for room in session.rooms:
            effects += self._post.tell_all(
                room.others(session), room.members[session.id].as_update(room.name)
            )
        return effects

    def remove(self, session: Session, room: Room, reason: LeftReason) -> list[Effect]:
        del room.members[session.id]
        session.rooms.remove(room)
        if not room.members:
            del self.by_name[room.name]
        return self._post.tell_all(room.others(session), PeerLeft(room.name, session.id, reason))

    def remove_everywhere(self, session: Session, reason: LeftReason) -> list[Effect]:
        effects: list[Effect] = []
        for room in list(session.rooms):
            effects += self.remove(session, room, reason)
        return effects

    def _enter(self, session: Session, message: Join, name: RoomName, member: Member) -> list[Effect]:
        room = self.by_name.get(name)
        if room is None:
            room = self.by_name[name] = Room(name, self._capacity(message.capacity))
        is_new = session.id not in room.members
        room.members[session.id] = member
        if is_new:
            session.rooms.append(room)
        snapshot = Joined(message.request, name, room.snapshot_for(session), room.capacity)
        effects = self._post.tell(session, snapshot)
        if is_new:
            return effects + self._announce(room, member)
        return effects + self._post.tell_all(room.others(session), member.as_update(name))

    def _why_not_enter(self, session: Session, name: RoomName) -> ErrorCode | None:
        if session.room(name) is not None:
            return None
        if len(session.rooms) >= self._limits.max_rooms:
            return ErrorCode.TOO_MANY_ROOMS
        room = self.by_name.get(name)
        return ErrorCode.ROOM_FULL if room is not None and room.is_full else None

    def _capacity(self, wished: int | None) -> int:
        return self._limits.max_members if wished is None else max(1, min(wished, self._limits.max_members))

    def _room_of(self, session: Session, text: str) -> Room | None:
        name = room_name(text)
        return None if name is None else session.room(name)

    def _announce(self, room: Room, newcomer: Member) -> list[Effect]:
        """Who offers differs between members, so there are two forms of one announcement."""
        me = newcomer.session
        they_offer: list[Session] = []
        i_offer: list[Session] = []
        for other in room.others(me):
            theirs = offers(other.capabilities, other.id, me.capabilities, me.id)
            (they_offer if theirs else i_offer).append(other)
        effects: list[Effect] = []
        for group in (they_offer, i_offer):
            if group:
                effects += self._post.tell_all(group, PeerJoined(room.name, newcomer.seen_by(group[0])))
        return effects
