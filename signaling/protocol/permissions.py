"""What a session may do: the words of tokens, of welcomes and of refusals."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """One thing that may be done; a token's ``can`` claim lists them."""

    JOIN = "join"
    """Enter rooms that are there."""
    CREATE = "create"
    """Enter a room that is not there yet, which makes it and its owner."""
    PUBLISH = "publish"
    """Send audio and video. It goes from peer to peer: the others are told, and take none otherwise."""
    SIGNAL = "signal"
    """Speak to a peer in the same room; without it there are no connections."""
    BROADCAST = "broadcast"
    """Speak to a whole room through the server."""
    KICK = "kick"
    """Throw members out, for now or for a while. An owner may, in the own room."""
    LOCK = "lock"
    """Lock a room, change its password, capacity, waiting room and owner. An owner may, in the own room."""
    LOBBY = "lobby"
    """Let in or refuse who waits. An owner may, in the own room."""
    ADMIN = "admin"
    """All of this in every room of the app, without its password, locked or not."""


EVERYBODY = frozenset(
    (Permission.JOIN, Permission.CREATE, Permission.PUBLISH, Permission.SIGNAL, Permission.BROADCAST)
)
"""What who has no token may do where none is asked for, and who has one that does not say."""
EVERYTHING = frozenset(Permission)
OWNER = frozenset((Permission.KICK, Permission.LOCK, Permission.LOBBY))
"""What an owner may do besides, in that room."""
