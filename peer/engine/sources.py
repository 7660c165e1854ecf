"""How many RTP sources (SSRCs) a peer may make up: the newest few of each track are known, no others.

aiortc keeps something about each for as long as the connection lasts, and reports on all of them in one
packet, which has room for 31 (RFC 3550 section 6.4.2). libsrtp keeps a key for each, and looks through all
of them for every packet.
"""

from __future__ import annotations

from collections import OrderedDict

MAX_SOURCES = 16
"""Of one track: what it is sent as, what is sent again, and what came before a sender was replaced."""
MAX_OTHERS = 64
"""Of no track: those who only report, or send what nobody has asked for."""


class Sources:
    """Which sources are known, by the receiver of their track (None: no track). Pure."""

    def __init__(self) -> None:
        self._of: dict[object, OrderedDict[int, None]] = {}
        self._receiver_of: dict[int, object] = {}

    def __len__(self) -> int:
        return len(self._receiver_of)

    def seen(self, ssrc: int, receiver: object) -> int | None:
        """A packet has come; the source of that track that is silent longest, if it must be forgotten."""
        before = self._receiver_of.get(ssrc, self)
        if before is not receiver:
            self._receiver_of[ssrc] = receiver
            if before is not self:
                del self._of[before][ssrc]
        known = self._of.setdefault(receiver, OrderedDict())
        known[ssrc] = None
        known.move_to_end(ssrc)
        if len(known) <= (MAX_OTHERS if receiver is None else MAX_SOURCES):
            return None
        forgotten, _ = known.popitem(last=False)
        del self._receiver_of[forgotten]
        return forgotten
