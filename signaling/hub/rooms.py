"""Entering, leaving and changing in rooms, and what the others are told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from signaling.cluster.carrying import carried
from signaling.cluster.words import (
    ALONE,
    Cast,
    Changed,
    Entered,
    Gone,
    Knock,
    KnockEnd,
    LeftReason,
    Quit,
)
from signaling.config import LimitsConfig
from signaling.effects import Effect, Listen, Slow, Unlisten
from signaling.grants import Grants
from signaling.hub.bans import Bans
from signaling.hub.metadata import metadata_from
from signaling.hub.names import clean_name
from signaling.hub.openings import Arriving, Opening
from signaling.hub.post import Post
from signaling.hub.room import Member, RemoteMember, Room, Stamp, Waiter, key_of
from signaling.hub.session import Session
from signaling.hub.topology import offers
from signaling.journal import FeedMember, Journal
from signaling.limits import TokenBucket
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import PeerId, RoomName, room_name
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

    def __init__(self, limits: LimitsConfig, post: Post, journal: Journal) -> None:
        self._limits = limits
        self._journal = journal
        self._post = post
        self.by_name: dict[RoomName, Room] = {}
        self.node = ALONE
        """This one, among others; empty: it is alone."""
        self.is_asking = False
        """Whether other nodes can be asked for rooms: there are some, and the bus is there."""
        self.openings: dict[RoomName, Opening] = {}
        self._requests = 0
        self._made = 0.0
        self.arriving: dict[RoomName, Arriving] = {}
        self.forgotten: Callable[[Room], None] = lambda room: None
        """Told of a room that other nodes may go on with."""
        self.unix_offset = 0.0
        """Of the calendar to the clock that never jumps."""
        self.bans = Bans()
        self._of_app: Counter[str] = Counter()

    def join(self, session: Session, message: Join, now: float, is_known: bool = False) -> list[Effect]:
        """``is_known``: the other nodes have been asked for the room."""
        name, shown_as = room_name(message.room), clean_name(message.name)
        metadata = self._metadata(session, message.metadata)
        if name is None:
            return self._post.refuse(session, ErrorCode.BAD_ROOM_NAME, request=message.request)
        if shown_as is None:
            return self._post.refuse(session, ErrorCode.BAD_NAME, request=message.request)
        if metadata is None:
            return self._post.refuse(session, ErrorCode.BAD_METADATA, request=message.request)
        if not is_known and (name in self.openings or (self.is_asking and name not in self.by_name)):
            return self._ask_first(session, name, message, now)
        refusal = self._why_not_enter(session, name, message, now)
        if refusal is not None:
            code, retry_after = refusal
            return self._post.refuse(session, code, request=message.request, retry_after=retry_after)
        member, room = Member(session, shown_as, metadata), self.by_name.get(name)
        if room is not None and self._must_wait(session, room):
            return self._wait(session, room, Waiter(member, message.request))
        if room is None:
            room = self._make(session, name, message, now)
        return self.enter(session, message.request, room, member)

    def leave(self, session: Session, message: Leave) -> list[Effect]:
        name = room_name(message.room)
        room = None if name is None else self.by_name.get(name)
        if name in self.openings and self.openings[name].drop(session) is not None:
            return self._post.tell(session, Left(message.request, name))
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
        return effects + self._tell_change(room, member)

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
        if room.elsewhere.nodes:
            room.members[session.id].cast = session.received
            payload, is_packed = carried(message.payload)
            effects += room.tell_nodes(Cast(room.name, session.id, session.received, payload, is_packed))
        wait = bucket.take(now)
        # Whoever comes back after an outage says a lot at once, and all of it counts.
        return [*effects, Slow(session.link, wait)] if wait > 0.0 else effects

    def show_presence(self, session: Session) -> list[Effect]:
        """Tell all rooms of a session that it is away, or back."""
        effects: list[Effect] = []
        for room in session.rooms:
            effects += self._tell_change(room, room.members[session.id])
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
        if not is_new:
            return effects + self._tell_change(room, member)
        if room.elsewhere.nodes:
            effects += room.tell_nodes(Entered(room.name, member.as_shown()))
        return effects + self.announce(room, member)

    def remove(self, session: Session, room: Room, reason: LeftReason) -> list[Effect]:
        del room.members[session.id]
        session.rooms.remove(room)
        # Whoever has only lost its past joins again in a moment, and is still who it was.
        is_ownerless = room.owner == session.id and reason != "reset"
        self.note_left(room, session.id, reason)
        effects = room.tell_nodes(Gone(room.name, session.id, reason))
        if is_ownerless:
            room.owner = None
            self.note_settings(room)
            effects += room.revise(self.node)
        if room.members:
            gone = PeerLeft(room.name, session.id, reason)
            return effects + self._post.tell_all(room.others(session), gone)
        return effects + self.close_if_empty(room)

    def close_if_empty(self, room: Room) -> list[Effect]:
        """A room ends with its last member, and at this node with the last of its own."""
        is_kept = room.members or room.name in self.openings or room.name in self.arriving
        if is_kept or self.by_name.get(room.name) is not room:
            return []
        effects = [] if room.elsewhere.members else self._send_away(room)
        if room.waiting:
            return effects
        self._forget(room)
        if self.node:
            self.forgotten(room)
            effects += [*room.tell_nodes(Quit(room.name)), Unlisten(room.name)]
        return effects

    def remove_everywhere(self, session: Session, reason: LeftReason) -> list[Effect]:
        effects: list[Effect] = []
        for room in session.waiting_in:
            effects += self.stop_waiting(session, room)
        for room in list(session.rooms):
            effects += self.remove(session, room, reason)
        return effects

    def stop_waiting(self, session: Session, room: Room) -> list[Effect]:
        return [*self.end_waiting(session, room), *self.close_if_empty(room)]

    def end_waiting(self, session: Session, room: Room) -> list[Effect]:
        """The same, for somebody who comes in at once: the room does not end in between."""
        del room.waiting[session.id]
        session.waiting_in = tuple(each for each in session.waiting_in if each is not room)
        effects = room.tell_nodes(KnockEnd(room.name, session.id))
        return effects + self._post.tell_all(room.doorkeepers(), KnockEnded(room.name, session.id))

    def show_waiting(self, doorkeeper: Session, room: Room) -> list[Effect]:
        """To one who may let them in from now on."""
        effects: list[Effect] = []
        for member in self._all_waiting(room):
            effects += self._post.tell(doorkeeper, Knocked(room.name, member.seen_by(doorkeeper)))
        return effects

    def room_of(self, session: Session, text: str) -> Room | None:
        """The room of this name, if this session is in it."""
        name = room_name(text)
        return None if name is None else session.room(name)

    # The journal

    def note_joined(self, room: Room, member: Member | RemoteMember) -> None:
        if not self._journal.is_kept:
            return
        if room.noted is None:
            room.noted = room.settings
            self._journal.room_opened(room.name, room.noted)
        self._journal.member_joined(room.name, self.noted(member))
        self.note_settings(room)

    def note_changed(self, room: Room, member: Member | RemoteMember) -> None:
        if self._journal.is_kept:
            self._journal.member_changed(room.name, self.noted(member))

    def note_left(self, room: Room, peer: PeerId, reason: LeftReason) -> None:
        if self._journal.is_kept:
            self._journal.member_left(room.name, peer, reason)
            self.note_settings(room)

    def note_settings(self, room: Room) -> None:
        """If they are others than those that were told."""
        # A room keeps the same object as long as nothing changes.
        if room.noted is not None and room.noted is not room.settings:
            room.noted = room.settings
            self._journal.room_changed(room.name, room.noted)

    def noted(self, member: Member | RemoteMember) -> FeedMember:
        if isinstance(member, RemoteMember):
            shown = member.shown
            return FeedMember(shown.id, shown.name, member.node, shown.metadata, shown.is_away)
        return FeedMember(member.id, member.name, self.node, member.metadata, member.session.away)

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
        is_new = session.id not in room.members
        return room.has_lobby and is_new and not room.permits(session, Permission.LOBBY)

    def _wait(self, session: Session, room: Room, waiter: Waiter) -> list[Effect]:
        if session.id not in room.waiting:
            session.waiting_in = (*session.waiting_in, room)
        room.waiting = room.waiting | {session.id: waiter}
        effects = self._post.tell(session, Waiting(waiter.request, room.name))
        if room.elsewhere.nodes:
            effects += room.tell_nodes(Knock(room.name, waiter.member.as_shown()))
        return effects + self.tell_of_knock(room, waiter.member)

    def tell_of_knock(self, room: Room, member: Member | RemoteMember) -> list[Effect]:
        effects: list[Effect] = []
        for doorkeeper in room.doorkeepers():
            effects += self._post.tell(doorkeeper, Knocked(room.name, member.seen_by(doorkeeper)))
        return effects

    @staticmethod
    def _all_waiting(room: Room) -> list[Member | RemoteMember]:
        here = (waiter.member for waiter in room.waiting.values())
        return [*here, *room.elsewhere.waiting.values()]

    def _ask_first(self, session: Session, name: RoomName, message: Join, now: float) -> list[Effect]:
        """Another node may have this room, and rules for it."""
        if not session.grants.reaches(name):
            return self._post.refuse(session, ErrorCode.NOT_ALLOWED, request=message.request)
        effects = self.begin_opening(name, now)
        self.openings[name].joins.append((session, message))
        return effects

    def begin_opening(self, name: RoomName, now: float) -> list[Effect]:
        """Unless it has begun."""
        if name in self.openings:
            return []
        self._requests += 1
        self.openings[name] = Opening(self._requests, now)
        return [Listen(name, self._requests)]

    def add(self, room: Room) -> None:
        self.by_name[room.name] = room
        self._of_app[_app_of(room.name)] += 1

    def _make(self, session: Session, name: RoomName, message: Join, now: float) -> Room:
        wished, most = message.capacity, self._limits.max_members
        capacity = most if wished is None else max(1, min(wished, most))
        room = Room(name, capacity, session.id)
        room.key, room.has_lobby = key_of(message.proof), message.lobby
        if self.node:
            # Two rooms of ours are never made at the same time.
            self._made = max(now + self.unix_offset, self._made + 1e-6)
            room.stamp = Stamp(self._made, self.node)
        self.add(room)
        return room

    def _forget(self, room: Room) -> None:
        del self.by_name[room.name]
        if room.noted is not None:
            self._journal.room_closed(room.name)
        app = _app_of(room.name)
        self._of_app[app] -= 1
        if not self._of_app[app]:
            del self._of_app[app]

    def _send_away(self, room: Room) -> list[Effect]:
        """Nobody is left who could let them in."""
        effects: list[Effect] = []
        for waiter in list(room.waiting.values()):
            session = waiter.member.session
            effects += self.end_waiting(session, room)
            effects += self._post.refuse(session, ErrorCode.TURNED_AWAY, request=waiter.request)
        return effects

    @staticmethod
    def _snapshot(session: Session, request: int, room: Room) -> Joined:
        somebody_waits = room.waiting or room.elsewhere.waiting
        keeps_door = bool(somebody_waits) and room.permits(session, Permission.LOBBY)
        waiting = [each.seen_by(session) for each in Rooms._all_waiting(room)] if keeps_door else NO_ONE
        peers = room.snapshot_for(session)
        return Joined(request, room.name, peers, room.capacity, room.settings, waiting)

    def _tell_change(self, room: Room, member: Member) -> list[Effect]:
        self.note_changed(room, member)
        effects = self._post.tell_all(room.others(member.session), member.as_update(room.name))
        if room.elsewhere.nodes:
            effects += room.tell_nodes(Changed(room.name, member.as_shown()))
        return effects

    @staticmethod
    def arrival(room: Room, newcomer: Member | RemoteMember, session: Session) -> PeerJoined:
        """As one session is told of it."""
        return PeerJoined(room.name, newcomer.seen_by(session))

    def announce(self, room: Room, newcomer: Member | RemoteMember) -> list[Effect]:
        """Who offers differs between members, so there are two forms of one announcement."""
        self.note_joined(room, newcomer)
        me = newcomer.id
        they_offer: list[Session] = []
        i_offer: list[Session] = []
        for other in room.sessions_but(me):
            theirs = offers(other.capabilities, other.id, newcomer.capabilities, me)
            (they_offer if theirs else i_offer).append(other)
        effects: list[Effect] = []
        for group in (they_offer, i_offer):
            if group:
                effects += self._post.tell_all(group, self.arrival(room, newcomer, group[0]))
        return effects


def _app_of(name: RoomName) -> str:
    return name.partition("/")[0]
