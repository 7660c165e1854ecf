"""What a session has been granted: by its token, by the application, or by the lack of any rule."""

from __future__ import annotations

from typing import Any

import msgspec

from signaling.protocol.ids import RoomName
from signaling.protocol.permissions import EVERYBODY, Permission

ANY = "*"


class Grants(msgspec.Struct, frozen=True):
    """Who it is and what it may do, until when.

    ``rooms`` are patterns for the part behind the ``/``: ``*`` stands for any characters, everything else for
    itself. ``app`` is the part before it; empty: any app.
    """

    subject: str = ""
    """Of whom the application speaks; empty: nobody in particular. Two sessions may have the same."""
    app: str = ""
    rooms: tuple[str, ...] = (ANY,)
    role: str = ""
    """For the application; no rule reads it."""
    can: frozenset[Permission] = EVERYBODY
    metadata: dict[str, Any] = {}
    """What others are shown, whatever the client says under the same names."""
    expires: float | None = None
    """Calendar seconds; None: never."""

    def may(self, permission: Permission) -> bool:
        return permission in self.can or Permission.ADMIN in self.can

    def reaches(self, room: RoomName) -> bool:
        """Whether this room is one of those that it speaks of."""
        app, _, name = room.partition("/")
        return (not self.app or app == self.app) and any(matches(pattern, name) for pattern in self.rooms)


OPEN = Grants()
"""Of everybody where no tokens are asked for."""


def matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern; time grows with their lengths, not with their product's power."""
    first, *rest = pattern.split(ANY)
    if not rest:
        return pattern == name
    *middle, last = rest
    if not name.startswith(first) or len(name) < len(first) + len(last) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
