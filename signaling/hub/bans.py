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

    def __len__(self) -> int:
        return len(self._until)

    def add(self, room: RoomName, session: Session, until: float) -> None:
        key = (room, _who(session))
        self._until[key] = until
        self._until.move_to_end(key)
        if len(self._until) > self._max_bans:
            self._until.popitem(last=False)

    def remaining(self, room: RoomName, session: Session, now: float) -> float:
        """Seconds; 0.0 for somebody who is not banned."""
        key = (room, _who(session))
        until = self._until.get(key)
        if until is None:
            return 0.0
        if until <= now:
            del self._until[key]
            return 0.0
        return until - now


def _who(session: Session) -> str:
    subject = session.grants.subject
    # A subject is any text, so it must not be able to look like a session.
    return f"subject {subject}" if subject else f"session {session.id}"
