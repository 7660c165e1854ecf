"""Who is here, who may say what to whom: messages and ``now`` in, effects out.

The life of a session; the deadlines behind the arrows are in :meth:`Hub.wake`.

    hello → linked ── link lost, or silent ──→ away ── resume window over ──→ gone ("lost")
              ↑ └── bye, bad words → gone        │
              └────────────── resume ────────────┘
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import Any

from signaling.cluster.words import (
    ALONE,
    Announce,
    Claimed,
    Clear,
    Expel,
    Fetch,
    LeftReason,
    NodeId,
    NodeWord,
    Oust,
    Passport,
)
from signaling.config import Config
from signaling.effects import Close, Deliver, Effect, LinkHandle, Replay, Tell
from signaling.grants import OPEN, Grants
from signaling.hub.admission import Admission
from signaling.hub.handover import Handover
from signaling.hub.moderation import Moderation
from signaling.hub.neighbours import Neighbours
from signaling.hub.orders import Orders
from signaling.hub.post import Post
from signaling.hub.room import Member, RemoteMember, Room
from signaling.hub.rooms import Rooms
from signaling.hub.session import Session
from signaling.hub.tickets import Claim, Tickets
from signaling.journal import Entry, Journal
from signaling.limits import largest
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import (
    BAD_VERSION,
    BAD_WORDS,
    CROWDED,
    EXPELLED,
    EXPIRED,
    FAREWELL,
    OVERLOADED,
    SILENT,
    ErrorCode,
)
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import (
    VERSION,
    Ack,
    Acked,
    Authenticate,
    Broadcast,
    Bye,
    Configure,
    Decide,
    Done,
    Expiring,
    Hello,
    IceServers,
    Join,
    Kick,
    Leave,
    Permitted,
    Ping,
    Pong,
    Request,
    Signal,
    Signalled,
    Ticket,
    Update,
)
from signaling.protocol.permissions import Permission
from signaling.turn import Turn

# Looked up with every signal; the name in the class takes longer.
SIGNAL = Permission.SIGNAL
UNNUMBERED = frozenset((Hello, Ping, Pong, Bye))


class Hub:
    """The one authority over sessions and rooms of a node.

    ``random_bytes(count)`` is the only source of ids and secrets. Nothing here waits, raises for
    what a client says, or reads a clock.
    """

    def __init__(
        self,
        config: Config,
        tickets: Tickets,
        epoch: str,
        random_bytes: Callable[[int], bytes],
        node: NodeId = ALONE,
        journal: Journal | None = None,
    ) -> None:
        self._config = config
        self.journal = journal or Journal("", 0, 0, lambda: 0.0)
        self.mailboxes_shed = 0
        """How many were emptied to make room for the others, since the start."""
        self._post = Post(config.limits, lambda: self.shed(config.limits.total_queued_bytes // 2))
        self._rooms = Rooms(config.limits, self._post, self.journal)
        self._moderation = Moderation(config.limits, self._post, self._rooms)
        self.orders = Orders(config.limits, self._post, self._rooms, self._moderation)
        """What an administrator wants done to rooms."""
        self.sessions: dict[PeerId, Session] = {}
        self._of_subject: Counter[str] = Counter()
        """How many sessions each has."""
        self.turn = Turn(config.ice, config.cluster.region)
        self._admission = Admission(config, tickets, epoch, random_bytes, self.sessions, self.turn, node)
        self._rooms.node = node
        self._node = node
        self.epoch = epoch
        """Of what the sessions of this hub have been told; no other hub has the same."""
        self._neighbours = Neighbours(
            config.limits, self._post, self._rooms, self._moderation, self.sessions, self._end
        )
        self._handover = Handover(
            epoch,
            self._rooms,
            self._post,
            self._neighbours,
            self._admission,
            self.sessions,
            self._forget_session,
        )
        # One live entry for each session: (deadline, tie-breaker, session). Traffic does not touch
        # it; an entry that comes up too early is put back.
        self._deadlines: list[tuple[float, int, Session]] = []
        self._entries = 0
        self._now = 0.0
        """Of the message that is being heard."""
        self._handlers: dict[type, Callable[[Session, Any], list[Effect]]] = {
            Signal: self._signal,
            Ack: self._ack,
            Broadcast: lambda session, message: self._rooms.broadcast(session, message, self._now),
            Join: lambda session, message: self._rooms.join(session, message, self._now),
            Leave: self._rooms.leave,
            Update: self._rooms.update,
            Kick: lambda session, message: self._moderation.kick(session, message, self._now),
            Configure: self._moderation.configure,
            Decide: self._moderation.decide,
            Authenticate: self._authenticate,
            Ping: self._ping,
            Pong: self._pong,
            Bye: self._bye,
            Hello: self._hello_again,
            Malformed: self._malformed,
        }

    def use(self, config: Config) -> None:
        """From now on this configuration holds; limits of rooms and queues stay as they were."""
        self._config = config
        self.turn.use(config.ice)
        self._admission.use(config)

    def open(
        self, link: LinkHandle, hello: Hello, now: float, unix_now: float, grants: Grants = OPEN
    ) -> tuple[Session | None, list[Effect]]:
        """Begin or resume a session on this link; None when it is turned away."""
        if hello.version != VERSION:
            return None, [Close(link, BAD_VERSION)]
        if self._has_too_many(grants.subject, self.claimed(hello, unix_now)):
            return None, [Close(link, CROWDED)]
        admitted = self._admission.admit(link, hello, grants, now, unix_now)
        if admitted is None:
            return None, [Close(link, OVERLOADED)]
        session, effects = admitted.session, admitted.effects
        if admitted.resumed:
            replay = Replay(link, session.mailbox.after(admitted.replay_after))
            back = self._rooms.show_presence(session) if admitted.was_away else []
            shrunk = self._rooms.grants_changed(session, admitted.grants_before)
            effects = [*effects, replay, *back, *shrunk]
        else:
            if admitted.replaced is not None:
                effects = [*effects, *self._rooms.remove_everywhere(admitted.replaced, "reset")]
                self._post.forget(admitted.replaced)
            self._forget_subject(admitted.replaced)
            self.sessions[session.id] = session
            self._of_subject[session.grants.subject] += 1
            if admitted.claimed_from:
                effects += self._neighbours.here_now(session, "reset")
                effects.append(Tell((admitted.claimed_from,), Claimed(session.id, session.incarnation)))
        self._schedule(session)
        return session, effects

    def claimed(self, hello: Hello, unix_now: float) -> str:
        """The session that a genuine ticket in this hello asks for; empty without one."""
        return self._admission.claimed(hello.resume, unix_now)

    def receive(self, session: Session, message: Request | Malformed, now: float) -> list[Effect]:
        """One message from the link of this session."""
        session.heard = now
        session.pinged = False
        if session.previous_nonce:
            self._admission.welcome_arrived(session)
        self._now = now
        kind = type(message)
        if kind not in UNNUMBERED:
            session.received += 1
        return self._handlers[kind](session, message)

    # Other nodes

    def heard_node(self, sender: NodeId, word: NodeWord, now: float) -> list[Effect]:
        """A word from another node, which lives."""
        if isinstance(word, Fetch):
            return self._handover.answer(sender, word)
        if isinstance(word, Expel):
            return self.expel(word.id) or []
        if isinstance(word, Clear | Oust | Announce):
            return self.orders.heard(word, now)
        return self._neighbours.heard(sender, word, now)

    def bus_changed(self, is_there: bool, now: float) -> list[Effect]:
        """While the bus is away each node goes on alone; afterwards all rooms are compared."""
        self._rooms.is_asking = is_there
        return self._neighbours.check_all(now) if is_there else self._neighbours.stop_asking(now)

    def node_died(self, node: NodeId, now: float) -> list[Effect]:
        """Its members are away from now on, and gone some seconds later."""
        return self._neighbours.died(node, now)

    def check_node(self, node: NodeId, everything: bool, now: float) -> list[Effect]:
        """It may have said what did not arrive; ``everything``: it, or we, were gone for a while."""
        return self._neighbours.check(node, everything, now)

    def room_asked(self, name: RoomName, anybody: bool | None, now: float) -> list[Effect]:
        """The answer to ``Listen``: whether another node listens for this room; None: the bus did not say."""
        return self._neighbours.asked(name, anybody, now)

    def claim_elsewhere(self, hello: Hello, unix_now: float) -> Claim | None:
        """The claim of a good ticket to a session that another node has, or had."""
        claim = self._admission.claim_of(hello.resume, unix_now)
        is_ours = claim is None or claim.node in (ALONE, self._node) or claim.peer in self.sessions
        return None if is_ours else claim

    def is_elsewhere(self, claim: Claim) -> bool:
        """Whether somebody else than the one who shows this ticket goes on with its session."""
        return self._neighbours.has_gone_on(claim.peer, claim.node)

    def open_for_arrival(self, name: RoomName, now: float) -> list[Effect]:
        """Somebody is to be handed over into this room: ``Opened`` says when it can be; see :meth:`adopt`."""
        return self._neighbours.open(name, now)

    def adopt(
        self, passport: Passport, claim: Claim, grants: Grants, now: float
    ) -> tuple[bool, list[Effect]]:
        """Take a whole session over; it can be resumed with this hello at once. False: it starts afresh."""
        session, effects = self._handover.adopt(passport, claim.nonce, grants, now)
        if session is None:
            return False, effects
        self._of_subject[grants.subject] += 1
        self._schedule(session)
        return True, effects

    def came_too_late(self, passport: Passport) -> list[Effect]:
        """A session was given to this node when its client had waited long enough: it has begun afresh."""
        return self._neighbours.not_adopted(passport)

    def arrived(self, names: list[RoomName]) -> list[Effect]:
        """Nobody is to be handed over into these rooms any more."""
        return [effect for name in names for effect in self._neighbours.arrived(name)]

    def link_lost(self, session: Session, link: LinkHandle, now: float) -> list[Effect]:
        """A link has ended. Nothing happens when the session has gone on over another one."""
        if session.link is not link or self.sessions.get(session.id) is not session:
            return []
        return self._go_away(session, now)

    def authenticated(
        self, session: Session, request: int, grants: Grants | None, now: float, unix_now: float
    ) -> list[Effect]:
        """The answer to ``authenticate``: what the new token grants, or None when it is not good."""
        if self.sessions.get(session.id) is not session:
            return []
        before = session.grants
        if grants is not None and grants.subject != before.subject and self._has_too_many(grants.subject, ""):
            grants = None
        if grants is None or (before.subject and grants.subject != before.subject):
            return self._post.refuse(session, ErrorCode.BAD_TOKEN, request=request)
        self._forget_subject(session)
        self._of_subject[grants.subject] += 1
        self._admission.grant(session, grants, now, unix_now)
        effects = self._post.tell(session, Done(request))
        effects += self._post.tell(session, Permitted(sorted(grants.can), grants.expires))
        if grants.subject != before.subject and session.link is not None:
            effects.append(Deliver(session.link, Ticket(self._admission.renew_ticket(session, unix_now))))
        self._schedule(session)
        return effects + self._rooms.grants_changed(session, before)

    @property
    def wake_at(self) -> float | None:
        """When :meth:`wake` has something to do next."""
        mine = self._deadlines[0][0] if self._deadlines else None
        others = self._neighbours.wake_at if self._node else None
        return mine if others is None else min(others, inf if mine is None else mine)

    def wake(self, now: float, unix_now: float) -> list[Effect]:
        """Ping the silent, give up on the dead, end what was away too long, renew what expires."""
        self._rooms.unix_offset = unix_now - now
        effects = self._neighbours.wake(now) if self._node else []
        while self._deadlines and self._deadlines[0][0] <= now:
            due, _, session = heapq.heappop(self._deadlines)
            if due != session.deadline or self.sessions.get(session.id) is not session:
                continue
            if session.expires_at != inf:
                effects += self._expire(session, now)
            if self.sessions.get(session.id) is session and self._deadline_of(session) <= now:
                effects += self._act(session, now)
            if session.link is not None and unix_now >= session.ticket_renewal:
                effects.append(Deliver(session.link, Ticket(self._admission.renew_ticket(session, unix_now))))
            if session.link is not None and unix_now >= session.turn_renewal:
                fresh = self._admission.renew_turn(session, unix_now)
                effects += [Deliver(session.link, IceServers(fresh))] if fresh else []
            if self.sessions.get(session.id) is session:
                self._schedule(session)
        self._admission.forget_expired(unix_now)
        return effects

    def shed(self, limit: int) -> None:
        """Keep all mailboxes together under a limit: the largest are emptied.

        Those sessions go on; only their next resume starts afresh.
        """
        if self._post.kept_bytes <= limit:
            return
        # A margin, or the next message would sort everything again.
        excess = self._post.kept_bytes - (limit - limit // 8)
        kept = [(session.mailbox.bytes, session) for session in self.sessions.values()]
        for session in largest(kept, excess):
            self._post.forget(session)
            self.mailboxes_shed += 1

    def use_turn_secrets(self, secret_file: str, secrets: list[str]) -> None:
        """Make credentials from these from now on. Each session gets its own when it is looked at next,
        which is within ``ping_interval`` and ``ping_timeout``: not all in one moment."""
        self.turn.use_secrets(secret_file, secrets)
        for session in self.sessions.values():
            session.turn_renewal = 0.0

    @property
    def rooms(self) -> Mapping[RoomName, Room]:
        """By name."""
        return self._rooms.by_name

    def room_states(self, is_wanted: Callable[[str], bool]) -> Iterator[Entry]:
        """Each of these rooms as the journal would tell of it now."""
        for name, room in list(self._rooms.by_name.items()):
            if room.noted is not None and is_wanted(name):
                everybody: list[Member | RemoteMember] = [
                    *room.members.values(),
                    *room.elsewhere.members.values(),
                ]
                yield self.journal.state(name, room.noted, [self._rooms.noted(each) for each in everybody])

    def expel(self, peer: PeerId) -> list[Effect] | None:
        """End a session for good, in all its rooms. None, when there is none of that id."""
        session = self.sessions.get(peer)
        if session is None:
            return self._neighbours.expel(peer)
        goodbye: list[Effect] = [] if session.link is None else [Close(session.link, EXPELLED)]
        self._admission.spend(session)
        return goodbye + self._end(session, "kicked")

    @property
    def kept_bytes(self) -> int:
        return self._post.kept_bytes

    @property
    def room_count(self) -> int:
        return len(self._rooms.by_name)

    def _has_too_many(self, subject: str, claimed: str) -> bool:
        """Whether this user has as many sessions as it may; the one that is claimed is no further one."""
        if not subject or self._of_subject.get(subject, 0) < self._config.limits.sessions_per_user:
            return False
        former = self.sessions.get(PeerId(claimed))
        return former is None or former.grants.subject != subject

    def _forget_subject(self, session: Session | None) -> None:
        if session is not None:
            subject = session.grants.subject
            self._of_subject[subject] -= 1
            if not self._of_subject[subject]:
                del self._of_subject[subject]

    # Messages

    def _signal(self, session: Session, message: Signal) -> list[Effect]:
        target = self.sessions.get(message.to)
        if SIGNAL not in session.grants.can and not session.grants.may(SIGNAL):
            return self._post.refuse(session, ErrorCode.NOT_ALLOWED, to=message.to, n=message.n)
        if target is None:
            remote = self._neighbours.signal(session, message)
            if remote is not None:
                return remote
        if target is None or not session.shares_a_room_with(target):
            return self._post.refuse(session, ErrorCode.UNKNOWN_PEER, to=message.to, n=message.n)
        return self._post.tell(target, Signalled(session.id, message.n, message.payload))

    def _ack(self, session: Session, message: Ack) -> list[Effect]:
        target = self.sessions.get(message.to)
        if target is None:
            return self._neighbours.acknowledge(session, message)
        # Whoever has gone needs no acknowledgement, so there is nothing to tell.
        if not session.shares_a_room_with(target):
            return []
        return self._post.tell(target, Acked(session.id, message.n))

    def _ping(self, session: Session, message: Ping) -> list[Effect]:
        self._post.confirm(session, message.received)
        return [Deliver(session.link, Pong(session.received))]

    def _pong(self, session: Session, message: Pong) -> list[Effect]:
        self._post.confirm(session, message.received)
        return []

    def _bye(self, session: Session, message: Bye) -> list[Effect]:
        link = session.link
        self._admission.spend(session)
        return [Close(link, FAREWELL), *self._end(session, "left")]

    def _authenticate(self, session: Session, message: Authenticate) -> list[Effect]:
        # Whoever heard it has the token judged, and then calls authenticated().
        return []

    def _hello_again(self, session: Session, message: Hello) -> list[Effect]:
        return self._post.refuse(session, ErrorCode.HELLO_TWICE)

    def _malformed(self, session: Session, message: Malformed) -> list[Effect]:
        session.strikes += 1
        effects = self._post.refuse(session, message.code)
        if session.strikes < self._config.limits.malformed_frames:
            return effects
        return [*effects, Close(session.link, BAD_WORDS), *self._end(session, "lost")]

    # Deadlines

    def _deadline_of(self, session: Session) -> float:
        times = self._config.session
        if session.link is None:
            return session.lost_at + times.resume_window
        return session.heard + times.ping_interval + (times.ping_timeout if session.pinged else 0.0)

    def _expiry_of(self, session: Session) -> float:
        """When the token of a session is to be thought of next."""
        auth = self._config.auth
        is_told = session.is_expiry_told or session.link is None
        return session.expires_at + (auth.grace if is_told else -auth.refresh_before)

    def _expire(self, session: Session, now: float) -> list[Effect]:
        link, auth = session.link, self._config.auth
        if now >= session.expires_at + auth.grace:
            goodbye: list[Effect] = [] if link is None else [Close(link, EXPIRED)]
            self._admission.spend(session)
            return goodbye + self._end(session, "expired")
        if link is None or session.is_expiry_told or now < session.expires_at - auth.refresh_before:
            return []
        session.is_expiry_told = True
        expires = session.grants.expires
        return [] if expires is None else [Deliver(link, Expiring(expires))]

    def _schedule(self, session: Session) -> None:
        session.deadline = self._deadline_of(session)
        if session.expires_at != inf:
            session.deadline = min(session.deadline, self._expiry_of(session))
        self._entries += 1
        heapq.heappush(self._deadlines, (session.deadline, self._entries, session))

    def _act(self, session: Session, now: float) -> list[Effect]:
        link = session.link
        if link is None:
            return self._end(session, "lost")
        if session.pinged:
            return [Close(link, SILENT), *self._go_away(session, now, schedule=False)]
        session.pinged = True
        return [Deliver(link, Ping(session.received))]

    def _go_away(self, session: Session, now: float, schedule: bool = True) -> list[Effect]:
        if not session.is_resumable:
            return self._end(session, "lost")
        session.link = None
        session.lost_at = now
        if schedule:
            self._schedule(session)
        return self._rooms.show_presence(session)

    def _end(self, session: Session, reason: LeftReason) -> list[Effect]:
        session.link = None
        self._forget_session(session)
        return self._rooms.remove_everywhere(session, reason)

    def _forget_session(self, session: Session) -> None:
        del self.sessions[session.id]
        self._forget_subject(session)
        self._post.forget(session)
