"""Which other nodes live, and whether all arrived that they have sent: beats and numbers in, news out."""

from __future__ import annotations

from typing import Literal

from signaling.cluster.words import Beat, NodeId

BEAT_INTERVAL = 1.0
YOUNG_BEATS = 2
"""With more, a node that we do not know has known others while we did not hear it."""
MAX_NODES = 1_000
"""More are not believed in: who can write to the bus could invent them."""

News = Literal["new", "back", "dead", "gap"]


class Neighbour:
    """What is known of one other node."""

    __slots__ = ("beat", "beats", "expected", "heard", "id", "is_dead", "received", "sent")

    def __init__(self, node: NodeId, now: float) -> None:
        self.id = node
        self.beat = Beat()
        self.beats = 0
        """The number of its last one."""
        self.heard = now
        self.is_dead = False
        self.sent = 0
        """Frames that we have said to it."""
        self.received: int | None = None
        """The last of its frames to us; None until there was one."""
        self.expected = 0
        """How many frames it had said by the beat before its last."""


class Nodes:
    """All the other nodes. ``dead_after`` seconds without a beat a node counts as dead."""

    def __init__(self, me: NodeId, dead_after: float) -> None:
        self._me = me
        self._dead_after = dead_after
        self.by_id: dict[NodeId, Neighbour] = {}

    def live(self, node: NodeId) -> bool:
        known = self.by_id.get(node)
        return known is not None and not known.is_dead

    @property
    def living(self) -> list[Neighbour]:
        return [node for node in self.by_id.values() if not node.is_dead]

    def next_frame(self, to: NodeId) -> int:
        """The number of the next frame to this node; 0 when it is not known, or dead: then there is none."""
        node = self.by_id.get(to)
        if node is None or node.is_dead:
            return 0
        node.sent += 1
        return node.sent

    def sent(self) -> dict[NodeId, int]:
        """For a beat: what each other node should have had."""
        return {node.id: node.sent for node in self.by_id.values() if node.sent and not node.is_dead}

    def heard_beat(self, sender: NodeId, n: int, beat: Beat, now: float) -> list[News]:
        """A beat; ``gap``: frames that it has sent did not arrive, not even a beat later."""
        if sender == self._me:
            return []
        node, news = self._known(sender, now)
        if node is None or n <= node.beats:
            return []
        if news == ["new"] and n > YOUNG_BEATS:
            news = ["back"]
        node.beat, node.beats = beat, n
        received = node.received or 0
        if node.expected > received:
            news.append("gap")
            node.received = node.expected
        node.expected = beat.sent.get(self._me, 0)
        return news

    def heard_frame(self, sender: NodeId, n: int, now: float) -> tuple[bool, list[News]]:
        """Whether this frame is to be read: one that came before is not; 0 is one that is not counted."""
        if sender == self._me:
            return False, []
        node, news = self._known(sender, now)
        if node is None:
            return False, []
        if n == 0:
            return True, news
        if node.received is not None and n <= node.received:
            return False, news
        if n != (node.received or 0) + 1:
            news.append("gap")
        node.received = n
        return True, news

    def forgive(self, now: float) -> None:
        """Nobody could be heard until now."""
        for node in self.by_id.values():
            if not node.is_dead:
                node.heard = now

    def farewell(self, sender: NodeId) -> bool:
        """It ends by itself. Whether it was alive until now."""
        node = self.by_id.pop(sender, None)
        return node is not None and not node.is_dead

    def heard_since(self, sender: NodeId, then: float) -> bool:
        """Also of one that is not known any more."""
        known = self.by_id.get(sender)
        return known is None or known.is_dead or known.heard > then

    def unreachable(self, sender: NodeId) -> bool:
        """Nobody listens at its inbox any more. Whether it was alive until now."""
        node = self.by_id.get(sender)
        if node is None or node.is_dead:
            return False
        node.is_dead = True
        return True

    def wake(self, now: float, late: float) -> list[NodeId]:
        """Those that have died since. ``late``: so long we have been stopped ourselves, and heard nobody."""
        dead = []
        for node in self.by_id.values():
            node.heard += late
            if not node.is_dead and now - node.heard >= self._dead_after:
                node.is_dead = True
                dead.append(node.id)
        for node in [node for node in self.by_id.values() if now - node.heard >= 100 * self._dead_after]:
            del self.by_id[node.id]
        return dead

    def _known(self, sender: NodeId, now: float) -> tuple[Neighbour | None, list[News]]:
        node = self.by_id.get(sender)
        if node is None:
            if len(self.by_id) >= MAX_NODES:
                return None, []
            node = self.by_id[sender] = Neighbour(sender, now)
            return node, ["new"]
        node.heard = now
        if not node.is_dead:
            return node, []
        node.is_dead = False
        return node, ["back"]
