"""What a load member says and reads: the native protocol, without what only an application needs.

Reading is what the generator does most, so peers are read as their ids, and payloads not at all.
"""

from __future__ import annotations

import msgspec

from signaling.protocol import messages
from signaling.protocol.messages import Request, Word


class Somebody(msgspec.Struct, gc=False):
    id: str
    away: bool = False


class Joined(Word, tag="joined"):
    request: int
    peers: list[Somebody]


class PeerJoined(Word, tag="peer-joined"):
    peer: Somebody


class PeerUpdated(Word, tag="peer-updated"):
    id: str
    away: bool


class PeerLeft(Word, tag="peer-left"):
    id: str
    reason: str


Event = (
    Joined | PeerJoined | PeerUpdated | PeerLeft
    | messages.Welcome | messages.Left | messages.Updated | messages.Signalled | messages.Acked
    | messages.Broadcasted | messages.Refused | messages.Waiting | messages.Done | messages.RoomUpdated
    | messages.Knocked | messages.KnockEnded | messages.Kicked | messages.Permitted | messages.Expiring
    | messages.Ticket | messages.IceServers | messages.Nodes | messages.Degraded
    | messages.Ping | messages.Pong | messages.Bye
)  # fmt: skip

UNNUMBERED = frozenset(
    (
        messages.Welcome, messages.Expiring, messages.Ticket, messages.IceServers, messages.Nodes,
        messages.Degraded, messages.Ping, messages.Pong, messages.Bye,
    )
)  # fmt: skip


class Said(msgspec.Struct, array_like=True, gc=False):
    """What a load message carries; behind it comes what makes it as long as it shall be."""

    sender: int
    number: int
    at: float
    """When it was to be sent."""


_decode = msgspec.json.Decoder(Event | list[Event]).decode
_encode = msgspec.json.Encoder().encode
_decode_said = msgspec.json.Decoder(Said).decode


def read(frame: bytes) -> list[Event]:
    """The events of one frame. Raises msgspec.DecodeError for what a server would not say."""
    events = _decode(frame)
    return events if isinstance(events, list) else [events]


def written(requests: list[Request]) -> bytes:
    """One frame; at most 64 of them fit into one."""
    return _encode(requests[0] if len(requests) == 1 else requests)


def payload(said: Said, length: int) -> msgspec.Raw:
    """Of ``length`` bytes, or some more where the numbers are long."""
    head = b'[%d,%d,%.6f,"' % (said.sender, said.number, said.at)
    return msgspec.Raw(head + b"x" * (length - len(head) - 2) + b'"]')


def said(payload: msgspec.Raw) -> Said | None:
    """None: it is not from a load member."""
    try:
        return _decode_said(payload)
    except msgspec.DecodeError:
        return None
