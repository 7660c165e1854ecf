"""Who is refused in which room, until when. Outlives the room, the session and its resume."""

from __future__ import annotations

from collections import OrderedDict

from signaling.hub.session import Session
from signaling.protocol.ids import RoomName

MAX_BANS = 10_000
"""Past this the oldest is forgotten."""


class Bans:
    """By subject where there is one, which a new session does not change; otherwise by session."""

    def __init__(self, max_bans: int = MAX_BANS) -> None:
        self._max_bans = max_bans
        self._until: OrderedDict[tuple[RoomName, str], float] = OrderedDict()
        self._in_room: dict[RoomName, set[str]] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, room: RoomName, who: str, until: float) -> None:
        """``who`` as :func:`who_of` has it."""
        key = (room, who)
        self._until[key] = until
        self._until.move_to_end(key)
        self._in_room.setdefault(room, set()).add(who)
        if len(self._until) > self._max_bans:
            self._forget(*next(iter(self._until)))

    def remaining(self, room: RoomName, session: Session, now: float) -> float:
        """Seconds; 0.0 for somebody who is not banned."""
        return self._remaining(room, who_of(session), now)

    def of(self, room: RoomName, now: float) -> list[tuple[str, float]]:
        """Everybody who is banned from this room, and for how many seconds more."""
        everybody = [(who, self._remaining(room, who, now)) for who in list(self._in_room.get(room, ()))]
        return [(who, seconds) for who, seconds in everybody if seconds > 0.0]

    def _remaining(self, room: RoomName, who: str, now: float) -> float:
        until = self._until.get((room, who))
        if until is None:
            return 0.0
        if until <= now:
            self._forget(room, who)
            return 0.0
        return until - now

    def _forget(self, room: RoomName, who: str) -> None:
        del self._until[room, who]
        others = self._in_room[room]
        others.discard(who)
        if not others:
            del self._in_room[room]


def who_of(session: Session) -> str:
    subject = session.grants.subject
    # A subject is any text, so it must not be able to look like a session.
    return f"subject {subject}" if subject else f"session {session.id}"
