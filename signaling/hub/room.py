"""Peers who may hear each other."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, NamedTuple

from signaling.cluster.words import ALONE, NodeId, NodeWord, Ruled, Rules, Shown
from signaling.effects import Effect, Tell
from signaling.hub.session import Session
from signaling.hub.topology import offers
from signaling.limits import TokenBucket
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import PeerUpdated
from signaling.protocol.parts import Capabilities, Peer, RoomSettings
from signaling.protocol.permissions import OWNER, Permission


class Member:
    """One session in one room: how it shows itself there."""

    __slots__ = ("cast", "metadata", "name", "session")

    def __init__(self, session: Session, name: str, metadata: dict[str, Any]) -> None:
        self.session = session
        self.name = name
        self.metadata = metadata
        self.cast = 0
        """The number of its last broadcast: that of the request."""

    @property
    def id(self) -> PeerId:
        return self.session.id

    @property
    def capabilities(self) -> Capabilities:
        return self.session.capabilities

    def seen_by(self, other: Session) -> Peer:
        """This member as ``other`` is told of it, with the offerer of the two named."""
        session = self.session
        you_offer = offers(other.capabilities, other.id, session.capabilities, session.id)
        may_publish = session.grants.may(Permission.PUBLISH)
        return Peer(
            session.id, self.name, self.metadata, session.capabilities, session.away, you_offer, may_publish
        )

    def as_update(self, room: RoomName) -> PeerUpdated:
        session = self.session
        may_publish = session.grants.may(Permission.PUBLISH)
        return PeerUpdated(room, session.id, self.name, self.metadata, session.away, may_publish)

    def as_shown(self) -> Shown:
        """For the other nodes."""
        session = self.session
        return Shown(
            session.id,
            self.name,
            self.metadata,
            session.capabilities,
            session.away,
            session.grants.may(Permission.PUBLISH),
            session.grants.may(Permission.ADMIN),
            session.incarnation,
        )


class RemoteMember:
    """A member whose session another node has, as that node tells of it."""

    __slots__ = ("cast", "gone_from", "node", "shown")

    def __init__(self, node: NodeId, shown: Shown) -> None:
        self.node = node
        self.gone_from = ALONE
        """Another node that says so: it was given to that, of which we may hear later."""
        self.shown = shown
        self.cast = 0
        """The number of its last broadcast that came here."""

    @property
    def id(self) -> PeerId:
        return self.shown.id

    @property
    def capabilities(self) -> Capabilities:
        return self.shown.capabilities

    def seen_by(self, other: Session) -> Peer:
        shown = self.shown
        you_offer = offers(other.capabilities, other.id, shown.capabilities, shown.id)
        return Peer(
            shown.id,
            shown.name,
            shown.metadata,
            shown.capabilities,
            shown.is_away,
            you_offer,
            shown.may_publish,
        )

    def as_update(self, room: RoomName) -> PeerUpdated:
        shown = self.shown
        return PeerUpdated(room, shown.id, shown.name, shown.metadata, shown.is_away, shown.may_publish)


class Elsewhere:
    """What other nodes have of a room."""

    __slots__ = ("members", "nodes", "waiting")

    def __init__(self) -> None:
        self.nodes: set[NodeId] = set()
        """Those that are told what happens in the room."""
        self.members: dict[PeerId, RemoteMember] = {}
        self.waiting: dict[PeerId, RemoteMember] = {}


NOWHERE = Elsewhere()
"""Shared by all rooms that only this node has; never changed."""


class Stamp(NamedTuple):
    """As in :class:`Rules`."""

    made: float = 0.0
    maker: NodeId = NodeId("")
    revision: int = 0
    reviser: NodeId = NodeId("")


class Waiter(NamedTuple):
    """Who waits to be let in."""

    member: Member
    request: int
    """The join, which is answered some time."""


# Most rooms have no waiting room; replaced by the first who waits, never changed.
NOBODY: dict[PeerId, Waiter] = {}


class Room:
    """Made by the first who joins, gone with the last who leaves."""

    __slots__ = (
        "_settings",
        "broadcasts",
        "capacity",
        "elsewhere",
        "has_lobby",
        "key",
        "locked",
        "members",
        "name",
        "noted",
        "owner",
        "stamp",
        "waiting",
    )

    def __init__(self, name: RoomName, capacity: int, owner: PeerId | None) -> None:
        self.name = name
        self.capacity = capacity
        self.owner: PeerId | None = owner
        self.locked = False
        self.has_lobby = False
        self.key = b""
        """What the proof of the password comes to (:func:`key_of`); empty: no password."""
        self._settings = RoomSettings(capacity, owner)
        self.noted: RoomSettings | None = None
        """What the journal has told of it."""
        self.broadcasts: TokenBucket | None = None
        """Made with the first; most rooms have none."""
        self.members: dict[PeerId, Member] = {}
        self.waiting: dict[PeerId, Waiter] = NOBODY
        self.elsewhere = NOWHERE
        self.stamp = Stamp()

    @property
    def is_full(self) -> bool:
        return len(self.members) + len(self.elsewhere.members) >= self.capacity

    @property
    def settings(self) -> RoomSettings:
        """One object for all who are told the same: it waits in the mailbox of each."""
        owner = self.owner if self.owner is not None and self.has_peer(self.owner) else None
        told = RoomSettings(self.capacity, owner, self.locked, bool(self.key), self.has_lobby)
        if told != self._settings:
            self._settings = told
        return self._settings

    @property
    def rules(self) -> Rules:
        """For the other nodes."""
        return Rules(*self.stamp, self.capacity, self.owner, self.locked, self.key, self.has_lobby)

    def obey(self, rules: Rules) -> None:
        """Take over what another node knows better."""
        self.stamp = Stamp(rules.made, rules.maker, rules.revision, rules.reviser)
        self.capacity, self.owner = rules.capacity, rules.owner
        self.locked, self.key, self.has_lobby = rules.is_locked, rules.key, rules.has_lobby

    def revise(self, reviser: NodeId) -> list[Effect]:
        """Something has been changed here: the other nodes are told."""
        stamp = self.stamp
        self.stamp = stamp._replace(revision=stamp.revision + 1, reviser=reviser)
        nodes = self.elsewhere.nodes
        return self.tell_nodes(Ruled(self.name, self.rules, list(nodes))) if nodes else []

    def tell_nodes(self, word: NodeWord) -> list[Effect]:
        nodes = self.elsewhere.nodes
        return [Tell(tuple(nodes), word)] if nodes else []

    def has_peer(self, peer: PeerId) -> bool:
        return peer in self.members or peer in self.elsewhere.members

    def permits(self, session: Session, permission: Permission) -> bool:
        """What its token or, in this room, its being the owner allows a session."""
        return session.grants.may(permission) or (self.owner == session.id and permission in OWNER)

    def opens_with(self, proof: str) -> bool:
        return not self.key or hmac.compare_digest(self.key, key_of(proof))

    def doorkeepers(self) -> list[Session]:
        """Those members who may let somebody in."""
        sessions = (member.session for member in self.members.values())
        return [session for session in sessions if self.permits(session, Permission.LOBBY)]

    def others(self, session: Session) -> list[Session]:
        return self.sessions_but(session.id)

    def sessions_but(self, peer: PeerId) -> list[Session]:
        """Of all members that this node has, but one."""
        return [member.session for id, member in self.members.items() if id != peer]

    def snapshot_for(self, session: Session) -> list[Peer]:
        seen = [member.seen_by(session) for peer, member in self.members.items() if peer != session.id]
        remote = self.elsewhere.members
        return [*seen, *(member.seen_by(session) for member in remote.values())] if remote else seen


def key_of(proof: str) -> bytes:
    """What the server keeps of a proof: whoever reads its memory cannot come in with that."""
    return hashlib.sha256(proof.encode()).digest() if proof else b""
