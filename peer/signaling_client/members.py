"""The rooms we want to be in and who is inside them, across resumes.

A peer that a restarted server has not seen again is doubted, not gone: it has until ``settle`` to
come back.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

import msgspec

from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Join, PeerJoined, PeerLeft, PeerUpdated
from signaling.protocol.parts import Peer


class Change(msgspec.Struct, frozen=True):
    event: PeerJoined | PeerUpdated | PeerLeft
    appeared: bool = False
    """The server has just announced the peer: it can be reached, perhaps again."""

    @property
    def peer_id(self) -> PeerId:
        return self.event.peer.id if isinstance(self.event, PeerJoined) else self.event.id


class Known(msgspec.Struct):
    peer: Peer
    until: float = inf
    """When to stop believing in it; infinite: there is no doubt."""


class Members:
    def __init__(self) -> None:
        self.wanted: dict[str, Join] = {}
        """What to say to be let in again, by the room's full name. Only these rooms have members."""
        self._rooms: dict[str, dict[PeerId, Known]] = {}

    def has(self, peer: PeerId) -> bool:
        """Whether any room has this peer."""
        return any(peer in room for room in self._rooms.values())

    def is_away(self, peer: PeerId) -> bool:
        """Whether no room has seen its link."""
        return all(room[peer].peer.away for room in self._rooms.values() if peer in room)

    def snapshot(self, room: str, peers: Iterable[Peer], doubt_until: float) -> list[Change]:
        """Who is new, who has changed, who is missing."""
        changes: list[Change] = []
        present = set()
        for peer in peers:
            present.add(peer.id)
            changes += self.joined(room, peer)
        for known in [known for id, known in self._in(room).items() if id not in present]:
            changes += self._doubt(room, known, doubt_until)
        return changes

    def joined(self, room: str, peer: Peer) -> list[Change]:
        # What was on its way while we left is not news any more.
        if room not in self.wanted:
            return []
        is_new = peer.id not in self._in(room)
        self._rooms.setdefault(room, {})[peer.id] = Known(peer)
        return [Change(PeerJoined(room, peer) if is_new else _updated(room, peer), appeared=True)]

    def updated(self, event: PeerUpdated) -> list[Change]:
        known = self._in(event.room).get(event.id)
        if known is None:
            return []
        known.peer = msgspec.structs.replace(
            known.peer, name=event.name, metadata=event.metadata, away=event.away
        )
        return [Change(_updated(event.room, known.peer))]

    def left(self, event: PeerLeft, doubt_until: float) -> list[Change]:
        """One who has only lost its past (``reset``) is doubted until then."""
        known = self._in(event.room).get(event.id)
        if known is None:
            return []
        if event.reason == "reset":
            return self._doubt(event.room, known, doubt_until)
        del self._rooms[event.room][event.id]
        return [Change(event)]

    def clear(self, room: str) -> list[Change]:
        """We are not in this room any more."""
        return [Change(PeerLeft(room, id, "left")) for id in self._rooms.pop(room, {})]

    def clear_all(self) -> list[Change]:
        return [change for room in list(self._rooms) for change in self.clear(room)]

    def patience(self, until: float) -> None:
        """Whoever is in doubt gets at least until then: nobody could come back while we were away."""
        for room in self._rooms.values():
            for known in room.values():
                known.until = max(known.until, until)

    @property
    def wake_at(self) -> float:
        return min((known.until for room in self._rooms.values() for known in room.values()), default=inf)

    def wake(self, now: float) -> list[Change]:
        """Those who did not come back in time are lost."""
        changes = []
        for name, room in self._rooms.items():
            for id in [id for id, known in room.items() if known.until <= now]:
                del room[id]
                changes.append(Change(PeerLeft(name, id, "lost")))
        return changes

    def _doubt(self, room: str, known: Known, until: float) -> list[Change]:
        is_news = known.until == inf
        known.until = until
        if not is_news:
            return []
        known.peer = msgspec.structs.replace(known.peer, away=True)
        return [Change(_updated(room, known.peer))]

    def _in(self, room: str) -> dict[PeerId, Known]:
        return self._rooms.get(room, {})


def _updated(room: str, peer: Peer) -> PeerUpdated:
    return PeerUpdated(room, peer.id, peer.name, peer.metadata, peer.away)
