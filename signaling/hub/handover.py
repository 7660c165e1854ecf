"""Sessions on their way from one node to another: whole, or not at all.

The client comes to a node with a ticket of another one. The new node asks in which rooms the session
is, and opens those; from then on it hears everything that is said there. Then it takes the session: what
it believes of its rooms is compared with what the new node knows, and the difference is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from signaling.cluster.carrying import event_from, packed_event, payload_from
from signaling.cluster.words import (
    MAX_FRAME_BYTES,
    Entered,
    Fetch,
    Fetched,
    Moved,
    NodeId,
    Passport,
    Place,
    Shown,
)
from signaling.effects import Close, Effect, Tell
from signaling.grants import Grants
from signaling.hub.admission import Admission
from signaling.hub.neighbours import Neighbours, looks_same
from signaling.hub.post import Post
from signaling.hub.room import Member, RemoteMember, Room
from signaling.hub.rooms import Rooms
from signaling.hub.session import Session
from signaling.protocol.errors import REPLACED
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import Broadcasted, PeerLeft, RoomUpdated, Word

MAX_PASSPORT_BYTES = MAX_FRAME_BYTES // 2
"""A session that is larger starts afresh at its new node."""


class Handover:
    """``end`` forgets a session without a word to anybody."""

    def __init__(
        self,
        epoch: str,
        rooms: Rooms,
        post: Post,
        neighbours: Neighbours,
        admission: Admission,
        sessions: dict[PeerId, Session],
        forget: Callable[[Session], None],
    ) -> None:
        self._epoch = epoch
        self._rooms = rooms
        self._post = post
        self._neighbours = neighbours
        self._admission = admission
        self._sessions = sessions
        self._forget_session = forget

    # At the node that has it

    def answer(self, sender: NodeId, word: Fetch) -> list[Effect]:
        session = self._sessions.get(word.id)
        if session is None or word.nonce not in (session.nonce, session.previous_nonce):
            is_spent = session is not None or self._admission.is_spent(word.nonce, word.id)
            return [Tell((sender,), Fetched(word.request, is_spent))]
        is_whole = word.epoch == self._epoch and session.mailbox.holds(word.received)
        if not is_whole or session.waiting_in:
            return [Tell((sender,), Fetched(word.request))]
        if not word.take:
            return [Tell((sender,), Fetched(word.request, rooms=[room.name for room in session.rooms]))]
        self._post.confirm(session, word.received)
        passport = self._passport(session)
        size = len(msgspec.msgpack.encode(passport))
        if size > MAX_PASSPORT_BYTES or any(sender not in room.elsewhere.nodes for room in session.rooms):
            return [Tell((sender,), Fetched(word.request))]
        goodbye: list[Effect] = [] if session.link is None else [Close(session.link, REPLACED)]
        gone = Tell((sender,), Fetched(word.request, passport=passport))
        return [*goodbye, gone, *self._let_go(session, sender)]

    def _passport(self, session: Session) -> Passport:
        mailbox = session.mailbox
        return Passport(
            session.id,
            session.incarnation,
            session.capabilities,
            session.received,
            mailbox.first,
            [packed_event(event) for event in mailbox.after(mailbox.first)],
            [self._place(room, session) for room in session.rooms],
        )

    @staticmethod
    def _place(room: Room, session: Session) -> Place:
        member = room.members[session.id]
        everybody: list[Member | RemoteMember] = [*room.members.values(), *room.elsewhere.members.values()]
        others = [each for each in everybody if each.id != session.id]
        shown = [_shown(each) for each in others]
        casts = {each.id: each.cast for each in others if each.cast}
        return Place(room.name, member.name, member.metadata, room.rules, shown, casts)

    def _let_go(self, session: Session, node: NodeId) -> list[Effect]:
        """It is somewhere else from now on; the new node tells so."""
        self._admission.spend_ticket(session)
        effects: list[Effect] = []
        for room in list(session.rooms):
            # As it was seen until now: still there, if it was.
            shown = room.members.pop(session.id).as_shown()
            session.rooms.remove(room)
            effects += room.tell_nodes(Moved(room.name, session.id, node))
            self._neighbours.place(room, node, shown)
            effects += self._rooms.close_if_empty(room)
        session.link = None
        self._forget_session(session)
        return effects

    # At the node that it comes to

    def adopt(
        self, passport: Passport, nonce: bytes, grants: Grants, now: float
    ) -> tuple[Session | None, list[Effect]]:
        """The session, away for the moment; None when it cannot be whole here."""
        events = [event_from(*each) for each in passport.events]
        rooms = [self._rooms.by_name.get(RoomName(place.room)) for place in passport.places]
        whole: list[Word] = [event for event in events if event is not None]
        named = {place.room for place in passport.places}
        is_readable = len(whole) == len(events) and len(named) == len(rooms)
        if passport.id in self._sessions or None in rooms or not is_readable:
            return None, self._neighbours.not_adopted(passport)
        session = Session(passport.id, self._admission.shared(passport.capabilities), None, now, grants)
        session.lost_at = now
        session.nonce = nonce
        session.received = passport.received
        session.incarnation = passport.incarnation + 1
        self._post.restore(session, passport.first, whole)
        self._sessions[session.id] = session
        effects: list[Effect] = []
        for room, place in zip(rooms, passport.places, strict=True):
            assert room is not None
            effects += self._settle(session, room, place)
        # Rooms that it had left before, which we have not been told.
        return session, effects + self._neighbours.here_now(session, "left")

    def _settle(self, session: Session, room: Room, place: Place) -> list[Effect]:
        """Into the room, without a word to those who have seen it all the time."""
        known = self._neighbours.displace(room, session.id)
        member = Member(session, place.name, place.metadata)
        # Its mailbox gets the difference before it is one of those who are told.
        self._tell_difference(session, room, place)
        room.members[session.id] = member
        session.rooms.append(room)
        (self._rooms.note_joined if known is None else self._rooms.note_changed)(room, member)
        return room.tell_nodes(Entered(room.name, member.as_shown(), moved=True))

    def _tell_difference(self, session: Session, room: Room, place: Place) -> None:
        believed = {shown.id: shown for shown in place.others}
        present: dict[PeerId, Member | RemoteMember] = {**room.members, **room.elsewhere.members}
        if room.settings != _settings_of(place, room):
            self._post.tell(session, RoomUpdated(room.name, room.settings))
        for peer in believed.keys() - present.keys():
            self._post.tell(session, PeerLeft(room.name, peer, "left"))
        for peer, member in present.items():
            if peer not in believed:
                self._post.tell(session, self._rooms.arrival(room, member, session))
            elif not looks_same(believed[peer], _shown(member)):
                self._post.tell(session, member.as_update(room.name))
        arriving = self._rooms.arriving.get(room.name)
        for cast in [] if arriving is None else arriving.casts:
            payload = payload_from(cast.payload, cast.is_packed)
            if cast.sender != session.id and cast.n > place.casts.get(cast.sender, 0) and payload is not None:
                self._post.tell(session, Broadcasted(room.name, cast.sender, payload))


def _shown(member: Member | RemoteMember) -> Shown:
    return member.as_shown() if isinstance(member, Member) else member.shown


def _settings_of(place: Place, room: Room) -> Any:
    seen = Room(room.name, place.rules.capacity, place.rules.owner)
    seen.obey(place.rules)
    return seen.settings
