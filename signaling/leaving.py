"""How a node leaves: each client is told at its own moment, and taken by another node."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from signaling.bus import Bus
from signaling.config import Config
from signaling.drain import Ask, Drain, Times, Turn, UnderWay, plan
from signaling.effects import Deliver
from signaling.hub.hub import Hub
from signaling.performer import Performer
from signaling.protocol.errors import DRAINING
from signaling.protocol.messages import Ping
from signaling.transports.foreign import ForeignCodec
from signaling.transports.link import Link

STEP = 0.05
"""Seconds between two looks at what has arrived."""
TAKE_TIMEOUT = 5.0
"""A client that has been told, and was to come to another node by now, is not waited for any longer."""
HANDED_OVER = 0.2
"""A session that is handed over is more work than a link: so many of them at a time, as a fraction."""
SPARE = 2.0
"""Seconds of the grace that are kept for the rest of the end."""


class Leaving:
    """Of one node."""

    def __init__(
        self,
        config: Config,
        hub: Hub,
        performer: Performer,
        bus: Bus | None,
        now: Callable[[], float],
    ) -> None:
        self._config = config
        self._hub = hub
        self._performer = performer
        self._bus = bus
        self._now = now

    def use(self, config: Config) -> None:
        """From now on this configuration holds."""
        self._config = config

    async def leave(self) -> None:
        """Takes as long as ``server.grace`` at the most; cancelling it tells whoever is left at once."""
        links = [link for link in self._performer.links if not link.closing]
        told = {link.session.id for link in links if link.session is not None}
        is_alone = self._bus is None or not self._bus.is_there or not self._bus.nodes.living
        left = max(0.0, self._config.server.grace - SPARE)
        rate = self._config.limits.links_per_second * (1.0 if is_alone else HANDED_OVER)
        times = Times(self._config.session.drain_window, rate, left, is_alone)
        now = self._now()
        drain = Drain(plan([(link, _turn(link)) for link in links], now, times, random.random))
        end = now + left
        try:
            while not drain.is_over:
                self._step(drain)
                await asyncio.sleep(STEP)
        finally:
            drain.hurry(self._now())
            self._step(drain)
        finishing = [asyncio.ensure_future(link.finish()) for link in self._performer.links]
        if finishing:
            await asyncio.wait(finishing)
        end = min(end, self._now() + TAKE_TIMEOUT)
        while not is_alone and self._now() < end and not told.isdisjoint(self._hub.sessions):  # noqa: ASYNC110 # sessions end in many ways
            await asyncio.sleep(STEP)

    def _step(self, drain: Drain) -> None:
        for step in drain.wake(self._now(), self._under_way):
            link: Link = step.link
            if isinstance(step, Ask):
                received = 0 if link.session is None else link.session.received
                self._performer.perform([Deliver(link, Ping(received))])
            else:
                self._performer.close(link, DRAINING, step.after)

    @staticmethod
    def _under_way(link: Link) -> UnderWay | None:
        if link.closing:
            return None
        session = link.session
        unconfirmed = 0 if session is None else session.mailbox.end - session.mailbox.first
        return UnderWay(len(link.outbox), unconfirmed)


def _turn(link: Link) -> Turn:
    return link.codec.dialect.turn if isinstance(link.codec, ForeignCodec) else Turn.NATIVE
