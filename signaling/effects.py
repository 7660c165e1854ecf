"""What a rule asks the node to do. Rules return these; only the node performs them, in order."""

from __future__ import annotations

from typing import Any

import msgspec

from signaling.protocol.errors import CloseReason
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


Effect = Deliver | DeliverAll | Replay | Close | Slow
