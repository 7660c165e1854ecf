"""A peer's conversation with the server; it outlives its links."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from signaling.effects import LinkHandle
from signaling.grants import OPEN, Grants
from signaling.hub.mailbox import Mailbox
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.parts import Capabilities

if TYPE_CHECKING:
    from signaling.hub.room import Room


class Session:
    """What the hub knows of one peer. Changed by the hub alone."""

    __slots__ = (
        "capabilities",
        "deadline",
        "expires_at",
        "grants",
        "heard",
        "id",
        "incarnation",
        "is_expiry_told",
        "is_resumable",
        "link",
        "lost_at",
        "mailbox",
        "nonce",
        "pinged",
        "previous_nonce",
        "received",
        "region",
        "rooms",
        "strikes",
        "ticket_renewal",
        "turn_renewal",
        "waiting_in",
    )

    def __init__(
        self,
        peer: PeerId,
        capabilities: Capabilities,
        link: LinkHandle,
        now: float,
        grants: Grants = OPEN,
    ) -> None:
        self.id = peer
        self.incarnation = 1
        """How often this id has been claimed, over all nodes: the highest is right."""
        self.grants = grants
        self.expires_at = inf
        """When the token does, on the clock that never jumps."""
        self.is_expiry_told = False
        self.capabilities = capabilities
        self.link: LinkHandle | None = link
        """None while the session is away."""
        self.heard = now
        self.pinged = False
        """A ping is out and nothing has been heard since."""
        self.lost_at = 0.0
        self.deadline = 0.0
        """When the hub looks after this session next."""
        self.received = 0
        """Numbered requests had so far."""
        self.strikes = 0
        self.is_resumable = True
        """Otherwise it ends with its link, and nothing is kept for it."""
        self.region = ""
        """The nearest one, as the client has measured it; empty: that of this node."""
        self.mailbox = Mailbox()
        # A list: most sessions are in one room, and a dict of one weighs 232 bytes.
        self.rooms: list[Room] = []
        self.waiting_in: tuple[Room, ...] = ()
        """Rooms whose waiting room this session is in."""
        self.nonce = b""
        self.previous_nonce = b""
        """Still good until the client is heard on its new link: its welcome may have been lost on the way."""
        self.ticket_renewal = 0.0
        """Calendar seconds."""
        self.turn_renewal = 0.0
        """Calendar seconds."""

    @property
    def away(self) -> bool:
        return self.link is None

    def shares_a_room_with(self, other: Session) -> bool:
        # On the path of every signal, where a generator costs more than the question.
        for room in self.rooms:  # noqa: SIM110 # see above
            if other.id in room.members:
                return True
        return False

    def shares_a_room_with_remote(self, peer: PeerId) -> bool:
        """The same, for somebody whose session another node has."""
        return any(peer in room.elsewhere.members for room in self.rooms)

    def room(self, name: RoomName) -> Room | None:
        """The room of this name, if this session is in it."""
        return next((room for room in self.rooms if room.name == name), None)
