"""What owners of rooms, and those whose token says so, may do to a room and to who is in it."""

from __future__ import annotations

import math

from signaling.cluster.words import Ban, Rules, Throw, Verdict
from signaling.config import LimitsConfig
from signaling.effects import Effect, Tell
from signaling.hub.bans import who_of
from signaling.hub.post import Post
from signaling.hub.room import Room, key_of
from signaling.hub.rooms import Rooms
from signaling.hub.session import Session
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import PeerId, room_name
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
        member, remote = room.members.get(message.id), room.elsewhere.members.get(message.id)
        if member is not None:
            is_admin = member.session.grants.may(Permission.ADMIN)
        elif remote is not None:
            is_admin = remote.shown.is_admin
        else:
            return self._post.refuse(session, ErrorCode.UNKNOWN_PEER, request=message.request)
        is_above = is_admin and not session.grants.may(Permission.ADMIN)
        if message.id == session.id or is_above or not room.permits(session, Permission.KICK):
            return self._post.refuse(session, ErrorCode.NOT_ALLOWED, request=message.request)
        effects = self.throw_out_any(room, message.id, message.ban, message.reason, now)
        return [*effects, *self._done(session, message)]

    def throw_out_any(self, room: Room, peer: PeerId, ban: float, reason: str, now: float) -> list[Effect]:
        """A member of whichever node; ``ban`` in seconds."""
        member, remote = room.members.get(peer), room.elsewhere.members.get(peer)
        if member is not None:
            return self.throw_out(room, member.session, ban, reason, now)
        if remote is not None:
            return [Tell((remote.node,), Throw(room.name, peer, ban, reason))]
        return []

    def throw_out(self, room: Room, target: Session, ban: float, reason: str, now: float) -> list[Effect]:
        """Without a question; ``ban`` in seconds."""
        seconds = min(ban, LONGEST_BAN) if ban > 0.0 and math.isfinite(ban) else 0.0
        effects: list[Effect] = []
        if seconds > 0.0:
            who = who_of(target)
            self._rooms.bans.add(room.name, who, now + seconds)
            effects += room.tell_nodes(Ban(room.name, who, seconds))
        effects += self._post.tell(target, Kicked(room.name, reason, seconds))
        return effects + self._rooms.remove(target, room, "kicked")

    def configure(self, session: Session, message: Configure) -> list[Effect]:
        room = self._room(session, message.room)
        if isinstance(room, ErrorCode):
            return self._post.refuse(session, room, request=message.request)
        if message.owner is not None and not room.has_peer(message.owner):
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
        effects += room.revise(self._rooms.node)
        effects += self.tell_rules(room)
        if message.owner != session.id and message.owner in room.members:
            effects += self._rooms.show_waiting(room.members[message.owner].session, room)
        return [*effects, *self._done(session, message)]

    def tell_rules(self, room: Room) -> list[Effect]:
        """To all members that this node has."""
        self._rooms.note_settings(room)
        members = [member.session for member in room.members.values()]
        return self._post.tell_all(members, RoomUpdated(room.name, room.settings))

    def obey(self, room: Room, rules: Rules) -> list[Effect]:
        """Another node knows newer rules."""
        before, had_lobby, told = room.owner, room.has_lobby, room.settings
        room.obey(rules)
        effects = self._end_all_waits(room) if had_lobby and not room.has_lobby else []
        effects += self.tell_rules(room) if room.settings != told else []
        if room.owner is not None and room.owner != before and room.owner in room.members:
            effects += self._rooms.show_waiting(room.members[room.owner].session, room)
        return effects

    def decide(self, session: Session, message: Decide) -> list[Effect]:
        room = self._room(session, message.room)
        if isinstance(room, ErrorCode):
            return self._post.refuse(session, room, request=message.request)
        if not room.permits(session, Permission.LOBBY):
            return self._post.refuse(session, ErrorCode.NOT_ALLOWED, request=message.request)
        remote = room.elsewhere.waiting.get(message.id)
        if message.id not in room.waiting and remote is None:
            return self._post.refuse(session, ErrorCode.UNKNOWN_PEER, request=message.request)
        if message.admit and room.is_full:
            return self._post.refuse(session, ErrorCode.ROOM_FULL, request=message.request)
        if remote is not None:
            verdict = Verdict(room.name, message.id, message.admit)
            return [Tell((remote.node,), verdict), *self._done(session, message)]
        return [*self.end_wait(room, message.id, message.admit), *self._done(session, message)]

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
        return [] if has_lobby else self._end_all_waits(room)

    def _end_all_waits(self, room: Room) -> list[Effect]:
        """Nobody decides any more, so nobody waits any more."""
        effects: list[Effect] = []
        for peer in list(room.waiting):
            effects += self.end_wait(room, peer, not room.is_full)
        return effects

    def end_wait(self, room: Room, peer: PeerId, admit: bool) -> list[Effect]:
        member, request = room.waiting[peer]
        session = member.session
        if admit:
            effects = self._rooms.end_waiting(session, room)
            return effects + self._rooms.enter(session, request, room, member)
        effects = self._rooms.stop_waiting(session, room)
        return effects + self._post.refuse(session, ErrorCode.TURNED_AWAY, request=request)

    def _done(self, session: Session, message: Kick | Configure | Decide) -> list[Effect]:
        return self._post.tell(session, Done(message.request))
