"""The words of the native protocol, version 1; ``docs/protocol.md`` tells them as a story.

Two directions. What a client says is a :data:`Request`, what the server says is an :data:`Event`.
A signal's ``payload`` is between the peers: the server checks that it is well-formed and forwards
it as it came. What our own peers put there is in ``signals.py``.

Numbered messages (all requests but hello, ping, pong, bye; all events but welcome, expiring, ticket,
ice-servers, nodes, ping, pong, bye) are counted by both ends of a session; a resume says how far each had
heard.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from signaling.protocol.errors import ComeBack, ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.parts import (
    Capabilities,
    IceServer,
    Limits,
    NodeAddress,
    Peer,
    Proof,
    Region,
    Resume,
    RoomSettings,
    ShortPeerId,
    Token,
    WholeNumber,
)
from signaling.protocol.permissions import Permission

VERSION = 1
JSON_SUBPROTOCOL = "peerlane.v1.json"
MSGPACK_SUBPROTOCOL = "peerlane.v1.msgpack"
MAX_BATCH_MESSAGES = 64
"""More messages than this in one frame are malformed."""
MAX_DEPTH = 128
"""Arrays and objects inside each other; a frame that nests deeper is malformed."""


class Word(msgspec.Struct, tag_field="type", omit_defaults=True, gc=False):
    """Base of everything that has a ``type`` on the wire; unknown fields are ignored.

    A message is a tree, so the garbage collector need not look at the thousands that wait.
    """


# What a client says


class Hello(Word, tag="hello"):
    version: WholeNumber = VERSION
    capabilities: Capabilities = Capabilities()
    resume: Resume | None = None
    token: Token = ""
    """What a page presents, since it cannot set a header; goes before one in the header. With every hello,
    a resume too."""
    region: Region = ""
    """Which this client has measured to be the nearest; its TURN servers are told first."""
    resumable: bool = True
    """False: this client never comes back with its ticket, so its session ends with its link."""


class Join(Word, tag="join"):
    """Enter a room, creating it when it is not there; joining again refreshes the snapshot."""

    request: WholeNumber
    room: str
    name: str = ""
    metadata: dict[str, Any] = {}
    capacity: WholeNumber | None = None
    """Used by whoever creates the room; ignored afterwards."""
    proof: Proof = ""
    """Of the password; whoever creates the room sets it so."""
    lobby: bool = False
    """Used by whoever creates the room: the others wait until they are let in."""


class Leave(Word, tag="leave"):
    request: WholeNumber
    room: str


class Update(Word, tag="update"):
    """Change what others see of you in a room; what is left out stays."""

    request: WholeNumber
    room: str
    name: str | None = None
    metadata: dict[str, Any] | None = None


class Signal(Word, tag="signal"):
    """To one peer. ``n`` counts 1, 2, 3 … for this destination."""

    to: ShortPeerId
    n: WholeNumber
    payload: msgspec.Raw


class Ack(Word, tag="ack"):
    """All signals of ``to`` up to and including ``n`` have reached this client."""

    to: ShortPeerId
    n: WholeNumber


class Broadcast(Word, tag="broadcast"):
    """To all other members of a room."""

    room: str
    payload: msgspec.Raw


class Authenticate(Word, tag="authenticate"):
    """A newer token for this session: of the same subject; what it permits holds at once."""

    request: WholeNumber
    token: Token


class Kick(Word, tag="kick"):
    """Throw a member out. ``ban`` seconds long it is refused; a token's subject is banned, or the session."""

    request: WholeNumber
    room: str
    id: ShortPeerId
    ban: float = 0.0
    reason: Annotated[str, msgspec.Meta(max_length=256)] = ""


class Configure(Word, tag="configure"):
    """Change what holds for a room; what is left out stays."""

    request: WholeNumber
    room: str
    locked: bool | None = None
    capacity: WholeNumber | None = None
    proof: Proof | None = None
    """Of a new password; empty: none any more."""
    lobby: bool | None = None
    owner: ShortPeerId | None = None
    """Hand the room over to this member."""


class Decide(Word, tag="decide"):
    """Let in who waits, or not."""

    request: WholeNumber
    room: str
    id: ShortPeerId
    admit: bool


class Ping(Word, tag="ping"):
    """Either side, any time; ``received`` lets the other forget what has arrived."""

    received: WholeNumber = 0


class Pong(Word, tag="pong"):
    received: WholeNumber = 0
    unix_now: float = 0.0
    """The server's calendar time; 0 from a client."""


class Bye(Word, tag="bye"):
    """Last words. A client's bye ends its session at once; the server's says why and what to do."""

    code: WholeNumber = 0
    reason: str = ""
    come_back: ComeBack = ComeBack.NEVER
    after: float = 0.0


Request = (
    Hello | Join | Leave | Update | Signal | Ack | Broadcast | Authenticate | Kick | Configure | Decide
    | Ping | Pong | Bye
)  # fmt: skip


# What the server says


