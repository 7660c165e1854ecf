"""How nodes talk to each other: what every bus can do, and no more than that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

MAX_BODY_BYTES = 512 * 1024
"""The longest message: half of what a NATS server takes unless it is told otherwise."""

Heard = Callable[[str, bytes], None]
"""Subject and body; called on the loop, never waits. What it raises is logged, and goes no further."""

Changed = Callable[[bool], None]
"""Whether the bus is usable now. Called on the loop, only when it has changed."""


class BusAway(ConnectionError):  # noqa: N818  # named for what has happened, as its siblings are
    """The bus cannot be reached now, or does not answer."""


def _nobody_looks(_: float) -> None:
    pass


@dataclass(slots=True)
class BusFigures:
    """What a bus has measured of itself since it was made."""

    rtt_seconds: float = 0.0
    """How long the last beat took, through the bus and back."""
    missed: int = 0
    """Beats that were not back when the next one was due."""
    dropped: int = 0
    """Messages that were not sent because the bus was away or too slow."""
    reconnects: int = 0
    """How often the bus has become usable again."""
    late: int = 0
    """Messages that were not heard, because they came after their sender had given up that connection."""
    on_rtt: Callable[[float], None] = _nobody_looks
    """Told of every beat that is back; for a histogram."""


class Backplane(Protocol):
    """A bus, as one node sees it. A node never hears what it says itself.

    It may lose messages, and says so: whoever was told ``changed(False)`` has missed some. It delivers
    none twice, and those of one node on one subject, or to one node, in the order in which they were sent.
    """

    figures: BusFigures

    async def run(self, subjects: Collection[str], heard: Heard, changed: Changed) -> None:
        """Listen to these, and connect again for ever, until cancelled.

        ``changed(True)`` comes once all subscriptions are in place and a message has been through;
        ``changed(False)`` within 6 s of the bus being gone, frozen or half-open. What was said before it is
        cancelled is sent, for as long as a second.
        """

    def publish(self, subject: str, body: bytes, reached: asyncio.Future[bool] | None = None) -> None:
        """Say something; never waits. Dropped, and counted, while the bus is away.

        ``reached`` becomes whether anybody listens there, for a subject that this node does not listen to;
        it stays open when the bus cannot say.

        Raises ValueError when the body is longer than MAX_BODY_BYTES.
        """

    async def open(self, subject: str, question: bytes) -> bool:
        """Listen to this subject too, and once that is in place, say ``question`` on it.

        False when nobody else listens there. Raises BusAway when the bus is away or does not answer within
        a second; the subject is listened to all the same, as soon as the bus is back.
        """

    def close(self, subject: str) -> None:
        """Do not listen to this subject any more."""


def check_body(body: bytes) -> None:
    """Raises ValueError for what no bus takes."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"a message of {len(body)} bytes is longer than a bus takes ({MAX_BODY_BYTES})")
