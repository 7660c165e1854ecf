"""What the messages of the native protocol are made of, in either direction."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from signaling.protocol.ids import PeerId

WholeNumber = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""What a client may count with. JSON allows more, but MessagePack and JavaScript have no room for it."""

ShortPeerId = Annotated[PeerId, msgspec.Meta(max_length=64)]
"""A client may write anything here, and a refusal repeats it."""


Token = Annotated[str, msgspec.Meta(max_length=8_192)]
"""A JSON Web Token, or one of ``server.tokens``."""

Proof = Annotated[str, msgspec.Meta(max_length=64)]
"""That somebody knows a room's password: see ``signaling.protocol.passwords``."""


Region = Annotated[str, msgspec.Meta(max_length=64)]
"""Where something is, in the operator's own words, such as ``eu``; empty: not said."""


class Capabilities(msgspec.Struct, omit_defaults=True, frozen=True):
    """What one side can do; the server names the offerer of each pair from it."""

    engine: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """``browser``, ``aiortc``, or another name: for people, no rule reads it."""
    rollback: bool = False
    """Can undo its own offer (W3C rollback)."""
    ice_restart: bool = False
    trickle: bool = False
    """Sends candidates as they are found."""
    media: bool = False
    only_offers: bool = False
    """Cannot answer at all, as WHIP: it makes the offers in every pair."""


class Resume(msgspec.Struct, frozen=True):
    """A claim to an earlier session."""

    ticket: str
    epoch: str
    """Of the last welcome."""
    received: WholeNumber
    """How many numbered events the client has had since the session began."""


class Peer(msgspec.Struct, omit_defaults=True):
    """One member of a room, as another member sees it."""

    id: PeerId
    name: str = ""
    metadata: dict[str, Any] = {}
    capabilities: Capabilities = Capabilities()
    away: bool = False
    """Its link is lost; it may still resume."""
    you_offer: bool = False
    """You make the offers between you two; otherwise this peer does."""
    publishes: bool = True
    """May send audio and video; what comes all the same is to be ignored."""


class IceServer(msgspec.Struct, omit_defaults=True, frozen=True):
    """As W3C RTCIceServer."""

    urls: list[str]
    username: str = ""
    credential: str = ""


class NodeAddress(msgspec.Struct, omit_defaults=True, frozen=True):
    """One of several servers, and where clients reach it."""

    url: str
    region: Region = ""
    weight: float = 1.0
    """Of two nodes of one region, the one with twice the weight is to get twice as many clients."""
    id: str = ""
    """Made anew whenever it starts."""
    draining: bool = False
    """It leaves, and takes nobody in."""


class Limits(msgspec.Struct, frozen=True):
    """What the server will take from one client."""

    max_message_bytes: int
    max_metadata_bytes: int
    max_rooms: int
    messages_per_second: float
    """Faster senders are read more slowly; nothing is dropped."""
    messages_burst: int = 0
    """So many at once before that."""
    bytes_per_second: float = 0.0
    """As ``messages_per_second``."""
    joins_per_second: float = 0.0
    broadcasts_per_second: float = 0.0
    """Into one room by all of its members; who is faster is read more slowly."""
    max_members: int = 0
    """Of one room."""
    outbox_messages: int = 0
    """Who has so many messages, or ``outbox_bytes``, waiting and does not read is closed as slow."""
    outbox_bytes: int = 0


class RoomSettings(msgspec.Struct, omit_defaults=True, frozen=True):
    """What holds for a room; every member is told."""

    capacity: int
    owner: PeerId | None = None
    """Who made it, or was given it; None once that one has left for good."""
    locked: bool = False
    """Nobody comes in any more; who is in stays, and may resume."""
    has_password: bool = False
    has_lobby: bool = False
    """Who comes waits until somebody who may lets them in."""
