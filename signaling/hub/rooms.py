"""Entering, leaving and changing in rooms, and what the others are told of it."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, NamedTuple

from signaling.config import LimitsConfig
from signaling.effects import Effect, Slow
from signaling.grants import Grants
from signaling.hub.bans import Bans
from signaling.hub.metadata import metadata_from
from signaling.hub.names import clean_name
from signaling.hub.post import Post
from signaling.hub.room import Member, Room, Waiter, key_of
from signaling.hub.session import Session
from signaling.hub.topology import offers
from signaling.limits import TokenBucket
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import RoomName, room_name
from signaling.protocol.messages import (
    Broadcast,
    Broadcasted,
    Join,
    Joined,
    Kicked,
    Knocked,
    KnockEnded,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    Update,
    Updated,
    Waiting,
)
from signaling.protocol.parts import Peer
from signaling.protocol.permissions import Permission

LeftReason = Literal["left", "lost", "reset", "kicked", "expired"]
# Seconds that a link may be left unread: well below the time in which a ping wants its answer.
MAX_BROADCAST_WAIT = 2.0
NO_MORE = "your token does not permit this room any more"


NO_ONE: list[Peer] = []
"""Told to thousands; never changed."""


class Refusal(NamedTuple):
    code: ErrorCode
    retry_after: float | None = None


class Rooms:
    """All rooms of the node, by name."""

    def __init__(self, limits: LimitsConfig, post: Post) -> None:
        self._limits = limits
        self._post = post
        self.by_name: dict[RoomName, Room] = {}
        self.bans = Bans()
        self._of_app: Counter[str] = Counter()

    def join(self, session: Session, message: Join, now: float) -> list[Effect]:
        name, shown_as = room_name(message.room), clean_name(message.name)
        metadata = self._metadata(session, message.metadata)
        if name is None:
            return self._post.refuse(session, ErrorCode.BAD_ROOM_NAME, request=message.request)
        if shown_as is None:
            return self._post.refuse(session, ErrorCode.BAD_NAME, request=message.request)
        if metadata is None:
            return self._post.refuse(session, ErrorCode.BAD_METADATA, request=message.request)
        refusal = self._why_not_enter(session, name, message, now)
        if refusal is not None:
            code, retry_after = refusal
            return self._post.refuse(session, code, request=message.request, retry_after=retry_after)
        member, room = Member(session, shown_as, metadata), self.by_name.get(name)
        if room is not None and self._must_wait(session, room):
            return self._wait(session, room, Waiter(member, message.request))
        if room is None:
            room = self._make(session, name, message)
        return self.enter(session, message.request, room, member)

    def leave(self, session: Session, message: Leave) -> list[Effect]:
        name = room_name(message.room)
        room = None if name is None else self.by_name.get(name)
        if room is not None and session.id in room.waiting:
            return [
                *self._post.tell(session, Left(message.request, room.name)),
                *self.stop_waiting(session, room),
            ]
        if room is None or session.id not in room.members:
            return self._post.refuse(session, ErrorCode.NOT_A_MEMBER, request=message.request)
        effects = self._post.tell(session, Left(message.request, room.name))
        return effects + self.remove(session, room, "left")

    def update(self, session: Session, message: Update) -> list[Effect]:
        room = self.room_of(session, message.room)
        if room is None:
            return self._post.refuse(session, ErrorCode.NOT_A_MEMBER, request=message.request)
        member = room.members[session.id]
        shown_as = member.name if message.name is None else clean_name(message.name)
        metadata: dict[str, Any] | None = member.metadata
        if message.metadata is not None:
            metadata = self._metadata(session, message.metadata)
        if shown_as is None:
            return self._post.refuse(session, ErrorCode.BAD_NAME, request=message.request)
        if metadata is None:
            return self._post.refuse(session, ErrorCode.BAD_METADATA, request=message.request)
        member.name, member.metadata = shown_as, metadata
        effects = self._post.tell(session, Updated(message.request, room.name))
        return effects + self._post.tell_all(room.others(session), member.as_update(room.name))

    def broadcast(self, session: Session, message: Broadcast, now: float) -> list[Effect]:
        room = self.room_of(session, message.room)
        if room is None:
            return self._post.refuse(session, ErrorCode.NOT_A_MEMBER)
        if not session.grants.may(Permission.BROADCAST):
            return self._post.refuse(session, ErrorCode.NOT_ALLOWED)
        bucket = room.broadcasts
        if bucket is None:
            rate, burst = self._limits.broadcasts_per_second, self._limits.broadcasts_burst
            bucket = room.broadcasts = TokenBucket(rate, burst)
        wait = bucket.wait(now, 0.0)
        if wait > MAX_BROADCAST_WAIT:
            return self._post.refuse(session, ErrorCode.TOO_FAST, retry_after=wait)
        effects = self._post.tell_all(
            room.others(session), Broadcasted(room.name, session.id, message.payload)
        )
        wait = bucket.take(now)
        # Whoever comes back after an outage says a lot at once, and all of it counts.
        return [*effects, Slow(session.link, wait)] if wait > 0.0 else effects

    def show_presence(self, session: Session) -> list[Effect]:
        """Tell all rooms of a session that it is away, or back."""
        effects: list[Effect] = []
        for room in session.rooms:
            effects += self._post.tell_all(
                room.others(session), room.members[session.id].as_update(room.name)
            )
        return effects

    def grants_changed(self, session: Session, before: Grants) -> list[Effect]:
        """Out of all rooms that it may not be in any more; the others are told whether it publishes."""
        effects: list[Effect] = []
        grants = session.grants
        # Who may only make rooms has made those that it is in.
        may_be_in_rooms = grants.may(Permission.JOIN) or grants.may(Permission.CREATE)
        for room in [*session.rooms, *session.waiting_in]:
            if may_be_in_rooms and grants.reaches(room.name):
                continue
            effects += self._post.tell(session, Kicked(room.name, NO_MORE))
            if session.id in room.members:
                effects += self.remove(session, room, "expired")
            else:
                effects += self.stop_waiting(session, room)
        if grants.may(Permission.PUBLISH) != before.may(Permission.PUBLISH):
            effects += self.show_presence(session)
        return effects

    def enter(self, session: Session, request: int, room: Room, member: Member) -> list[Effect]:
        is_new = session.id not in room.members
        room.members[session.id] = member
        if is_new:
            session.rooms.append(room)
        effects = self._post.tell(session, self._snapshot(session, request, room))
        if is_new:
            return effects + self._announce(room, member)
        return effects + self._post.tell_all(room.others(session), member.as_update(room.name))

    def remove(self, session: Session, room: Room, reason: LeftReason) -> list[Effect]:
        del room.members[session.id]
        session.rooms.remove(room)
        # Whoever has only lost its past joins again in a moment, and is still who it was.
        if room.owner == session.id and reason != "reset":
            room.owner = None
        if not room.members:
            self._forget(room)
            return self._send_away(room)
        return self._post.tell_all(room.others(session), PeerLeft(room.name, session.id, reason))

    def remove_everywhere(self, session: Session, reason: LeftReason) -> list[Effect]:
        effects: list[Effect] = []
        for room in session.waiting_in:
            effects += self.stop_waiting(session, room)
        for room in list(session.rooms):
            effects += self.remove(session, room, reason)
        return effects

    def stop_waiting(self, session: Session, room: Room) -> list[Effect]:
        del room.waiting[session.id]
        session.waiting_in = tuple(each for each in session.waiting_in if each is not room)
        return self._post.tell_all(room.doorkeepers(), KnockEnded(room.name, session.id))

    def show_waiting(self, doorkeeper: Session, room: Room) -> list[Effect]:
        """To one who may let them in from now on."""
        effects: list[Effect] = []
        for waiter in room.waiting.values():
            effects += self._post.tell(doorkeeper, Knocked(room.name, waiter.member.seen_by(doorkeeper)))
        return effects

    def room_of(self, session: Session, text: str) -> Room | None:
        """The room of this name, if this session is in it."""
        name = room_name(text)
        return None if name is None else session.room(name)

    # Inside

    def _metadata(self, session: Session, value: dict[str, Any]) -> dict[str, Any] | None:
        granted = session.grants.metadata
        return metadata_from(value | granted if granted else value, self._limits.max_metadata_bytes)

    def _why_not_enter(self, session: Session, name: RoomName, message: Join, now: float) -> Refusal | None:
        if session.room(name) is not None:
            return None
        grants, room = session.grants, self.by_name.get(name)
        if not grants.reaches(name) or not grants.may(Permission.CREATE if room is None else Permission.JOIN):
            return Refusal(ErrorCode.NOT_ALLOWED)
        if len(session.rooms) + len(session.waiting_in) >= self._limits.max_rooms:
            return Refusal(ErrorCode.TOO_MANY_ROOMS)
        is_admin = grants.may(Permission.ADMIN)
        banned = 0.0 if is_admin else self.bans.remaining(name, session, now)
        if banned > 0.0:
            return Refusal(ErrorCode.BANNED, banned)
        if room is None:
            is_full = self._of_app[_app_of(name)] >= self._limits.max_rooms_per_app
            return Refusal(ErrorCode.APP_FULL) if is_full else None
        return None if is_admin else self._why_not_as_guest(room, message)

    def _why_not_as_guest(self, room: Room, message: Join) -> Refusal | None:
        if room.locked:
            return Refusal(ErrorCode.ROOM_LOCKED)
        if not room.opens_with(message.proof):
            return Refusal(ErrorCode.BAD_PASSWORD)
        is_crowded = room.has_lobby and len(room.waiting) >= self._limits.max_waiting
        return Refusal(ErrorCode.ROOM_FULL) if room.is_full or is_crowded else None

    @staticmethod
    def _must_wait(session: Session, room: Room) -> bool:
        return (
            room.has_lobby and session.id not in room.members and not room.permits(session, Permission.LOBBY)
        )

    def _wait(self, session: Session, room: Room, waiter: Waiter) -> list[Effect]:
        if session.id not in room.waiting:
            session.waiting_in = (*session.waiting_in, room)
        room.waiting = room.waiting | {session.id: waiter}
        effects = self._post.tell(session, Waiting(waiter.request, room.name))
        for doorkeeper in room.doorkeepers():
            effects += self._post.tell(doorkeeper, Knocked(room.name, waiter.member.seen_by(doorkeeper)))
        return effects

    def _make(self, session: Session, name: RoomName, message: Join) -> Room:
        wished, most = message.capacity, self._limits.max_members
        capacity = most if wished is None else max(1, min(wished, most))
        room = self.by_name[name] = Room(name, capacity, session.id)
        room.key, room.has_lobby = key_of(message.proof), message.lobby
        self._of_app[_app_of(name)] += 1
        return room

    def _forget(self, room: Room) -> None:
        del self.by_name[room.name]
        app = _app_of(room.name)
        self._of_app[app] -= 1
        if not self._of_app[app]:
            del self._of_app[app]

    def _send_away(self, room: Room) -> list[Effect]:
        """Nobody is left who could let them in."""
        effects: list[Effect] = []
        for waiter in list(room.waiting.values()):
            session = waiter.member.session
            effects += self.stop_waiting(session, room)
            effects += self._post.refuse(session, ErrorCode.TURNED_AWAY, request=waiter.request)
        return effects

    @staticmethod
    def _snapshot(session: Session, request: int, room: Room) -> Joined:
        keeps_door = bool(room.waiting) and room.permits(session, Permission.LOBBY)
        waiting = [each.member.seen_by(session) for each in room.waiting.values()] if keeps_door else NO_ONE
        peers = room.snapshot_for(session)
        return Joined(request, room.name, peers, room.capacity, room.settings, waiting)

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


def _app_of(name: RoomName) -> str:
    return name.partition("/")[0]
