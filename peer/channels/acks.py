"""Tells the other side what has arrived of ordered channels: soon when it was much, otherwise later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from peer.channels.carrier import Carrier
from peer.wire import ACK_DELAY, Ack


class Acks:
    """``say`` speaks over the control channel, or says False when it cannot."""

    def __init__(self, say: Callable[[Ack], bool]) -> None:
        self._say = say
        self._unacknowledged: dict[Carrier, float] = {}
        """When something came last of each; ``now`` is monotonic, in seconds."""
        self._timer: asyncio.TimerHandle | None = None

    def came(self, carrier: Carrier) -> None:
        """A data-channel message of an ordered channel."""
        if carrier.incoming is None:
            return
        self._unacknowledged[carrier] = time.monotonic()
        if carrier.incoming.is_ack_due:
            self._say_now()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ACK_DELAY, self._say_now)

    def say_all(self, carriers: Iterable[Carrier]) -> None:
        """The other side can hear us again, and may not know what had arrived before."""
        for carrier in carriers:
            if carrier.incoming is not None and carrier.incoming.received:
                self._unacknowledged.setdefault(carrier, time.monotonic())
        self._say_now()

    def forget(self, carrier: Carrier) -> None:
        self._unacknowledged.pop(carrier, None)

    def stop(self) -> None:
        """Nothing can be said for now."""
        self._unacknowledged.clear()
        self._cancel_timer()

    def _say_now(self) -> None:
        self._cancel_timer()
        now = time.monotonic()
        received = {
            carrier.id: (*carrier.incoming.acknowledged(), round((now - came_at) * 1000, 1))
            for carrier, came_at in self._unacknowledged.items()
            if carrier.incoming is not None
        }
        self._unacknowledged.clear()
        if received:
            # What could not be said is said when the control channel opens.
            self._say(Ack(received))

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
