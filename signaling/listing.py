"""What this node knows of apps, rooms and sessions, page by page: for those who look after it."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from signaling.answers import (
    AppList,
    ListedApp,
    ListedRoom,
    ListedSession,
    RoomList,
    SessionList,
    ShownMember,
    ShownRoom,
    ShownSession,
)
from signaling.cluster.words import NodeId
from signaling.hub.hub import Hub
from signaling.hub.room import Room
from signaling.hub.session import Session
from signaling.protocol.ids import PeerId, RoomName


class Page(NamedTuple):
    """Those whose names come after this one, in the order of their names, and at most so many."""

    after: str
    limit: int
    app: str | None = None

    def of(self, names: Iterable[str]) -> tuple[list[str], str]:
        """The names, and the one to go on after; empty when there are no more."""
        found = heapq.nsmallest(self.limit + 1, (name for name in names if name > self.after))
        return found[: self.limit], found[self.limit - 1] if len(found) > self.limit else ""

    def has(self, name: RoomName) -> bool:
        return self.app is None or _app(name) == self.app


def apps(hub: Hub, page: Page) -> AppList:
    rooms: Counter[str] = Counter()
    members: Counter[str] = Counter()
    for name, room in hub.rooms.items():
        rooms[_app(name)] += 1
        members[_app(name)] += len(room.members)
    names, after = page.of(rooms)
    return AppList([ListedApp(name, rooms[name], members[name]) for name in names], len(rooms), after)


def rooms(hub: Hub, page: Page) -> RoomList:
    found = [name for name in hub.rooms if page.has(name)]
    names, after = page.of(found)
    return RoomList([_listed(hub.rooms[RoomName(name)]) for name in names], len(found), after)


def room(hub: Hub, name: RoomName | None, node: NodeId) -> ShownRoom | None:
    found = None if name is None else hub.rooms.get(name)
    if found is None:
        return None
    members = [
        ShownMember(member.id, member.name, member.session.grants.subject, member.session.away, node)
        for member in found.members.values()
    ]
    members += [
        ShownMember(member.id, member.shown.name, "", member.shown.is_away, member.node)
        for member in found.elsewhere.members.values()
    ]
    waiting = [
        ShownMember(waiter.member.id, waiter.member.name, waiter.member.session.grants.subject, False, node)
        for waiter in found.waiting.values()
    ]
    return ShownRoom(found.name, found.settings, members, waiting)


def sessions(hub: Hub, page: Page) -> SessionList:
    found = [peer for peer, session in hub.sessions.items() if _is_in(session, page)]
    ids, after = page.of(found)
    listed = []
    for peer in ids:
        session = hub.sessions[PeerId(peer)]
        listed.append(ListedSession(peer, session.grants.subject, session.away, len(session.rooms)))
    return SessionList(listed, len(found), after)


def session(hub: Hub, peer: str) -> ShownSession | None:
    found = hub.sessions.get(PeerId(peer))
    if found is None:
        return None
    grants, mailbox = found.grants, found.mailbox
    return ShownSession(
        found.id,
        grants.subject,
        found.away,
        sorted(grants.can),
        grants.expires,
        found.region,
        [room.name for room in found.rooms],
        mailbox.end - mailbox.first,
        mailbox.bytes,
    )


def _listed(room: Room) -> ListedRoom:
    elsewhere = room.elsewhere
    return ListedRoom(
        room.name, len(room.members), len(room.waiting), len(elsewhere.members), sorted(elsewhere.nodes)
    )


def _is_in(session: Session, page: Page) -> bool:
    return page.app is None or any(page.has(room.name) for room in session.rooms)


def _app(name: str) -> str:
    return name.partition("/")[0]
