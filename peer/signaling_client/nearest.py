"""Which of several nodes to use, by what was measured: the nearest region, and in it by weight.

Pure: round trips and chance come in. The twin is ``web/lib/signaling_client/nearest.js``;
``tests/vectors/nearest.json`` binds the two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

import msgspec

from peer.signaling_client.address import named_url
from signaling.protocol.parts import NodeAddress, Region

LEAST_GAIN = 0.010
"""Seconds by which another region must be nearer before it is preferred to where one is: less is chance."""
MAX_NODES = 256
"""Of a list; more are not looked at."""
MEASURED_PER_REGION = 2
"""One may be down, and one is as far as the other."""
MAX_MEASURED = 16


class Addresses(msgspec.Struct, frozen=True):
    """Where to look for the server."""

    urls: Sequence[str]
    """Those that the application knows, the one to try first at the front; at least one."""
    regions: Sequence[str] = ()
    """As far as they were measured, the nearest first."""


class Measured(msgspec.Struct, frozen=True):
    """A node, and how long it took to answer."""

    node: NodeAddress
    rtts: Sequence[float | None]
    """Seconds, one for each request; None: no answer."""

    @property
    def rtt(self) -> float:
        """The median; infinite when most requests failed."""
        return median([math.inf if rtt is None else rtt for rtt in self.rtts] or [math.inf])


class Answer(msgspec.Struct, frozen=True):
    """What ``/v1/regions`` of one node says."""

    region: Region
    node: str
    nodes: list[NodeAddress]


def candidates(answers: Mapping[str, Answer], random: Callable[[], float]) -> list[NodeAddress]:
    """Which nodes to measure, by what those at the known addresses say: these, and a few of each region by
    weight, each once, and none that leaves. Their urls are what a link dials, as the keys are.
    """
    known: dict[str, NodeAddress] = {}
    counts: Counter[str] = Counter()
    leaving = set[str]()
    for url, answer in answers.items():
        known[url] = NodeAddress(url, answer.region, id=answer.node)
        counts[answer.region] += 1
    for url, answer in answers.items():
        for node in by_weight(answer.nodes[:MAX_NODES], random):
            named = named_url(node.url, url)
            if node.draining:
                leaving |= {named, node.id} - {""}
            elif named and named not in known and counts[node.region] < MEASURED_PER_REGION:
                known[named] = msgspec.structs.replace(node, url=named)
                counts[node.region] += 1
    staying = [node for url, node in known.items() if not {url, node.id} & leaving]
    return staying[:MAX_MEASURED]


def nearest(
    measured: Iterable[Measured], current: str, random: Callable[[], float]
) -> tuple[list[NodeAddress], list[str]]:
    """The nodes, the best first, and the regions that answered, the nearest first.

    ``current`` is the url of the node that one is at, or would use: it stays at the front unless another
    region is nearer by :data:`LEAST_GAIN`. Nodes that leave are left out; those that do not answer are last.
    """
    usable = [each for each in measured if not each.node.draining]
    rtts: dict[str, float] = {}
    for each in usable:
        rtts[each.node.region] = min(rtts.get(each.node.region, math.inf), each.rtt)
    at = next((each for each in usable if each.node.url == current and each.rtt < math.inf), None)
    home = None if at is None else at.node.region
    if home is not None:
        rtts[home] -= LEAST_GAIN
    # Sorting keeps the order of what is equal: that in which they were named.
    regions = sorted((region for region in rtts if rtts[region] < math.inf), key=lambda region: rtts[region])
    ranks = {region: rank for rank, region in enumerate(regions)}
    drawn = by_weight([each.node for each in usable], random)
    place = {node.url: place for place, node in enumerate(drawn)}

    def goodness(each: Measured) -> tuple[bool, int, bool, int]:
        node = each.node
        is_lost = each.rtt == math.inf
        return is_lost, ranks.get(node.region, len(ranks)), node.url != current, place[node.url]

    return [each.node for each in sorted(usable, key=goodness)], regions


def by_weight(nodes: Iterable[NodeAddress], random: Callable[[], float]) -> list[NodeAddress]:
    """In an order of chance, in which a node with twice the weight is twice as often the first.

    Each draws an exponentially distributed number (Efraimidis and Spirakis 2006).
    """
    drawn = [(-math.log(1.0 - random()) / _weight(node), node) for node in nodes]
    return [node for _, node in sorted(drawn, key=lambda pair: pair[0])]


def _weight(node: NodeAddress) -> float:
    """What a server may have got wrong: without a good weight a node is used when there is no other."""
    return node.weight if 0.0 < node.weight < math.inf else 1e-9
