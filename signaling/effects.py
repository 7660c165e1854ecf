"""What a rule asks the node to do. Rules return these; only the node performs them, in order."""

from __future__ import annotations

from typing import Any

import msgspec

from signaling.cluster.words import NodeId, NodeWord
from signaling.protocol.errors import CloseReason
from signaling.protocol.ids import RoomName
from signaling.protocol.messages import Word

LinkHandle = Any
"""What the node calls a link. Opaque to the rules: they keep it and hand it back."""


class Deliver(msgspec.Struct, frozen=True, gc=False):
    """Say this on that link."""

    link: LinkHandle
    message: Word


class DeliverAll(msgspec.Struct, frozen=True, gc=False):
    """Say the same on all of these links, encoded once."""

    links: list[LinkHandle]
    message: Word


class Replay(msgspec.Struct, frozen=True, gc=False):
    """Say again what a resumed client has missed; bounded by its mailbox, so no other limit counts."""

    link: LinkHandle
    messages: list[Word]


class Close(msgspec.Struct, frozen=True, gc=False):
    """Speak last words, empty the outbox, close the link."""

    link: LinkHandle
    reason: CloseReason
    """The session that the link belonged to is no longer this link's concern."""


class Slow(msgspec.Struct, frozen=True, gc=False):
    """Read that link again only after so many seconds; what it sends meanwhile waits in its network."""

    link: LinkHandle
    wait: float


class Tell(msgspec.Struct, frozen=True, gc=False):
    """Say this to these nodes, encoded once."""

    nodes: tuple[NodeId, ...]
    word: NodeWord


class Listen(msgspec.Struct, frozen=True, gc=False):
    """Hear who asks for this room, and ask yourself; the answer is told with ``Hub.room_asked``."""

    room: RoomName


class Unlisten(msgspec.Struct, frozen=True, gc=False):
    """Nobody here is in this room any more."""

    room: RoomName


class Opened(msgspec.Struct, frozen=True, gc=False):
    """What other nodes have of this room is known from now on."""

    room: RoomName


ClusterEffect = Tell | Listen | Unlisten | Opened
Effect = Deliver | DeliverAll | Replay | Close | Slow | ClusterEffect
