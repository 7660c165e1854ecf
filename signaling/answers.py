"""What the HTTP doors say and read as JSON: handlers fill these types, the description is made of them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from signaling.protocol.parts import NodeAddress, RoomSettings

# As Region of the protocol has it.
MAX_REGION_CHARACTERS = 64

Count = Annotated[int, msgspec.Meta(ge=0)]


class Info(msgspec.Struct, frozen=True):
    """Which server this is, and what it speaks."""

    server: str
    version: str
    protocol: int
    subprotocols: list[str]


class Regions(msgspec.Struct, frozen=True):
    """Which node this is, and where clients may go instead."""

    region: str
    """Where this node is."""
    node: str
    """Its ``id``, made anew whenever it starts."""
    nodes: list[NodeAddress]
    """Itself among them, unless it has no address of its own."""


class ListedRoom(msgspec.Struct, frozen=True):
    room: str
    """``app/room``."""
    members: Count
    waiting: Count


class RoomList(msgspec.Struct, frozen=True):
    rooms: list[ListedRoom]
    """The first thousand."""
    count: Count


class ShownMember(msgspec.Struct, frozen=True):
    id: str
    name: str
    subject: str
    """Of its token; empty for a guest."""
    away: bool


class ShownRoom(msgspec.Struct, frozen=True):
    room: str
    settings: RoomSettings
    members: list[ShownMember]


class KickOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Out with one member."""

    id: Annotated[str, msgspec.Meta(max_length=64)]
    ban: Annotated[float, msgspec.Meta(ge=0.0, le=31_536_000.0)] = 0.0
    """Seconds during which that one may not come back; at most a year."""
    reason: Annotated[str, msgspec.Meta(max_length=256)] = ""


class BrowserIceServer(msgspec.Struct, frozen=True, omit_defaults=True):
    """As ``RTCIceServer`` of W3C's WebRTC."""

    urls: list[str]
    username: str = ""
    credential: str = ""


class IceServers(msgspec.Struct, frozen=True, omit_defaults=True, rename={"ice_servers": "iceServers"}):
    """For browsers; and, of the first TURN server alone, as draft-uberti-behave-turn-rest-00 has it."""

    ice_servers: list[BrowserIceServer]
    ttl: int
    username: str = ""
    password: str = ""
    uris: list[str] = []
