"""The performer of a node that is traced: it knows how long those who join have waited for an answer."""

from __future__ import annotations

from collections.abc import Callable

from signaling.bus import Bus
from signaling.hub.hub import Hub
from signaling.metrics import Metrics
from signaling.performer import Performer
from signaling.protocol.messages import Join, Joined, Refused, Waiting, Word
from signaling.tracing import Tracer
from signaling.transports.link import Link

MAX_JOINING = 1_000
"""Joins that wait for an answer; of more, the oldest are not told of."""


class TracedPerformer(Performer):
    """A class of its own, so that a node without traces asks nothing with each message that it says."""

    def __init__(
        self,
        tracer: Tracer,
        hub: Hub,
        metrics: Metrics,
        most_queued: int,
        now: Callable[[], float],
        bus: Bus | None,
    ) -> None:
        super().__init__(hub, metrics, most_queued, now, bus)
        self._tracer = tracer
        self._joining: dict[tuple[Link, int], float] = {}

    def asked(self, link: Link, join: Join) -> None:
        self._joining[link, join.request] = self._now()
        if len(self._joining) > MAX_JOINING:
            del self._joining[next(iter(self._joining))]

    def say(self, link: Link, message: Word, encoded: bytes) -> None:
        super().say(link, message, encoded)
        if isinstance(message, Joined | Waiting | Refused) and message.request is not None:
            asked_at = self._joining.pop((link, message.request), None)
            if asked_at is not None:
                outcome = (
                    message.code.value if isinstance(message, Refused) else type(message).__name__.lower()
                )
                self._tracer.happened("join", self._now() - asked_at, {"peerlane.outcome": outcome})
