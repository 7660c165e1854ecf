"""Which of many nodes clients are told of: a list of all would be long, and said anew with each change."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable

from signaling.protocol.parts import NodeAddress

MAX_OFFERED = 16
NEAR = 6
"""Of the node's own region, besides itself."""
FAR = 2
"""Of each other region."""


def offered(me: str, region: str, nodes: Iterable[NodeAddress]) -> list[NodeAddress]:
    """A few, this node first, then those of its region; as long as they live the same ones.

    Each node draws a number for each other, always the same, and the highest win (weighted rendezvous): so
    every node sends its clients to others, and most changes concern few.
    """
    here: list[NodeAddress] = []
    others: list[tuple[bool, float, NodeAddress]] = []
    for node in nodes:
        if node.id == me:
            here.append(node)
        elif not node.draining:
            others.append((node.region != region, -_score(me, node), node))
    found, counts = here[:1], Counter[str]()
    for is_far, _, node in sorted(others, key=lambda each: each[:2]):
        if counts[node.region] < (FAR if is_far else NEAR) and len(found) < MAX_OFFERED:
            counts[node.region] += 1
            found.append(node)
    return found


def _score(me: str, node: NodeAddress) -> float:
    # By its address: a node that has only been started again is the same to clients.
    digest = hashlib.sha256(f"{me}\n{node.url}".encode()).digest()
    # Between 0 and 1, and never one of them.
    drawn = (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
    weight = node.weight if 0.0 < node.weight < math.inf else 1e-9
    return -weight / math.log(drawn)
