"""What owners of rooms, and those whose token says so, may do to a room and to who is in it."""

from __future__ import annotations

import math

from signaling.config import LimitsConfig
from signaling.effects import Effect
from signaling.hub.post import Post
from signaling.hub.room import Room, key_of
from signaling.hub.rooms import Rooms
from signaling.hub.session import Session
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import room_name
from signaling.protocol.messages import Configure, Decide, Done, Kick, Kicked, RoomUpdated
from signaling.protocol.permissions import Permission

LONGEST_BAN = 30 * 86_400.0
"""A month: bans are kept in memory."""


class Moderation:
    """Kick, configure, decide. Members ask; an admin need not be one."""

    def __init__(self, limits: LimitsConfig, post: Post, rooms: Rooms) -> None:
        self._limits = limits
        self._post = post
        self._rooms = rooms

    def kick(self, session: Session, message: Kick, now: float) -> list[Effect]:
        room = self._room(session, message.room)
        if isinstance(room, ErrorCode):
            return self._post.refuse(session, room, request=message.request)
        member = room.members.get(message.id)
        if member is None:
            return self._post.refuse(session, ErrorCode.UNKNOWN_PEER, request=message.request)
        target = member.session
        is_above = target.grants.may(Permission.ADMIN) and not session.grants.may(Permission.ADMIN)
        if target is session or is_above or not room.permits(session, Permission.KICK):
            return self._post.refuse(session, ErrorCode.NOT_ALLOWED, request=message.request)
        return [
            *self.throw_out(room, target, message.ban, message.reason, now),
            *self._done(session, message),
        ]

    def throw_out(self, room: Room, target: Session, ban: float, reason: str, now: float) -> list[Effect]:
        """Without a question; ``ban`` in seconds."""
        seconds = min(ban, LONGEST_BAN) if ban > 0.0 and math.isfinite(ban) else 0.0
        if seconds > 0.0:
            self._rooms.bans.add(room.name, target, now + seconds)
        effects = self._post.tell(target, Kicked(room.name, reason, seconds))
        return effects + self._rooms.remove(target, room, "kicked")

    def configure(self, session: Session, message: Configure) -> list[Effect]:
        room = self._room(session, message.room)
        if isinstance(room, ErrorCode):
            return self._post.refuse(session, room, request=message.request)
        if message.owner is not None and message.owner not in room.members:
            return self._post.refuse(session, ErrorCode.UNKNOWN_PEER, request=message.request)
        is_owner = room.owner == session.id or session.grants.may(Permission.ADMIN)
        if not room.permits(session, Permission.LOCK) or (message.owner is not None and not is_owner):
            return self._post.refuse(session, ErrorCode.NOT_ALLOWED, request=message.request)
        if message.locked is not None:
            room.locked = message.locked
        if message.capacity is not None:
            room.capacity = max(1, min(message.capacity, self._limits.max_members))
        if message.proof is not None:
            room.key = key_of(message.proof)
        effects = [] if message.lobby is None else self._open_lobby(room, message.lobby)
        if message.owner is not None:
            room.owner = message.owner
        members = [member.session for member in room.members.values()]
        effects += self._post.tell_all(members, RoomUpdated(room.name, room.settings))
        if message.owner is not None and message.owner != session.id:
            effects += self._rooms.show_waiting(room.members[message.owner].session, room)
        return [*effects, *self._done(session, message)]

    def decide(self, session: Session, message: Decide) -> list[Effect]:
        room = self._room(session, message.room)
        if isinstance(room, ErrorCode):
            return self._post.refuse(session, room, request=message.request)
        if not room.permits(session, Permission.LOBBY):
            return self._post.refuse(session, ErrorCode.NOT_ALLOWED, request=message.request)
        if message.id not in room.waiting:
            return self._post.refuse(session, ErrorCode.UNKNOWN_PEER, request=message.request)
        if message.admit and room.is_full:
            return self._post.refuse(session, ErrorCode.ROOM_FULL, request=message.request)
        return [*self._end_wait(room, message.id, message.admit), *self._done(session, message)]

    # Inside

    def _room(self, session: Session, text: str) -> Room | ErrorCode:
        room = self._rooms.room_of(session, text)
        if room is None and session.grants.may(Permission.ADMIN):
            name = room_name(text)
            if name is not None and session.grants.reaches(name):
                room = self._rooms.by_name.get(name)
        return ErrorCode.NOT_A_MEMBER if room is None else room

    def _open_lobby(self, room: Room, has_lobby: bool) -> list[Effect]:
        room.has_lobby = has_lobby
        effects: list[Effect] = []
        if not has_lobby:
            # Nobody decides any more, so nobody waits any more.
            for peer in list(room.waiting):
                effects += self._end_wait(room, peer, not room.is_full)
        return effects

    def _end_wait(self, room: Room, peer: str, admit: bool) -> list[Effect]:
        member, request = next(waiter for id, waiter in room.waiting.items() if id == peer)
        session = member.session
        effects = self._rooms.stop_waiting(session, room)
        if admit:
            return effects + self._rooms.enter(session, request, room, member)
        return effects + self._post.refuse(session, ErrorCode.TURNED_AWAY, request=request)

    def _done(self, session: Session, message: Kick | Configure | Decide) -> list[Effect]:
        return self._post.tell(session, Done(message.request))