class Welcome(Word, tag="welcome"):
    you: PeerId
    epoch: str
    resumed: bool
    """True: nothing was missed, and what follows is what came meanwhile. False: start afresh; join again."""
    received: int
    """How many numbered requests of this session the server has had; the client sends the rest again."""
    ticket: str
    """Claims this session, once; keep it secret."""
    unix_now: float
    ping_interval: float
    ping_timeout: float
    resume_window: float
    """How long a lost session can be resumed."""
    settle: float
    """After ``resumed: false``: how long peers that are missing may still be on their way back."""
    limits: Limits
    ice_servers: list[IceServer] = []
    subject: str = ""
    """Of the token."""
    can: list[Permission] = []
    """What this session may do, in alphabetical order."""
    expires: float | None = None
    """When the token does, in calendar seconds."""
    node: str = ""
    """Which node this is: the ``id`` of one of ``nodes``, if it is there."""
    region: Region = ""
    """Where it is."""
    nodes: list[NodeAddress] = []
    """Where a client may go when this one leaves or is lost."""
    degraded: bool = False
    """As in :class:`Degraded`."""


class Joined(Word, tag="joined"):
    """The snapshot of a room at this moment; every later change follows as an event."""

    request: int
    room: str
    peers: list[Peer]
    capacity: int
    settings: RoomSettings | None = None
    waiting: list[Peer] = []
    """Who waits to be let in; told to those who may let them in."""


class Waiting(Word, tag="waiting"):
    """You wait to be let in; ``joined`` or ``refused`` with the same number follows some time."""

    request: int
    room: str


class Done(Word, tag="done"):
    """A kick, a configuration, a decision or a new token has taken effect."""

    request: int


class RoomUpdated(Word, tag="room-updated"):
    """Other rules hold for the room from now on."""

    room: str
    settings: RoomSettings


class Knocked(Word, tag="knocked"):
    """Somebody waits to be let in; told to those who may let them in."""

    room: str
    peer: Peer


class KnockEnded(Word, tag="knock-ended"):
    """Somebody waits no longer: let in, refused, or gone."""

    room: str
    id: PeerId


class Kicked(Word, tag="kicked"):
    """You are not in that room any more."""

    room: str
    reason: str = ""
    ban: float = 0.0
    """Seconds until you may come back."""


class Permitted(Word, tag="permitted"):
    """What this session may do from now on, and until when."""

    can: list[Permission]
    expires: float | None = None


class Expiring(Word, tag="expiring"):
    """The token expires soon: present a new one (``authenticate``), or the session ends soon after."""

    expires: float
    """Calendar seconds."""


class Left(Word, tag="left"):
    request: int
    room: str


class Updated(Word, tag="updated"):
    request: int
    room: str


class PeerJoined(Word, tag="peer-joined"):
    room: str
    peer: Peer


class PeerUpdated(Word, tag="peer-updated"):
    room: str
    id: PeerId
    name: str
    metadata: dict[str, Any]
    away: bool
    publishes: bool = True


class PeerLeft(Word, tag="peer-left"):
    room: str
    id: PeerId
    reason: Literal["left", "lost", "reset", "kicked", "expired"]
    """``left``: said so. ``lost``: did not come back in time. ``reset``: lost its past, will join again.
    ``kicked``: was thrown out. ``expired``: its token did, or does not permit the room any more."""


class Signalled(Word, tag="signal"):
    sender: PeerId = msgspec.field(name="from")
    n: int
    payload: msgspec.Raw


class Acked(Word, tag="ack"):
    sender: PeerId = msgspec.field(name="from")
    n: int


class Broadcasted(Word, tag="broadcast"):
    room: str
    sender: PeerId = msgspec.field(name="from")
    payload: msgspec.Raw


class Refused(Word, tag="refused"):
    """One request was not done; ``request``, or ``to`` and ``n``, say which."""

    code: ErrorCode
    hint: str
    request: int | None = None
    to: PeerId | None = None
    n: int | None = None
    retry_after: float | None = None


class Ticket(Word, tag="ticket"):
    """A fresh ticket for the same session; the older one dies."""

    ticket: str


class IceServers(Word, tag="ice-servers"):
    """Fresh credentials: these take the place of the ICE servers that have a username."""

    ice_servers: list[IceServer]


class Nodes(Word, tag="nodes"):
    """These take the place of the nodes of the welcome."""

    nodes: list[NodeAddress]


class Degraded(Word, tag="degraded"):
    """While it is true this node cannot speak with the others, and does not reach those who are there."""

    degraded: bool


Event = (
    Welcome | Joined | Left | Updated | PeerJoined | PeerUpdated | PeerLeft | Signalled | Acked
    | Broadcasted | Refused | Waiting | Done | RoomUpdated | Knocked | KnockEnded | Kicked | Permitted
    | Expiring | Ticket | IceServers | Nodes | Degraded | Ping | Pong | Bye
)  # fmt: skip

NUMBERED_REQUESTS = (
    Join,
    Leave,
    Update,
    Signal,
    Ack,
    Broadcast,
    Authenticate,
    Kick,
    Configure,
    Decide,
)
NUMBERED_EVENTS = (
    Joined,
    Left,
    Updated,
    PeerJoined,
    PeerUpdated,
    PeerLeft,
    Signalled,
    Acked,
    Broadcasted,
    Refused,
    Waiting,
    Done,
    RoomUpdated,
    Knocked,
    KnockEnded,
    Kicked,
    Permitted,
)
