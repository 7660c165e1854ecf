"""What a session asks of the pipe under it, and what it tells the room above it.

The room is told the server's own words where they concern it (``Joined``, ``Left``, ``Updated``,
``PeerJoined``, ``PeerUpdated``, ``PeerLeft``, ``Broadcasted``, ``Refused``, and those of tokens, kicks and
waiting rooms), and the words below.
"""

from __future__ import annotations

import msgspec

from signaling.protocol import messages
from signaling.protocol.ids import PeerId


class Connect(msgspec.Struct, frozen=True, tag_field="do", tag="connect"):
    """Open a link to this address; any older one is closed."""

    url: str


class Send(msgspec.Struct, frozen=True, tag_field="do", tag="send"):
    message: messages.Request


class Disconnect(msgspec.Struct, frozen=True, tag_field="do", tag="disconnect"):
    """Close the link, after what was to be sent."""


class Heard(msgspec.Struct, frozen=True, tag_field="type", tag="signal"):
    """A signal, exactly once and in order."""

    sender: PeerId = msgspec.field(name="from")
    payload: msgspec.Raw


class Undelivered(msgspec.Struct, frozen=True, tag_field="type", tag="undelivered"):
    """These signals will not reach the peer: it has gone."""

    to: PeerId
    payloads: list[msgspec.Raw]


class Interrupted(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="interrupted"):
    retry_in: float
    """Seconds until the next attempt."""
    reason: str = ""


class Restored(msgspec.Struct, frozen=True, tag_field="type", tag="restored"):
    """There is a welcome. ``resumed``: nothing was missed."""

    resumed: bool


class Renamed(msgspec.Struct, frozen=True, tag_field="type", tag="renamed"):
    """The server could not give us our old id: all connections of the old one end."""


class Ended(msgspec.Struct, frozen=True, tag_field="type", tag="ended"):
    """There is no way back."""

    code: int
    reason: str


Told = (
    Heard | Undelivered | Interrupted | Restored | Renamed | Ended
    | messages.Joined | messages.Left | messages.Updated | messages.PeerJoined | messages.PeerUpdated
    | messages.PeerLeft | messages.Broadcasted | messages.Refused | messages.IceServers
    | messages.Waiting | messages.Done | messages.RoomUpdated | messages.Knocked | messages.KnockEnded
    | messages.Kicked | messages.Permitted | messages.Expiring | messages.Degraded
)  # fmt: skip


class Tell(msgspec.Struct, frozen=True, tag_field="do", tag="tell"):
    event: Told


Effect = Connect | Send | Disconnect | Tell
