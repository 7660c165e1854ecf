"""Peers who may hear each other."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, NamedTuple

from signaling.hub.session import Session
from signaling.hub.topology import offers
from signaling.limits import TokenBucket
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import PeerUpdated
from signaling.protocol.parts import Peer, RoomSettings
from signaling.protocol.permissions import OWNER, Permission


class Member:
    """One session in one room: how it shows itself there."""

    __slots__ = ("metadata", "name", "session")

    def __init__(self, session: Session, name: str, metadata: dict[str, Any]) -> None:
        self.session = session
        self.name = name
        self.metadata = metadata

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
        "has_lobby",
        "key",
        "locked",
        "members",
        "name",
        "owner",
        "waiting",
    )

    def __init__(self, name: RoomName, capacity: int, owner: PeerId) -> None:
        self.name = name
        self.capacity = capacity
        self.owner: PeerId | None = owner
        self.locked = False
        self.has_lobby = False
        self.key = b""
        """What the proof of the password comes to (:func:`key_of`); empty: no password."""
        self._settings = RoomSettings(capacity, owner)
        self.broadcasts: TokenBucket | None = None
        """Made with the first; most rooms have none."""
        self.members: dict[PeerId, Member] = {}
        self.waiting: dict[PeerId, Waiter] = NOBODY

    @property
    def is_full(self) -> bool:
        return len(self.members) >= self.capacity

    @property
    def settings(self) -> RoomSettings:
        """One object for all who are told the same: it waits in the mailbox of each."""
        told = RoomSettings(self.capacity, self.owner, self.locked, bool(self.key), self.has_lobby)
        if told != self._settings:
            self._settings = told
        return self._settings

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
        return [member.session for peer, member in self.members.items() if peer != session.id]

    def snapshot_for(self, session: Session) -> list[Peer]:
        return [member.seen_by(session) for peer, member in self.members.items() if peer != session.id]


def key_of(proof: str) -> bytes:
    """What the server keeps of a proof: whoever reads its memory cannot come in with that."""
    return hashlib.sha256(proof.encode()).digest() if proof else b""
