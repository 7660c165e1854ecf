"""What the HTTP doors say and read as JSON: handlers fill these types, the description is made of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from signaling.protocol.parts import NodeAddress, RoomSettings
from signaling.protocol.permissions import Permission

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


class ListedApp(msgspec.Struct, frozen=True):
    app: str
    rooms: Count
    members: Count
    """Of this node; who is in several rooms counts in each."""


class AppList(msgspec.Struct, frozen=True):
    apps: list[ListedApp]
    count: Count
    next: str = ""
    """What to ask for as ``after``; empty: there are no more."""


class ListedRoom(msgspec.Struct, frozen=True):
    room: str
    """``app/room``."""
    members: Count
    """Of this node."""
    waiting: Count
    elsewhere: Count = 0
    """Members of other nodes."""
    nodes: list[str] = []
    """Their ids."""


class RoomList(msgspec.Struct, frozen=True):
    rooms: list[ListedRoom]
    """Those that have members at this node."""
    count: Count
    """On all pages."""
    next: str = ""
    """What to ask for as ``after``; empty: there are no more."""


class ShownMember(msgspec.Struct, frozen=True):
    id: str
    name: str
    subject: str
    """Of its token; empty for a guest, and for who is at another node."""
    away: bool
    node: str = ""
    """Which node has its session."""


class ShownRoom(msgspec.Struct, frozen=True):
    room: str
    settings: RoomSettings
    members: list[ShownMember]
    """Of all nodes."""
    waiting: list[ShownMember] = []
    """To be let in, at this node."""


class ListedSession(msgspec.Struct, frozen=True):
    id: str
    subject: str
    away: bool
    """Its link is lost, and it may still resume."""
    rooms: Count


class SessionList(msgspec.Struct, frozen=True):
    sessions: list[ListedSession]
    """Of this node."""
    count: Count
    """On all pages."""
    next: str = ""
    """What to ask for as ``after``; empty: there are no more."""


class ShownSession(msgspec.Struct, frozen=True):
    id: str
    subject: str
    away: bool
    can: list[Permission]
    expires: float | None
    """When its token does, in calendar seconds."""
    region: str
    rooms: list[str]
    unconfirmed: Count
    """Events that the client has not confirmed yet."""
    unconfirmed_bytes: Count


class DrainState(msgspec.Struct, frozen=True):
    state: Literal["serving", "leaving", "left"]
    """``left``: everybody has been told, and the process may be ended."""
    links: Count
    """Still open."""
    sessions: Count
    """That no other node has yet."""
    nodes: Count
    """Others that live and take them."""


class KnownNode(msgspec.Struct, frozen=True):
    """Another node, by its last beat."""

    id: str
    region: str
    url: str
    version: str
    sessions: Count
    rooms: Count
    draining: bool


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """One node at a moment. What has ``total`` in its name counts since the start."""

    node: str
    region: str
    version: str
    at: float
    """Calendar seconds."""
    uptime: float
    """Seconds."""
    ready: str
    """``ready``, or why new clients should go elsewhere, as ``/readyz`` says it."""
    degraded: bool
    """The bus is away."""
    links: Count
    sessions: Count
    rooms: Count
    feed_readers: Count
    joins_total: Count
    messages_in_total: Count
    messages_out_total: Count
    refused_total: Count
    throttled_total: Count
    shed_total: Count
    slow_closed_total: Count
    stalls_total: Count
    queue_bytes: Count
    """Of all outboxes and mailboxes."""
    queue_bytes_limit: Count
    largest_queue_bytes: Count
    memory_share: float
    """Used of what may be used, 0 to 1; 0 where the system does not tell."""
    drain: DrainState
    nodes: list[KnownNode]
    """The others that are heard of."""


class Announcement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something for all members of a room."""

    payload: Any


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
