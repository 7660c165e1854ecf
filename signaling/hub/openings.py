"""Rooms of which nobody knows yet whether another node has them: who joins waits until one has answered."""

from __future__ import annotations

from signaling.cluster.words import Cast, NodeId
from signaling.hub.session import Session
from signaling.protocol.messages import Join

ANSWER_TIMEOUT = 1.0
"""Then the room is opened with what is known: a node that does not answer must not keep others waiting."""
RIVAL_TIMEOUT = 0.1
"""Of two nodes that open a room at the same time, the one with the smaller id waits only so long."""


class Opening:
    """``missing``: nodes that have the room and have not answered yet; None while none is known."""

    __slots__ = ("deadline", "joins", "missing", "rivals")

    def __init__(self, now: float) -> None:
        self.deadline = now + ANSWER_TIMEOUT
        self.joins: list[tuple[Session, Join]] = []
        self.rivals: set[NodeId] = set()
        """Nodes that are opening it too."""
        self.missing: set[NodeId] | None = None

    def drop(self, session: Session) -> Join | None:
        """The join of somebody who does not want it any more."""
        for index, (joining, join) in enumerate(self.joins):
            if joining is session:
                del self.joins[index]
                return join
        return None


class Arriving:
    """A room that somebody is being handed over into: it stays open, and its broadcasts are kept for them."""

    __slots__ = ("casts", "count")

    def __init__(self) -> None:
        self.count = 0
        self.casts: list[Cast] = []
