"""What a channel has counted."""

from __future__ import annotations

import msgspec


class Statistics(msgspec.Struct, frozen=True):
    """Messages since the channel was made, and the bytes of their content."""

    sent: int
    """Have gone out whole."""
    received: int
    dropped: int
    """Nobody got them: came in unreadable, late, or were pushed out by newer ones; or were to be sent while
    there was no connection."""
    replaced: int
    """LATEST values whose place was taken by newer ones before they went out."""
    stale: int
    """UNRELIABLE messages that had waited for too long."""
    resent: int
    """Have gone out once more, over the next connection."""
    duplicates: int
    """Came in once more, and nobody got them twice."""
    waiting_messages: int
    waiting_bytes: int
    unacknowledged_messages: int
    """Have gone out, and may still have to go out again."""
    sent_bytes: int
    received_bytes: int
