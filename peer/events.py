"""What has happened in a room: past participles, one struct each.

``PeerT`` is the room's ``RemotePeer``; the words themselves do not know the rooms above them.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

import msgspec

from peer.errors import Diagnosis
from signaling.protocol.parts import RoomSettings

PeerT = TypeVar("PeerT")


class PeerJoined(msgspec.Struct, Generic[PeerT], frozen=True):
    peer: PeerT


class PeerUpdated(msgspec.Struct, Generic[PeerT], frozen=True):
    """Its name, its metadata or ``away`` changed."""

    peer: PeerT


class PeerLeft(msgspec.Struct, Generic[PeerT], frozen=True):
    """``left``: it said so. ``lost``: it did not come back in time. ``kicked``: it was thrown out.
    ``expired``: its token did, or does not permit this room any more."""

    peer: PeerT
    reason: Literal["left", "lost", "kicked", "expired"]


class PeerConnected(msgspec.Struct, Generic[PeerT], frozen=True):
    """Channels and media can flow for the first time."""

    peer: PeerT


class PeerInterrupted(msgspec.Struct, Generic[PeerT], frozen=True):
    """Nothing gets through to it now. The connection heals by itself; channels and tracks go on then."""

    peer: PeerT
    diagnosis: Diagnosis | None = None
    """Why, in a sentence for people."""


class PeerRestored(msgspec.Struct, Generic[PeerT], frozen=True):
    """It works again; what is RELIABLE or BULK was neither lost nor doubled."""

    peer: PeerT
    after: float
    """Seconds since it was told that it is interrupted."""


class ServerTroubled(msgspec.Struct, Generic[PeerT], frozen=True):
    """A STUN or TURN server did not help to find a path to this peer; others may."""

    peer: PeerT
    url: str
    code: int
    """0: it was not asked (its url, its certificate); 701: it did not answer; others as the server said."""
    text: str


class Broadcasted(msgspec.Struct, Generic[PeerT], frozen=True):
    """A member has told something to everybody, through the server."""

    peer: PeerT
    value: Any


class Announced(msgspec.Struct, frozen=True):
    """An administrator of the server has told something to everybody in the room."""

    value: Any


class RoomUpdated(msgspec.Struct, frozen=True):
    """Other rules hold for the room: its lock, password, capacity, waiting room or owner."""

    settings: RoomSettings


class Knocked(msgspec.Struct, frozen=True):
    """Somebody waits to be let in; told to those who may. Answer with ``room.moderation``."""

    id: str
    name: str
    metadata: dict[str, Any]


class KnockEnded(msgspec.Struct, frozen=True):
    """Somebody waits no longer."""

    id: str


class Permitted(msgspec.Struct, frozen=True):
    """What the token permits from now on, and until when (calendar seconds)."""

    can: list[str]
    expires: float | None = None


class Expiring(msgspec.Struct, frozen=True):
    """The token ends at ``expires`` (calendar seconds). Where ``token`` is a function, it has been called."""

    expires: float


class Degraded(msgspec.Struct, frozen=True):
    """``degraded``: our node cannot speak with the others, so who is at those is out of the server's reach,
    and may be shown as away. Connections between peers go on. False: it can again."""

    degraded: bool


class Interrupted(msgspec.Struct, frozen=True):
    """The link to the server is lost; the connections between peers go on."""

    retry_after: float
    """Seconds until the next attempt."""
    reason: str = ""


class Restored(msgspec.Struct, frozen=True):
    """The link to the server is back. ``resumed``: nothing was missed."""

    resumed: bool


class Ended(msgspec.Struct, frozen=True):
    """The room is over for us; ``error`` says why: Closed when we left."""

    error: Exception
