"""What nodes say to each other. Written as MessagePack arrays: a newer node may add fields at the end.

A word that a node does not know is passed over, so a node of the next version can stand beside it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NewType

import msgspec

from signaling.protocol.ids import PeerId
from signaling.protocol.parts import Capabilities

NodeId = NewType("NodeId", str)
"""Made anew with each start: a node that comes back has forgotten everything, and is another one."""
ALONE = NodeId("")
"""Of a node that has no others."""

VERSION = 1
MAX_FRAME_BYTES = 524_288
"""Half of what NATS takes by default."""
MAX_NAME_CHARACTERS = 256

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARACTERS)]
Node = Annotated[NodeId, msgspec.Meta(max_length=32)]
Id = Annotated[PeerId, msgspec.Meta(max_length=64)]
LeftReason = Literal["left", "lost", "reset", "kicked", "expired"]


class NodeWord(msgspec.Struct, tag_field="t", array_like=True, gc=False):
    """Base of everything that one node says to another."""


class Rules(msgspec.Struct, array_like=True, frozen=True):
    """What holds for a room, and how to tell which of two accounts of it is the newer."""

    made: float
    """Calendar seconds. Of two rooms that were made under one name at the same time the older one stays."""
    maker: Node
    revision: int
    """Counts changes; of two with the same number that of the higher ``reviser`` holds."""
    reviser: Node
    capacity: int
    owner: Id | None
    is_locked: bool
    key: bytes
    has_lobby: bool

    def is_newer_than(self, other: Rules) -> bool:
        if (self.made, self.maker) != (other.made, other.maker):
            return (self.made, self.maker) < (other.made, other.maker)
        return (self.revision, self.reviser) > (other.revision, other.reviser)


class Shown(msgspec.Struct, array_like=True, frozen=True):
    """A member of a room, as the node that has its session tells of it."""

    id: Id
    name: Name
    metadata: dict[str, Any]
    capabilities: Capabilities
    is_away: bool
    may_publish: bool
    is_admin: bool
    incarnation: int
    """How often this id has been claimed; of two nodes that have it, the one with more is right."""


class Beat(NodeWord, tag="beat"):
    """Said to all, again and again: this node lives."""

    region: Name = ""
    url: Name = ""
    """At which clients reach this very node; empty when they need not know."""
    weight: float = 1.0
    is_draining: bool = False
    sessions: int = 0
    rooms: int = 0
    version: Name = ""
    sent: dict[Node, int] = {}
    """How many frames each other node should have had from this one."""


class Farewell(NodeWord, tag="farewell"):
    """Said to all: this node ends now."""


class Who(NodeWord, tag="who"):
    """Who has this room? Said on its subject, or to one node; answered with :class:`Here`."""

    room: Name
    request: int = 0
    """Of a node that opens the room; the answer repeats it."""


class Here(NodeWord, tag="here"):
    """All that this node knows of a room from its own members, and who else has it."""

    room: Name
    rules: Rules | None = None
    """None: it is just asking itself."""
    members: list[Shown] = []
    waiting: list[Shown] = []
    nodes: list[Node] = []
    bans: list[tuple[Name, float]] = []
    """Who must stay out, and for how many seconds more."""
    answers: int = 0
    """The request of :class:`Who`."""
    asks: int = 0
    """That of the one who says this, if it is opening the room itself."""


class Entered(NodeWord, tag="entered"):
    """A member has come in; ``moved``: with its whole past, from another node."""

    room: Name
    member: Shown
    moved: bool = False


class Changed(NodeWord, tag="changed"):
    """A member shows itself in another way from now on."""

    room: Name
    member: Shown


class Gone(NodeWord, tag="gone"):
    room: Name
    id: Id
    reason: LeftReason


class Moved(NodeWord, tag="moved"):
    """Another node has the session of this member of mine from now on."""

    room: Name
    id: Id
    node: Node


class Quit(NodeWord, tag="quit"):
    """This node has nobody in that room any more."""

    room: Name


class Ruled(NodeWord, tag="ruled"):
    """Other rules hold for a room from now on."""

    room: Name
    rules: Rules
    told: list[Node] = []
    """To which nodes this is said; who knows of more tells those."""


class Say(NodeWord, tag="say"):
    """A signal for a session of the node that is told."""

    sender: Id
    to: Id
    n: int
    payload: bytes
    is_packed: bool
    """MessagePack; otherwise JSON."""


class Acknowledge(NodeWord, tag="acknowledge"):
    sender: Id
    to: Id
    n: int


class Unknown(NodeWord, tag="unknown"):
    """The signal ``n`` of ``sender`` found nobody."""

    sender: Id
    to: Id
    n: int


class Cast(NodeWord, tag="cast"):
    """A broadcast to all members in that room of the node that is told."""

    room: Name
    sender: Id
    n: int
    """Grows with each broadcast of a sender."""
    payload: bytes
    is_packed: bool


class Throw(NodeWord, tag="throw"):
    """Throw your member out: whoever asks has been permitted to."""

    room: Name
    id: Id
    ban: float
    reason: Name


class Ban(NodeWord, tag="ban"):
    room: Name
    who: Name
    seconds: float


class Knock(NodeWord, tag="knock"):
    """Somebody waits to be let in."""

    room: Name
    waiter: Shown


class KnockEnd(NodeWord, tag="knock-end"):
    room: Name
    id: Id


class Verdict(NodeWord, tag="verdict"):
    """Let the one who waits at your node in, or not."""

    room: Name
    id: Id
    admit: bool


class Expel(NodeWord, tag="expel"):
    """An administrator ends a session of yours."""

    id: Id


class Clear(NodeWord, tag="clear"):
    """An administrator closes this room: throw your members out."""

    room: Name


class Oust(NodeWord, tag="oust"):
    """An administrator throws a member out: yours, maybe."""

    room: Name
    id: Id
    ban: float
    reason: Name


class Announce(NodeWord, tag="announce"):
    """An administrator says something to your members in this room."""

    room: Name
    payload: bytes
    """JSON."""


class Fetch(NodeWord, tag="fetch"):
    """A client of yours has come here with its ticket: may I have its session? First in which rooms it is
    (``take`` False), then itself."""

    request: int
    id: Id
    nonce: bytes
    epoch: Name
    received: int
    take: bool


class Claimed(NodeWord, tag="claimed"):
    """A client of yours has begun afresh here, with its ticket: what you have of it is over."""

    id: Id
    incarnation: int


class Place(msgspec.Struct, array_like=True, frozen=True):
    """What a session that is handed over believes of one of its rooms."""

    room: Name
    name: Name
    metadata: dict[str, Any]
    rules: Rules
    others: list[Shown]
    casts: dict[Id, int]
    """The last broadcast of each that it has had."""


class Passport(msgspec.Struct, array_like=True, frozen=True):
    """A whole session on its way to another node."""

    id: Id
    incarnation: int
    capabilities: Capabilities
    received: int
    first: int
    """How many events were confirmed."""
    events: list[tuple[bool, bytes]]
    """Those that were not; True: as MessagePack, otherwise as JSON."""
    places: list[Place]


class Fetched(NodeWord, tag="fetched"):
    """The answer to :class:`Fetch`. With neither rooms nor passport: there is no such session here."""

    request: int
    is_spent: bool = False
    """The ticket has been used before: whoever shows it gets nothing."""
    rooms: list[Name] | None = None
    passport: Passport | None = None


class ForLink(NodeWord, tag="for-link"):
    """A client of yours, whose link is made of HTTP requests, has come here with one."""

    request: int
    link: Name
    n: int
    frame: bytes
    is_poll: bool
    """It asks for the slice ``n`` of its stream; otherwise this is its frame ``n``."""


class FromLink(NodeWord, tag="from-link"):
    """The answer to :class:`ForLink`: an HTTP status, and what it asked for."""

    request: int
    status: int
    body: bytes = b""


AnyNodeWord = (
    Beat | Farewell | Who | Here | Entered | Changed | Gone | Moved | Quit | Ruled | Say | Acknowledge
    | Unknown | Cast | Throw | Ban | Knock | KnockEnd | Verdict | Expel | Claimed | Fetch | Fetched
    | Clear | Oust | Announce | ForLink | FromLink
)  # fmt: skip
