"""What other nodes have of our rooms: their words and ``now`` in, effects out.

Every node decides for its own members, and tells the others that have the room. What is said from one
node to another arrives in order; what is lost is found out by :mod:`signaling.cluster.nodes`, and the two
then tell each other all they have (:class:`Here`). Which of two accounts is right never depends on the
order in which they arrive: rules have a stamp, members an incarnation.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from signaling.cluster.carrying import carried, payload_from
from signaling.cluster.words import (
    Acknowledge,
    Ban,
    Cast,
    Changed,
    Claimed,
    Entered,
    Expel,
    Gone,
    Here,
    Knock,
    KnockEnd,
    LeftReason,
    Moved,
    NodeId,
    NodeWord,
    Passport,
    Quit,
    Ruled,
    Rules,
    Say,
    Shown,
    Throw,
    Unknown,
    Verdict,
    Who,
)
from signaling.config import LimitsConfig
from signaling.effects import Close, Effect, Listen, Opened, Tell
from signaling.hub.metadata import metadata_from
from signaling.hub.moderation import LONGEST_BAN, Moderation
from signaling.hub.openings import RIVAL_TIMEOUT, Arriving, Opening
from signaling.hub.post import Post
from signaling.hub.room import NOWHERE, Elsewhere, RemoteMember, Room
from signaling.hub.rooms import Rooms
from signaling.hub.session import Session
from signaling.protocol.errors import REPLACED, ErrorCode
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import (
    Ack,
    Acked,
    Broadcasted,
    KnockEnded,
    PeerLeft,
    Signal,
    Signalled,
)

HOLD = 5.0
"""Seconds for which the members of a dead node are away, before they are gone: most come back elsewhere."""
CONFIRM_TIMEOUT = 3.0
"""A node that has not said by then that it still has a room, has it no more."""
BACK_TIMEOUT = 6.0
"""The bus may be back for another node so much later than for us: a pause of up to 3 s, and 3 s to dial."""
MAX_REMOTE_MEMBERS = 10_000
"""Of one room; a node that tells of more is not believed."""


class RemotePeer:
    """Somebody in our rooms whose session another node has."""

    __slots__ = ("incarnation", "node", "rooms")

    def __init__(self, node: NodeId, incarnation: int) -> None:
        self.node = node
        self.incarnation = incarnation
        self.rooms: list[Room] = []


class Neighbours:
    """The rooms of this node as the others have them. Without other nodes nothing here is asked."""

    def __init__(
        self,
        limits: LimitsConfig,
        post: Post,
        rooms: Rooms,
        moderation: Moderation,
        sessions: dict[PeerId, Session],
        end: Callable[[Session, LeftReason], list[Effect]],
    ) -> None:
        self._limits = limits
        self._post = post
        self._rooms = rooms
        self._moderation = moderation
        self._sessions = sessions
        self._end_session = end
        rooms.forgotten = self._forget_members
        self.remote: dict[PeerId, RemotePeer] = {}
        self._holds: list[tuple[float, NodeId]] = []
        """When the members of dead nodes are gone."""
        self._checks: dict[RoomName, tuple[float, set[NodeId]]] = {}
        """Until when these nodes must have said that they still have the room; the oldest first."""
        self._silent: dict[NodeId, float] = {}
        """Nodes that have said nothing since the bus is back, and until when that says nothing about them."""
        self._handlers: dict[type, Callable[[NodeId, Any, float], list[Effect]]] = {
            Who: self._who,
            Here: self._here,
            Entered: self._entered,
            Changed: self._changed,
            Gone: self._gone,
            Moved: self._moved,
            Quit: self._quit,
            Ruled: self._ruled,
            Say: self._say,
            Acknowledge: self._acknowledge,
            Unknown: self._unknown,
            Cast: self._cast,
            Throw: self._throw,
            Ban: self._ban,
            Knock: self._knock,
            KnockEnd: self._knock_end,
            Verdict: self._verdict,
            Claimed: self._claimed,
        }

    def heard(self, sender: NodeId, word: NodeWord, now: float) -> list[Effect]:
        """A word of a living node. One that is for another part of the house is passed over."""
        self._silent.pop(sender, None)
        handler = self._handlers.get(type(word))
        return [] if handler is None else handler(sender, word, now)

    # What our own members want from there

    def signal(self, session: Session, message: Signal) -> list[Effect] | None:
        """None when nobody of that id shares a room with the sender."""
        node = self._node_of(session, message.to)
        if node is None:
            return None
        payload, is_packed = carried(message.payload)
        return [Tell((node,), Say(session.id, message.to, message.n, payload, is_packed))]

    def acknowledge(self, session: Session, message: Ack) -> list[Effect]:
        node = self._node_of(session, message.to)
        return [] if node is None else [Tell((node,), Acknowledge(session.id, message.to, message.n))]

    def expel(self, peer: PeerId) -> list[Effect] | None:
        """None when no other node is known to have this session."""
        remote = self.remote.get(peer)
        return None if remote is None else [Tell((remote.node,), Expel(peer))]

    def has_gone_on(self, peer: PeerId, node: NodeId) -> bool:
        """Whether a session of that node is known to be at another one, with a link to it."""
        remote = self.remote.get(peer)
        if remote is None or remote.node == node:
            # It does not answer, or could not give the session whole: who has its ticket is who it was.
            return False
        return any(not room.elsewhere.members[peer].shown.is_away for room in remote.rooms)

    # Rooms that are asked for

    def open(self, name: RoomName, now: float) -> list[Effect]:
        """Somebody is handed over to this node, and is in this room: open it if it is not."""
        self._rooms.arriving.setdefault(name, Arriving()).count += 1
        if name in self._rooms.by_name and name not in self._rooms.openings:
            return [Opened(name)]
        return self._rooms.begin_opening(name, now)

    def arrived(self, name: RoomName) -> list[Effect]:
        """Somebody who was to come into this room is in, or does not come."""
        arriving = self._rooms.arriving[name]
        arriving.count -= 1
        if arriving.count:
            return []
        del self._rooms.arriving[name]
        room = self._rooms.by_name.get(name)
        return [] if room is None else self._rooms.close_if_empty(room)

    def asked(self, name: RoomName, anybody: bool | None, now: float) -> list[Effect]:
        """Whether another node listens for this room; None when the bus did not say, perhaps not even ask."""
        opening = self._rooms.openings.get(name)
        effects: list[Effect] = []
        if opening is not None and not anybody and opening.missing is None:
            effects = self._finish(name, opening, now)
        # When the bus is away, all rooms are asked for once it is back.
        is_to_be_asked = anybody is None and self._rooms.is_asking and name in self._rooms.by_name
        return [*effects, Listen(name)] if is_to_be_asked else effects

    def stop_asking(self, now: float) -> list[Effect]:
        """The bus is away: whoever waits for an answer comes in without one."""
        # Nobody can say now what they still have; all are asked again when the bus is back.
        self._checks.clear()
        effects: list[Effect] = []
        for name, opening in list(self._rooms.openings.items()):
            effects += self._finish(name, opening, now)
        return effects

    def check_all(self, now: float) -> list[Effect]:
        """The bus was away, and anything may have been missed: ask for every room again."""
        effects: list[Effect] = []
        self._silent = {}
        for room in self._rooms.by_name.values():
            members = {member.node for member in room.elsewhere.members.values()}
            others = room.elsewhere.nodes | members
            self._silent |= dict.fromkeys(others, now + BACK_TIMEOUT)
            self._doubt(room, others, now)
            effects.append(Listen(room.name))
        return effects

    def check(self, node: NodeId, everything: bool, now: float) -> list[Effect]:
        """Something that this node has said did not arrive: ask it for our common rooms, or for all."""
        self._holds = [(due, each) for due, each in self._holds if each != node]
        common = self._rooms_with(node)
        for room in common:
            self._doubt(room, {node}, now)
        asked = self._rooms.by_name.values() if everything else common
        return [Tell((node,), Who(room.name)) for room in asked]

    # Nodes come and go

    def died(self, node: NodeId, now: float) -> list[Effect]:
        """Nothing is heard of it any more: its members are away, for a while."""
        self._holds.append((now + HOLD, node))
        effects: list[Effect] = []
        for room in self._rooms_with(node):
            room.elsewhere.nodes.discard(node)
            for member in self._members_of(room, node):
                if not member.shown.is_away:
                    member.shown = replace(member.shown, is_away=True)
                    self._rooms.note_changed(room, member)
                    effects += self._tell_locals(room, member.as_update(room.name), member.id)
        for name, opening in list(self._rooms.openings.items()):
            opening.rivals.pop(node, None)
            effects += self._answered(name, opening, node, now)
        return effects

    @property
    def wake_at(self) -> float | None:
        due = [opening.deadline for opening in self._rooms.openings.values()]
        due += [at for at, _ in self._holds]
        due += [due for due, _ in itertools.islice(self._checks.values(), 1)]
        return min(due, default=None)

    def wake(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for name, opening in list(self._rooms.openings.items()):
            if opening.deadline <= now:
                effects += self._finish(name, opening, now)
        for due, node in [hold for hold in self._holds if hold[0] <= now]:
            self._holds.remove((due, node))
            for room in self._rooms_with(node):
                effects += self._forget_node(room, node)
        while self._checks:
            name, (due, nodes) = next(iter(self._checks.items()))
            if due > now:
                break
            del self._checks[name]
            doubted = self._rooms.by_name.get(name)
            if doubted is None:
                continue
            silent = {node for node in nodes if self._silent.get(node, now) > now}
            if silent:
                self._doubt(doubted, silent, now)
            for node in nodes - silent:
                effects += self._forget_node(doubted, node)
        return effects

    # Words

    def _who(self, sender: NodeId, word: Who, now: float) -> list[Effect]:
        name = RoomName(word.room)
        opening = self._rooms.openings.get(name)
        if opening is not None and opening.missing is None:
            self._meet_rival(opening, sender, word.request, now)
            return [Tell((sender,), Here(name, asks=opening.request))]
        room = self._rooms.by_name.get(name)
        if room is None:
            return [Tell((sender,), Quit(name))] if word.request else []
        # Who opens a room has nobody there: whatever we believed of it is over.
        effects = self._forget_node(room, sender) if word.request else []
        if word.request:
            self._confirm(room, sender)
        answer = self._account(room, word.request, now)
        is_known = sender in room.elsewhere.nodes and not self._doubts(room, sender)
        self._elsewhere(room).nodes.add(sender)
        effects.append(Tell((sender,), answer))
        if not is_known and not word.request:
            # It has the room, and did not listen yet when we asked: the bus came back to us first.
            effects.append(Tell((sender,), Who(room.name)))
        return effects

    def _here(self, sender: NodeId, word: Here, now: float) -> list[Effect]:
        name = RoomName(word.room)
        opening, room = self._rooms.openings.get(name), self._rooms.by_name.get(name)
        if word.rules is None:
            if opening is not None and opening.missing is None:
                self._meet_rival(opening, sender, word.asks, now)
            elif room is not None:
                # It asked before we had opened the room.
                return self._who(sender, Who(name, word.asks), now)
            return []
        if opening is not None and word.answers != opening.request:
            return []
        if room is None:
            if opening is None:
                return [Tell((sender,), Quit(name))]
            room = Room(name, word.rules.capacity, None)
            room.obey(word.rules)
            self._rooms.add(room)
            opening.missing = set(word.nodes) - {self._rooms.node}
        is_news = sender not in room.elsewhere.nodes
        self._elsewhere(room).nodes.add(sender)
        effects = self._take_over(room, sender, word, now)
        if not self._is_open(room):
            return effects
        self._confirm(room, sender)
        if opening is not None:
            effects += self._answered(name, opening, sender, now)
        elif is_news:
            effects.append(Tell((sender,), self._account(room, word.asks, now)))
        return effects

    def _entered(self, sender: NodeId, word: Entered, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        return [] if room is None else self._show(room, sender, word.member, word.moved)

    def _changed(self, sender: NodeId, word: Changed, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        return [] if room is None else self._show(room, sender, word.member, False)

    def _gone(self, sender: NodeId, word: Gone, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        member = None if room is None else room.elsewhere.members.get(word.id)
        if room is None or member is None:
            return []
        if member.node != sender:
            member.gone_from = sender
            return []
        return self._remove(room, member, word.reason)

    def _moved(self, sender: NodeId, word: Moved, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        member = None if room is None else room.elsewhere.members.get(word.id)
        if room is None or member is None or member.node != sender:
            return []
        member.node = self.remote[word.id].node = word.node
        self._rooms.note_changed(room, member)
        has_room = word.node in room.elsewhere.nodes or word.node == self._rooms.node
        if has_room and word.node != member.gone_from:
            return []
        # It came too late there: it is gone, or the node does not have the room any more, and says nothing.
        self._doubt(room, {word.node}, now)
        return [Tell((word.node,), Who(room.name))]

    def _quit(self, sender: NodeId, word: Quit, now: float) -> list[Effect]:
        name = RoomName(word.room)
        room, opening = self._rooms.by_name.get(name), self._rooms.openings.get(name)
        effects = [] if room is None else self._forget_node(room, sender)
        return effects if opening is None else effects + self._answered(name, opening, sender, now)

    def _ruled(self, sender: NodeId, word: Ruled, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        if room is None or not word.rules.is_newer_than(room.rules):
            return []
        return self._obey(room, word.rules, {sender, *word.told})

    def _say(self, sender: NodeId, word: Say, now: float) -> list[Effect]:
        target = self._sessions.get(word.to)
        if target is None or not target.shares_a_room_with_remote(word.sender):
            remote = self.remote.get(word.to)
            if target is None and remote is not None and remote.node != sender:
                # It has moved on, and whoever told us does not know yet.
                return [Tell((remote.node,), word)]
            return [Tell((sender,), Unknown(word.sender, word.to, word.n))]
        payload = payload_from(word.payload, word.is_packed)
        if payload is None or len(word.payload) > self._limits.max_message_bytes:
            return []
        return self._post.tell(target, Signalled(word.sender, word.n, payload))

    def _acknowledge(self, sender: NodeId, word: Acknowledge, now: float) -> list[Effect]:
        target = self._sessions.get(word.to)
        if target is None or not target.shares_a_room_with_remote(word.sender):
            return []
        return self._post.tell(target, Acked(word.sender, word.n))

    def _unknown(self, sender: NodeId, word: Unknown, now: float) -> list[Effect]:
        session, target = self._sessions.get(word.sender), self._sessions.get(word.to)
        # While it is shown in a room it is on its way from one node to another, or has just come to this one:
        # the signal is sent again.
        if session is None or self._node_of(session, word.to) is not None:
            return []
        if target is not None and session.shares_a_room_with(target):
            return []
        return self._post.refuse(session, ErrorCode.UNKNOWN_PEER, to=word.to, n=word.n)

    def _cast(self, sender: NodeId, word: Cast, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        member = None if room is None else room.elsewhere.members.get(word.sender)
        if room is None or member is None or word.n <= member.cast:
            return []
        payload = payload_from(word.payload, word.is_packed)
        if payload is None or len(word.payload) > self._limits.max_message_bytes:
            return []
        member.cast = word.n
        arriving = self._rooms.arriving.get(room.name)
        if arriving is not None and len(arriving.casts) < self._limits.mailbox_messages:
            arriving.casts.append(word)
        return self._tell_locals(room, Broadcasted(room.name, word.sender, payload), word.sender)

    def _throw(self, sender: NodeId, word: Throw, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        member = None if room is None else room.members.get(word.id)
        if room is None or member is None:
            return []
        return self._moderation.throw_out(room, member.session, word.ban, word.reason, now)

    def _ban(self, sender: NodeId, word: Ban, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        if room is not None:
            self._add_ban(room, word.who, word.seconds, now)
        return []

    def _knock(self, sender: NodeId, word: Knock, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        shown = self._checked(word.waiter)
        if room is None or shown is None or len(room.elsewhere.waiting) >= self._limits.max_waiting:
            return []
        waiter = RemoteMember(sender, shown)
        room.elsewhere.waiting[shown.id] = waiter
        return self._rooms.tell_of_knock(room, waiter)

    def _knock_end(self, sender: NodeId, word: KnockEnd, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        waiter = None if room is None else room.elsewhere.waiting.get(word.id)
        if room is None or waiter is None or waiter.node != sender:
            return []
        del room.elsewhere.waiting[word.id]
        return self._post.tell_all(room.doorkeepers(), KnockEnded(room.name, word.id))

    def _verdict(self, sender: NodeId, word: Verdict, now: float) -> list[Effect]:
        room = self._room_with(word.room, sender)
        if room is None or word.id not in room.waiting:
            return []
        return self._moderation.end_wait(room, word.id, word.admit and not room.is_full)

    def _claimed(self, sender: NodeId, word: Claimed, now: float) -> list[Effect]:
        own = self._sessions.get(word.id)
        return [] if own is None or own.incarnation >= word.incarnation else self._give_up(own)

    # Openings

    def _meet_rival(self, opening: Opening, rival: NodeId, request: int, now: float) -> None:
        opening.rivals[rival] = request
        if self._rooms.node < min(opening.rivals):
            opening.deadline = min(opening.deadline, now + RIVAL_TIMEOUT)

    def _answered(self, name: RoomName, opening: Opening, node: NodeId, now: float) -> list[Effect]:
        if opening.missing is None:
            return []
        opening.missing.discard(node)
        return [] if opening.missing else self._finish(name, opening, now)

    def _finish(self, name: RoomName, opening: Opening, now: float) -> list[Effect]:
        """What is known now must do: who waited comes in."""
        del self._rooms.openings[name]
        effects: list[Effect] = []
        for session, join in opening.joins:
            if self._sessions.get(session.id) is session:
                effects += self._rooms.join(session, join, now, is_known=True)
        room = self._rooms.by_name.get(name)
        for rival, request in opening.rivals.items() if room is not None else ():
            assert room is not None
            account = self._account(room, request, now)
            self._elsewhere(room).nodes.add(rival)
            effects.append(Tell((rival,), account))
        if name in self._rooms.arriving:
            effects.append(Opened(name))
        return effects if room is None else effects + self._rooms.close_if_empty(room)

    # Inside

    def _account(self, room: Room, request: int, now: float) -> Here:
        """All that we know of a room from our own members."""
        return Here(
            room.name,
            room.rules,
            [member.as_shown() for member in room.members.values()],
            [waiter.member.as_shown() for waiter in room.waiting.values()],
            list(room.elsewhere.nodes),
            self._rooms.bans.of(room.name, now),
            request,
            opening.request if (opening := self._rooms.openings.get(room.name)) is not None else 0,
        )

    def _take_over(self, room: Room, sender: NodeId, word: Here, now: float) -> list[Effect]:
        """Make what we believe of the sender's members what it says."""
        assert word.rules is not None
        effects: list[Effect] = []
        if word.rules.is_newer_than(room.rules):
            effects += self._obey(room, word.rules, {sender})
        for who, seconds in word.bans[: self._limits.max_members]:
            self._add_ban(room, who, seconds, now)
        told = {shown.id for shown in word.members}
        for member in self._members_of(room, sender):
            if member.id not in told:
                effects += self._remove(room, member, "lost")
        for shown in word.members:
            effects += self._show(room, sender, shown, False)
        waiting = room.elsewhere.waiting
        for peer in [peer for peer, waiter in waiting.items() if waiter.node == sender]:
            del waiting[peer]
        for shown in word.waiting[: self._limits.max_waiting]:
            effects += self._knock(sender, Knock(room.name, shown), now)
        return effects

    def _obey(self, room: Room, rules: Rules, told: set[NodeId]) -> list[Effect]:
        """``told``: those who know these rules. Others of the room may be known to us alone."""
        effects = self._moderation.obey(room, self._within_limits(rules))
        others = room.elsewhere.nodes - told
        if others:
            effects.append(Tell(tuple(others), Ruled(room.name, room.rules, [*told, *others])))
        return effects

    def _show(self, room: Room, node: NodeId, told: Shown, moved: bool) -> list[Effect]:
        """A member of another node is in this room, and looks so."""
        shown = self._checked(told)
        if shown is None or not self._is_open(room):
            return []
        own = self._sessions.get(shown.id)
        if own is not None:
            if own.incarnation >= shown.incarnation:
                mine = room.members.get(shown.id)
                claimed = Claimed(shown.id, own.incarnation)
                return [Tell((node,), claimed if mine is None else Entered(room.name, mine.as_shown()))]
            effects = self._give_up(own)
            if not self._is_open(room):
                return effects
        else:
            superseded = self._supersede(shown, node, moved)
            if superseded is None:
                known = self.remote[shown.id].incarnation
                return [Tell((node,), Claimed(shown.id, known))] if known > shown.incarnation else []
            effects = superseded
        return effects + self._place(room, node, shown)

    def _place(self, room: Room, node: NodeId, shown: Shown) -> list[Effect]:
        elsewhere = self._elsewhere(room)
        member = elsewhere.members.get(shown.id)
        if member is not None:
            before, former = member.shown, member.node
            member.shown, member.node = shown, node
            self._index(room, node, shown)
            is_same = looks_same(before, shown)
            if not is_same or former != node:
                self._rooms.note_changed(room, member)
            return [] if is_same else self._tell_locals(room, member.as_update(room.name), shown.id)
        if len(elsewhere.members) >= MAX_REMOTE_MEMBERS:
            return []
        member = elsewhere.members[shown.id] = RemoteMember(node, shown)
        self._index(room, node, shown)
        effects = self._rooms.announce(room, member)
        # Its members thought that it was gone.
        return effects + self._moderation.tell_rules(room) if room.owner == shown.id else effects

    def _is_open(self, room: Room) -> bool:
        """It ends when the last of its members here turns out to be somewhere else."""
        return self._rooms.by_name.get(room.name) is room

    def _index(self, room: Room, node: NodeId, shown: Shown) -> None:
        remote = self.remote.setdefault(shown.id, RemotePeer(node, shown.incarnation))
        remote.node, remote.incarnation = node, shown.incarnation
        if room not in remote.rooms:
            remote.rooms.append(room)

    def _supersede(self, shown: Shown, node: NodeId, moved: bool) -> list[Effect] | None:
        """None when somebody else is right about this id. A fresh session takes its own past's place."""
        remote = self.remote.get(shown.id)
        if remote is None:
            return []
        if remote.node == node:
            return [] if remote.incarnation <= shown.incarnation else None
        if remote.incarnation >= shown.incarnation:
            return None
        if moved:
            return []
        effects: list[Effect] = [Tell((remote.node,), Claimed(shown.id, shown.incarnation))]
        for room in list(remote.rooms):
            effects += self._remove(room, room.elsewhere.members[shown.id], "reset")
        return effects

    def _give_up(self, session: Session) -> list[Effect]:
        """Another node has a session of ours, rightly: whoever had it here has gone there."""
        effects: list[Effect] = [] if session.link is None else [Close(session.link, REPLACED)]
        return effects + self._end_session(session, "reset")

    def displace(self, room: Room, peer: PeerId) -> RemoteMember | None:
        """A remote member is no more, or not remote any more; nobody is told."""
        member, remote = room.elsewhere.members.pop(peer, None), self.remote.get(peer)
        if member is not None and remote is not None:
            remote.rooms.remove(room)
            if not remote.rooms:
                del self.remote[peer]
        return member

    def here_now(self, session: Session, reason: LeftReason) -> list[Effect]:
        """This node has it: where we still thought that another one has it, that is over."""
        remote = self.remote.get(session.id)
        if remote is None:
            return []
        effects: list[Effect] = [Tell((remote.node,), Claimed(session.id, session.incarnation))]
        for room in list(remote.rooms):
            effects += self._remove(room, room.elsewhere.members[session.id], reason)
        return effects

    def not_adopted(self, passport: Passport) -> list[Effect]:
        """It was given to us, and we cannot go on with it: it is nowhere any more."""
        effects: list[Effect] = []
        for place in passport.places:
            room = self._rooms.by_name.get(RoomName(place.room))
            if room is None or passport.id in room.members:
                continue
            member = room.elsewhere.members.get(passport.id)
            if member is not None and member.shown.incarnation > passport.incarnation:
                continue  # its client goes on somewhere else
            effects += room.tell_nodes(Gone(room.name, passport.id, "reset"))
            if member is not None:
                effects += self._remove(room, member, "reset")
        return effects

    def place(self, room: Room, node: NodeId, shown: Shown) -> None:
        """One of our members is at another node from now on; nobody is told."""
        member = self._elsewhere(room).members[shown.id] = RemoteMember(node, shown)
        self._index(room, node, shown)
        self._rooms.note_changed(room, member)

    def _remove(self, room: Room, member: RemoteMember, reason: LeftReason) -> list[Effect]:
        self.displace(room, member.id)
        self._rooms.note_left(room, member.id, reason)
        effects = self._tell_locals(room, PeerLeft(room.name, member.id, reason), member.id)
        return effects + self._rooms.close_if_empty(room)

    def _forget_node(self, room: Room, node: NodeId) -> list[Effect]:
        """This node has nobody in the room any more, or is gone itself."""
        room.elsewhere.nodes.discard(node)
        effects: list[Effect] = []
        for peer in [peer for peer, waiter in room.elsewhere.waiting.items() if waiter.node == node]:
            del room.elsewhere.waiting[peer]
            effects += self._post.tell_all(room.doorkeepers(), KnockEnded(room.name, peer))
        for member in self._members_of(room, node):
            effects += self._remove(room, member, "lost")
        return effects

    def _forget_members(self, room: Room) -> None:
        for peer in list(room.elsewhere.members):
            self.displace(room, peer)

    def _confirm(self, room: Room, node: NodeId) -> None:
        """It still has the room."""
        if room.name in self._checks:
            self._checks[room.name][1].discard(node)

    def _doubts(self, room: Room, node: NodeId) -> bool:
        return room.name in self._checks and node in self._checks[room.name][1]

    def _doubt(self, room: Room, nodes: set[NodeId], now: float) -> None:
        """These must say that they still have the room, or they have it no more."""
        _, before = self._checks.pop(room.name, (0.0, set()))
        self._checks[room.name] = (now + CONFIRM_TIMEOUT, before | nodes)

    def _checked(self, shown: Shown) -> Shown | None:
        """As a client would be: a bus is no more to be trusted."""
        metadata = metadata_from(shown.metadata, self._limits.max_metadata_bytes)
        return None if metadata is None else replace(shown, metadata=metadata)

    def _within_limits(self, rules: Rules) -> Rules:
        capacity = max(1, min(rules.capacity, self._limits.max_members))
        return rules if capacity == rules.capacity else replace(rules, capacity=capacity)

    def _add_ban(self, room: Room, who: str, seconds: float, now: float) -> None:
        if 0.0 < seconds <= LONGEST_BAN:
            self._rooms.bans.add(room.name, who, now + seconds)

    def _node_of(self, session: Session, peer: PeerId) -> NodeId | None:
        """The node of somebody who shares a room with this session."""
        remote = self.remote.get(peer)
        return remote.node if remote is not None and session.shares_a_room_with_remote(peer) else None

    def _room_with(self, text: str, node: NodeId) -> Room | None:
        room = self._rooms.by_name.get(RoomName(text))
        return room if room is not None and node in room.elsewhere.nodes else None

    def _rooms_with(self, node: NodeId) -> list[Room]:
        shared = [room for room in self._rooms.by_name.values() if room.elsewhere is not NOWHERE]
        return [room for room in shared if node in room.elsewhere.nodes or self._members_of(room, node)]

    @staticmethod
    def _members_of(room: Room, node: NodeId) -> list[RemoteMember]:
        return [member for member in room.elsewhere.members.values() if member.node == node]

    @staticmethod
    def _elsewhere(room: Room) -> Elsewhere:
        if room.elsewhere is NOWHERE:
            room.elsewhere = Elsewhere()
        return room.elsewhere

    def _tell_locals(self, room: Room, event: Any, about: PeerId) -> list[Effect]:
        return self._post.tell_all(room.sessions_but(about), event)


def looks_same(one: Shown, other: Shown) -> bool:
    """Whether a member need not be told of again."""
    return (one.name, one.metadata, one.is_away, one.may_publish) == (
        other.name,
        other.metadata,
        other.is_away,
        other.may_publish,
    )
