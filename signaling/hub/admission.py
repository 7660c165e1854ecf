"""Who gets which session: new ones, and resumed ones whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import msgspec

from signaling.cluster.words import ALONE, NodeId
from signaling.config import Config, LimitsConfig
from signaling.effects import Close, Deliver, Effect, LinkHandle
from signaling.grants import OPEN, Grants
from signaling.hub.session import Session
from signaling.hub.tickets import NONCE_BYTES, Claim, Tickets, subject_digest
from signaling.protocol.errors import REPLACED
from signaling.protocol.ids import PEER_ID_BYTES, PeerId, peer_id_from
from signaling.protocol.messages import Hello, Welcome
from signaling.protocol.parts import Capabilities, IceServer, Limits, Resume
from signaling.turn import Turn

MAX_SHARED_CAPABILITIES = 64
MAX_SPENT = 100_000
"""Past this the oldest is forgotten and its ticket would work once more, until it expires."""


class Admitted(msgspec.Struct):
    session: Session
    effects: list[Effect]
    """First the goodbye to a link that is replaced, then the welcome."""
    resumed: bool = False
    grants_before: Grants = OPEN
    """Of a resumed session."""
    was_away: bool = False
    replay_after: int = 0
    claimed_from: NodeId = ALONE
    """Which other node may still have this session."""
    replaced: Session | None = None
    """The former session of this id, whose past could not be kept."""


class Admission:
    """Grants ids and tickets. A claim that is not good is answered with a new id and harms nobody."""

    def __init__(
        self,
        config: Config,
        tickets: Tickets,
        epoch: str,
        random_bytes: Callable[[int], bytes],
        sessions: dict[PeerId, Session],
        turn: Turn,
        node: NodeId = ALONE,
    ) -> None:
        self._config = config
        self._tickets = tickets
        self._epoch = epoch
        self._random_bytes = random_bytes
        self._sessions = sessions
        self._turn = turn
        self._node = node
        self._known_capabilities: dict[Capabilities, Capabilities] = {}
        self._spent: dict[bytes | PeerId, float] = {}
        """Secrets of tickets that are used up, and ids that have said bye: until when to remember them."""
        self._limits = _told(config.limits)

    def use(self, config: Config) -> None:
        """From now on this configuration holds."""
        self._config = config
        self._limits = _told(config.limits)

    def admit(
        self, link: LinkHandle, hello: Hello, grants: Grants, now: float, unix_now: float
    ) -> Admitted | None:
        """None when the server is full; those who hold a good claim are let in even then."""
        claim = self._claim(hello.resume, grants, unix_now)
        former = None if claim is None else self._sessions.get(claim.peer)
        if claim is None and len(self._sessions) >= self._config.limits.max_sessions:
            return None
        goodbye: list[Effect] = []
        if former is not None and claim is not None:
            knows_all = _is_of(claim, former)
            self._supersede(former, claim)
            former.region = hello.region
            if former.link is not None:
                goodbye = [Close(former.link, REPLACED)]
            if hello.resume is not None and knows_all and self._can_be_whole(former, hello.resume):
                return self._resume(former, claim, hello.resume, grants, goodbye, link, now, unix_now)
        peer = peer_id_from(self._random_bytes(PEER_ID_BYTES)) if claim is None else claim.peer
        session = Session(peer, self.shared(hello.capabilities), link, now)
        session.region = hello.region
        session.is_resumable = hello.resumable
        session.previous_nonce = b"" if claim is None else claim.nonce
        if claim is not None:
            # Another node may have it with one more than the ticket says: its welcome did not arrive.
            session.incarnation = claim.incarnation + 2
        self.grant(session, grants, now, unix_now)
        welcome = self._welcome(session, False, unix_now)
        admitted = Admitted(session, [*goodbye, Deliver(link, welcome)], replaced=former)
        if claim is not None and claim.node != self._node:
            admitted.claimed_from = claim.node
        return admitted

    @staticmethod
    def grant(session: Session, grants: Grants, now: float, unix_now: float) -> None:
        """These hold from now on. The calendar is asked once: its jumps end nobody's session."""
        session.grants = grants
        session.expires_at = inf if grants.expires is None else now + grants.expires - unix_now
        session.is_expiry_told = False

    def welcome_arrived(self, session: Session) -> None:
        """The client holds its new ticket, so the one it came with is used up."""
        self._remember_spent(session.previous_nonce, session)
        session.previous_nonce = b""

    def spend(self, session: Session) -> None:
        """The session ends for good: no ticket for its id opens anything any more."""
        self._remember_spent(session.id, session)

    def renew_ticket(self, session: Session, unix_now: float) -> str:
        """The same claim with a later expiry."""
        lifetime = self._config.session.ticket_lifetime
        session.ticket_renewal = unix_now + lifetime / 2
        subject = subject_digest(session.grants.subject)
        expires = int(unix_now + lifetime)
        return self._tickets.write(
            Claim(session.id, session.nonce, expires, subject, self._node, session.incarnation)
        )

    def forget_expired(self, unix_now: float) -> None:
        # In order of insertion, and with one lifetime for all, the oldest expire first.
        while self._spent:
            spent, expires = next(iter(self._spent.items()))
            if expires > unix_now:
                break
            del self._spent[spent]

    def claim_of(self, resume: Resume | None, unix_now: float) -> Claim | None:
        """What a genuine ticket says; None when there is none, or it has been used."""
        claim = None if resume is None else self._tickets.read(resume.ticket, unix_now)
        return None if claim is None or self.is_spent(claim.nonce, claim.peer) else claim

    def is_spent(self, nonce: bytes, peer: PeerId) -> bool:
        """Whether this ticket has been used, or the session has ended for good."""
        return nonce in self._spent or peer in self._spent

    def spend_ticket(self, session: Session) -> None:
        """Whoever had it goes on at another node: no ticket of ours for it opens anything any more."""
        for nonce in (session.nonce, session.previous_nonce):
            if nonce:
                self._remember_spent(nonce, session)

    def claimed(self, resume: Resume | None, unix_now: float) -> str:
        """Which session a genuine ticket is for, whatever has become of that; empty without one."""
        claim = None if resume is None else self._tickets.read(resume.ticket, unix_now)
        return "" if claim is None else claim.peer

    def shared(self, capabilities: Capabilities) -> Capabilities:
        """One object for all who can do the same: there are few kinds of clients and many of each."""
        known = self._known_capabilities.get(capabilities)
        if known is None and len(self._known_capabilities) < MAX_SHARED_CAPABILITIES:
            known = self._known_capabilities[capabilities] = capabilities
        return known or capabilities

    def _claim(self, resume: Resume | None, grants: Grants, unix_now: float) -> Claim | None:
        if resume is None:
            return None
        claim = self.claim_of(resume, unix_now)
        if claim is None:
            return None
        if claim.subject != subject_digest(grants.subject):
            return None
        session = self._sessions.get(claim.peer)
        # A ticket that is newer than the session was given out by another node, to which it had gone on.
        is_good = session is None or _is_of(claim, session) or claim.incarnation > session.incarnation
        return claim if is_good else None

    def _can_be_whole(self, session: Session, resume: Resume) -> bool:
        return resume.epoch == self._epoch and session.mailbox.holds(resume.received)

    def renew_turn(self, session: Session, unix_now: float) -> list[IceServer]:
        """Fresh TURN credentials, long before the older ones end; empty when none are made here."""
        session.turn_renewal = unix_now + self._config.ice.turn_lifetime / 2
        return self._turn.servers(session.id, unix_now, session.region or None)

    def _resume(
        self,
        session: Session,
        claim: Claim,
        resume: Resume,
        grants: Grants,
        goodbye: list[Effect],
        link: LinkHandle,
        now: float,
        unix_now: float,
    ) -> Admitted:
        was_away, before = session.away, session.grants
        self.grant(session, grants, now, unix_now)
        session.link = link
        session.heard = now
        session.pinged = False
        session.previous_nonce = claim.nonce
        session.incarnation += 1
        welcome = self._welcome(session, True, unix_now)
        return Admitted(session, [*goodbye, Deliver(link, welcome)], True, before, was_away, resume.received)

    def _welcome(self, session: Session, resumed: bool, unix_now: float) -> Welcome:
        session.nonce = self._random_bytes(NONCE_BYTES)
        times = self._config.session
        return Welcome(
            you=session.id,
            epoch=self._epoch,
            resumed=resumed,
            received=session.received,
            ticket=self.renew_ticket(session, unix_now),
            unix_now=unix_now,
            ping_interval=times.ping_interval,
            ping_timeout=times.ping_timeout,
            resume_window=times.resume_window,
            settle=times.settle,
            limits=self._limits,
            ice_servers=[*self._config.ice.servers, *self.renew_turn(session, unix_now)],
            subject=session.grants.subject,
            can=sorted(session.grants.can),
            expires=session.grants.expires,
        )

    def _supersede(self, session: Session, claim: Claim) -> None:
        """While a welcome may be lost there are two tickets; the one that was not used dies now."""
        for nonce in (session.nonce, session.previous_nonce):
            if nonce and nonce != claim.nonce:
                self._remember_spent(nonce, session)

    def _remember_spent(self, spent: bytes | PeerId, session: Session) -> None:
        # No ticket of this session is younger than its next renewal plus half a lifetime.
        self._spent[spent] = session.ticket_renewal + self._config.session.ticket_lifetime
        while len(self._spent) > MAX_SPENT:
            del self._spent[next(iter(self._spent))]


def _is_of(claim: Claim, session: Session) -> bool:
    """Whether this session has given out that ticket itself, and it is not superseded."""
    return claim.nonce in (session.nonce, session.previous_nonce)


def _told(limits: LimitsConfig) -> Limits:
    """What a client is told of the limits."""
    return Limits(
        max_message_bytes=limits.max_message_bytes,
        max_metadata_bytes=limits.max_metadata_bytes,
        max_rooms=limits.max_rooms,
        messages_per_second=limits.messages_per_second,
        messages_burst=limits.messages_burst,
        bytes_per_second=limits.bytes_per_second,
        joins_per_second=limits.joins_per_second,
        broadcasts_per_second=limits.broadcasts_per_second,
        max_members=limits.max_members,
        outbox_messages=limits.outbox_messages,
        outbox_bytes=limits.outbox_bytes,
    )
