"""What a lab tells the process that carries its packets: one order a datagram, and each is answered."""

from __future__ import annotations

import msgspec

from peer.testing.network import Conditions, Fate

MAX_ORDER_BYTES = 65_536


class AddLine(msgspec.Struct, tag="add-line"):
    """Make a TUN device with this line at its other end."""

    line: str


class Route(msgspec.Struct, tag="route"):
    """This address is at the end of this line; None: nowhere."""

    address: str
    line: str | None


class SetConditions(msgspec.Struct, tag="conditions"):
    """From one line to another; both None: everywhere."""

    conditions: Conditions
    sender: str | None = None
    receiver: str | None = None


class Part(msgspec.Struct, tag="part"):
    """Nothing comes through in this direction, not even what is under way; or everything does again."""

    sender: str
    receiver: str
    is_parted: bool


class Cut(msgspec.Struct, tag="cut"):
    """Nothing comes through this line, for so many seconds; None: until it is mended."""

    line: str
    seconds: float | None = None


class Mend(msgspec.Struct, tag="mend"):
    line: str


class Count(msgspec.Struct, tag="count"):
    """Asks what has become of the packets."""


Order = AddLine | Route | SetConditions | Part | Cut | Mend | Count


class Answer(msgspec.Struct):
    """``error`` is empty when the order was carried out."""

    error: str = ""
    device: str = ""
    fates: dict[Fate, int] = msgspec.field(default_factory=dict)
    parted: int = 0
    unroutable: int = 0
    """Packets to an address that nobody has, or from one that is not the sender's."""
    refused: int = 0
    """Packets that an interface has not taken: it was down, or full."""
