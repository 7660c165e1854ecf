"""Does what the rules ask for: effects become messages in outboxes, and all queues stay within their bounds.

``perform`` never waits: nobody steps in between two effects, so what one message causes reaches
every outbox in order.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable

from signaling.bus import Bus
from signaling.effects import Close, ClusterEffect, Deliver, DeliverAll, Effect, Replay, Slow
from signaling.hub.hub import Hub
from signaling.limits import largest
from signaling.metrics import Metrics
from signaling.pressure import Pressure, give_back_memory
from signaling.protocol.errors import FAULT, SLOW, CloseReason
from signaling.protocol.messages import Bye, Join, Refused, Word
from signaling.transports.link import Link

log = logging.getLogger("signaling.performer")

# Seconds; it goes through the whole heap.
GIVE_BACK_INTERVAL = 1.0


class Performer:
    """The links of a node, and all that is said on them. ``now`` is a monotonic clock."""

    def __init__(
        self, hub: Hub, metrics: Metrics, most_queued: int, now: Callable[[], float], bus: Bus | None = None
    ) -> None:
        self.links: set[Link] = set()
        self._hub = hub
        self._bus = bus
        self._metrics = metrics
        self._now = now
        self._most_queued = most_queued
        self._queued_at_most = 0
        """Bytes in all outboxes: counted now and then, and added to with each message since."""
        self._effects: deque[Effect] = deque()
        self._performing = False
        self._give_back_at = 0.0
        self._mailboxes_shed = 0
        """Of them are counted."""

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the rules ask for, without waiting.

        An effect may cause others, as when a link proves too slow. They come after all that were
        asked for before: both ends of a session count messages, so their order must be the hub's.
        """
        self._effects.extend(effects)
        if self._performing:
            return
        self._performing = True
        try:
            while self._effects:
                effect = self._effects.popleft()
                try:
                    self._perform_one(effect)
                except Exception:
                    # Whoever was not told must not go on counting as if nothing had been said.
                    log.exception("! an effect failed")
                    for link in _links_of(effect):
                        self.cut_off(link, FAULT)
        finally:
            self._performing = False

    def _perform_one(self, effect: Effect) -> None:
        if isinstance(effect, Deliver):
            self.say(effect.link, effect.message, effect.link.codec.encode(effect.message))
        elif isinstance(effect, DeliverAll):
            self._say_to_all(effect.links, effect.message)
        elif isinstance(effect, Replay):
            encode = effect.link.codec.encode
            effect.link.put_replay([encode(message) for message in effect.messages])
        elif isinstance(effect, Slow):
            effect.link.pause = max(effect.link.pause, effect.wait)
        elif isinstance(effect, Close):
            self.close(effect.link, effect.reason)
        elif self._bus is not None:
            self._bus.perform(effect)

    def say(self, link: Link, message: Word, encoded: bytes) -> None:
        self._metrics.messages_out[type(message)] += 1
        if isinstance(message, Refused):
            self._metrics.refused[message.code] += 1
        if encoded and not link.put(encoded):
            self.cut_off(link, SLOW)
        self._queued_at_most += len(encoded)
        if self._queued_at_most > self._most_queued:
            self._shed(self._most_queued)

    def _say_to_all(self, links: list[Link], message: Word) -> None:
        written: dict[str, bytes] = {}
        for link in links:
            codec = link.codec
            encoded = written.get(codec.subprotocol) if codec.is_shared else codec.encode(message)
            if encoded is None:
                encoded = written[codec.subprotocol] = codec.encode(message)
            self.say(link, message, encoded)

    def cut_off(self, link: Link, reason: CloseReason) -> None:
        """Close a link on our own account; its session waits for the next one."""
        session, link.session = link.session, None
        self.close(link, reason)
        if session is not None:
            self.perform(self._hub.link_lost(session, link, self._now()))

    def close(self, link: Link, reason: CloseReason, after: float | None = None) -> None:
        """``after``: so many seconds this client is to stay away, instead of what the reason says."""
        if link.closing:
            return
        self._metrics.closed[reason.name] += 1
        bye = Bye(reason.code, reason.text, reason.come_back, reason.after if after is None else after)
        link.close(reason, link.codec.encode(bye))

    def asked(self, link: Link, join: Join) -> None:
        """Somebody has asked to join; here nobody wants to know how long the answer takes."""

    def relieve(self, pressure: Pressure) -> None:
        """While memory is short, halve what waits in queues, again and again."""
        self._metrics.shed += self._hub.mailboxes_shed - self._mailboxes_shed
        self._mailboxes_shed = self._hub.mailboxes_shed
        pressure.look()
        if pressure.shortage == "memory":
            self._hub.shed(self._hub.kept_bytes // 2)
            self._shed(self.queued_bytes() // 2)
            if self._now() >= self._give_back_at:
                give_back_memory()
                self._give_back_at = self._now() + GIVE_BACK_INTERVAL

    def _shed(self, limit: int) -> None:
        """Keep all outboxes together under a limit: the links with the largest end."""
        self._queued_at_most = self.queued_bytes()
        # A margin, or the next message would count everything again.
        if self._queued_at_most <= limit - limit // 16:
            return
        queued = [(link.outbox.bytes, link) for link in self.links]
        for link in largest(queued, self._queued_at_most - (limit - limit // 8)):
            self._metrics.shed += 1
            self._queued_at_most -= link.outbox.bytes
            link.outbox.clear()
            self.cut_off(link, SLOW)

    def largest_outbox(self) -> int:
        """Bytes in the fullest."""
        return max((link.outbox.bytes for link in self.links), default=0)

    def queued_bytes(self) -> int:
        """In all outboxes."""
        return sum(link.outbox.bytes for link in self.links)


def _links_of(effect: Effect) -> list[Link]:
    if isinstance(effect, DeliverAll):
        return effect.links
    return [] if isinstance(effect, ClusterEffect) else [effect.link]
