"""What an administrator orders: done here, and told to the other nodes, so that any of them may be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from signaling.bus import Bus
from signaling.cluster.words import Announce, Clear, Expel, NodeWord, Oust
from signaling.effects import Effect, Tell
from signaling.hub.hub import Hub
from signaling.performer import Performer
from signaling.protocol.ids import PeerId, RoomName

Outcome = Literal["done", "passed-on", "unknown"]
"""``passed-on``: nobody who is known here is meant, and the other nodes have been told."""


class Orders:
    """Of one node."""

    def __init__(self, hub: Hub, performer: Performer, bus: Bus | None, now: Callable[[], float]) -> None:
        self._hub = hub
        self._performer = performer
        self._bus = bus
        self._now = now

    def close_room(self, name: RoomName) -> Outcome:
        """Everybody is thrown out, at all nodes."""
        return self._at_all(self._hub.orders.clear(name, self._now()), Clear(name))

    def throw_out(self, name: RoomName, peer: PeerId, ban: float, reason: str) -> Outcome:
        """One member, which another node may have."""
        effects = self._hub.orders.oust(name, peer, ban, reason, self._now())
        return self._where_it_is(effects, Oust(name, peer, ban, reason))

    def expel(self, peer: PeerId) -> Outcome:
        """A session ends for good."""
        return self._where_it_is(self._hub.expel(peer), Expel(peer))

    def announce(self, name: RoomName, payload: bytes) -> Outcome:
        """Tell everybody in a room, at all nodes; ``payload`` is good JSON."""
        effects = self._hub.orders.announce(name, msgspec.Raw(payload))
        return self._at_all(effects, Announce(name, payload))

    def _where_it_is(self, effects: list[Effect] | None, word: NodeWord) -> Outcome:
        if effects is None:
            return self._at_all(None, word)
        self._performer.perform(effects)
        return "done"

    def _at_all(self, effects: list[Effect] | None, word: NodeWord) -> Outcome:
        others = () if self._bus is None or not self._bus.is_there else self._bus.nodes.living
        told: list[Effect] = [Tell(tuple(node.id for node in others), word)] if others else []
        self._performer.perform([*told, *(effects or [])])
        if effects is not None:
            return "done"
        return "passed-on" if others else "unknown"
