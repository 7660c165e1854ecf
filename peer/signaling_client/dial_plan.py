"""Where the next link goes, and when: from node to node, until one says welcome.

A tour begins when a link is lost. It goes to the address of before, then to the other nodes, and round
again; a node that says that it leaves comes last. Every node sees the same back-off as if it were the
only one: the waits grow with each round, not with each attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from peer.backoff import after_advice, believed
from peer.signaling_client.address import named_url
from peer.signaling_client.nearest import MAX_NODES, Addresses, by_weight
from signaling.protocol.messages import Welcome
from signaling.protocol.parts import NodeAddress

CONNECT_TIMEOUT = 10.0
"""A link that has no welcome by then is given up; a captive portal can leave one hanging for minutes."""
IMPATIENCE = 3.0
"""The same in the first round, where there is another node to go to. It doubles with each round."""


class DialPlan:
    """``random`` gives fractions from 0 up to 1."""

    def __init__(self, addresses: Addresses, random: Callable[[], float]) -> None:
        self.url = addresses.urls[0]
        """Where the link is, or goes next."""
        self._given = addresses.urls
        self._regions = addresses.regions
        self._random = random
        self._node = ""
        self._region = ""
        self._nodes: list[NodeAddress] = []
        self._tour: list[str] = []
        """Empty while there is a link."""
        self._place = 0
        self._failures = 0
        self._has_returned = False
        self._not_before: dict[str, float] = {}
        """What each address has asked for, in this tour."""

    @property
    def patience(self) -> float:
        """How long the attempt that begins may take."""
        count = len(self._tour) or len(self._given)
        if count == 1:
            return CONNECT_TIMEOUT
        rounds = max(0, self._failures - 1) // count
        return min(CONNECT_TIMEOUT, IMPATIENCE * 2.0 ** min(rounds, 8))

    def welcomed(self, welcome: Welcome) -> None:
        """There is a link again."""
        self._node, self._region = welcome.node, welcome.region
        self.told(welcome.nodes)
        self._tour, self._place, self._failures, self._not_before = [], 0, 0, {}
        self._has_returned = False

    def told(self, nodes: Iterable[NodeAddress]) -> None:
        """There are these nodes now."""
        self._nodes = list(nodes)[:MAX_NODES]

    def hurry(self) -> None:
        """Something has changed here, so that what failed says little: all begins anew."""
        self._failures = 0
        if self._tour:
            self.url, self._place = self._tour[0], 1

    def returns(self) -> bool:
        """A link has opened: whether to leave it for the front of the tour, which is :attr:`url` then.

        When nobody could be reached for a whole round it was our own network that was away. The first that
        answers now is so by chance, and may be far; it is come back to, should the front still be lost.
        """
        if self._has_returned or self._failures <= len(self._tour) or self.url in self._tour[:1]:
            return False
        self._has_returned = True
        self._place -= 1
        self.url = self._tour[0]
        return True

    def lost(self, now: float, after: float, *, was_open: bool, is_leaving: bool) -> float:
        """A link has ended, or none came about: how many seconds to wait before going to :attr:`url`.

        ``after`` is what the server has said: for this client when it leaves, for its own address otherwise.
        """
        self._not_before[self.url] = now + believed(after)
        if not self._tour:
            others = self._others()
            self._tour = [*others, self.url] if is_leaving else [self.url, *others]
            self._place = 0 if was_open or is_leaving else 1
        self.url = self._tour[self._place % len(self._tour)]
        due = after if is_leaving else self._not_before.get(self.url, 0.0) - now
        wait = after_advice(due, self._failures // len(self._tour), self._random())
        self._place += 1
        self._failures += 1
        return wait

    def _others(self) -> list[str]:
        """All addresses but this one and those of nodes that leave, the best first."""
        ranks = {region: rank for rank, region in enumerate(self._regions or [self._region])}
        nodes = by_weight(self._nodes, self._random)
        nodes.sort(key=lambda node: ranks.get(node.region, len(ranks)))
        urls = {node: url for node in nodes if (url := named_url(node.url, self.url))}
        unwanted = {self.url, *(url for node, url in urls.items() if node.draining or self._is_here(node))}
        return [url for url in dict.fromkeys([*urls.values(), *self._given]) if url not in unwanted]

    def _is_here(self, node: NodeAddress) -> bool:
        return bool(node.id) and node.id == self._node
