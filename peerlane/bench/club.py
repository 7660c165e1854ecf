"""What the load members of one process share: clocks, counts, and who has something to say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

import msgspec

from peerlane.bench.link import Dialler
from peerlane.bench.sequences import Ledger
from peerlane.bench.tally import Tally
from peerlane.bench.waves import bucket_of

if TYPE_CHECKING:
    from peerlane.bench.member import Member


class Club(msgspec.Struct):
    """What the members of one process share."""

    dialler: Dialler
    tasks: asyncio.TaskGroup
    now: Callable[[], float]
    random: Callable[[], float]
    tally: Tally
    ledger: Ledger
    token: str = ""
    began: float = inf
    """When the run did: what happens before is not drawn over time."""
    is_over: bool = False
    """Nobody comes back any more."""
    owing: set[Member] = msgspec.field(default_factory=set)
    """Who has acknowledgements to say, or waits for some."""

    def mark(self, counts: dict[int, int]) -> None:
        """One more in this tenth of a second."""
        if (now := self.now()) >= self.began:
            bucket = bucket_of(now - self.began)
            counts[bucket] = counts.get(bucket, 0) + 1
