"""Peers who may hear each other."""

from __future__ import annotations

import unicodedata
from typing import Any

from signaling.hub.session import Session
from signaling.hub.topology import offers
from signaling.protocol.ids import MAX_NAME_CHARACTERS, MAX_RAW_CHARACTERS, PeerId, RoomName
from signaling.protocol.messages import Peer, PeerUpdated


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
        return Peer(session.id, self.name, self.metadata, session.capabilities, session.away, you_offer)

    def as_update(self, room: RoomName) -> PeerUpdated:
        return PeerUpdated(room, self.session.id, self.name, self.metadata, self.session.away)


class Room:
    """Made by the first who joins, gone with the last who leaves."""

    __slots__ = ("capacity", "members", "name")

    def __init__(self, name: RoomName, capacity: int) -> None:
        self.name = name
        self.capacity = capacity
        self.members: dict[PeerId, Member] = {}

    @property
    def is_full(self) -> bool:
        return len(self.members) >= self.capacity

    def others(self, session: Session) -> list[Session]:
        return [member.session for peer, member in self.members.items() if peer != session.id]

    def snapshot_for(self, session: Session) -> list[Peer]:
        return [member.seen_by(session) for peer, member in self.members.items() if peer != session.id]


def clean_name(text: str) -> str | None:
    """A display name in NFKC, or None when it is too long or has control or direction-turning characters."""
    if len(text) > MAX_RAW_CHARACTERS:
        return None
    text = unicodedata.normalize("NFKC", text).strip()
    if len(text) > MAX_NAME_CHARACTERS:
        return None
    if any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNS
        for character in text
    ):
        return None
    return text


# Bidirectional overrides (UAX #9) let a name rewrite the text around it.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
