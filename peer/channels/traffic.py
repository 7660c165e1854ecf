"""Hands to the lanes of one connection what waits for them, in the scheduler's order."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from peer.channels.carrier import Carrier
from peer.channels.flight import Flight
from peer.channels.kinds import BULK
from peer.channels.outgoing import Told
from peer.channels.pace import Pace
from peer.channels.scheduler import Marks, Scheduler
from peer.wire import PACKET_FRAGMENT_BYTES

MARKS = Marks(realtime_bytes=4 * 1024, ordered_bytes=PACKET_FRAGMENT_BYTES + 1)
"""aiortc has one queue for all lanes: what lies in it delays whatever comes after."""

PACE_TICK = 0.001
"""Seconds. An event loop does not wait for less."""


class Traffic:
    """``violated`` is called when the other side makes it impossible."""

    def __init__(self, violated: Callable[[str], None]) -> None:
        self._violated = violated
        self._scheduler: Scheduler[Carrier] = Scheduler(MARKS)
        self._buffering: set[Carrier] = set()
        """Those that may have something in the buffer of their lane."""
        self._flights: dict[Carrier, Flight] = {}
        self._is_pumping = False
        self._is_wanted = False
        """Whether there may be something to hand over."""
        self._next_turn: asyncio.Handle | None = None
        self._pace = Pace()
        self._pace_timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """A new connection: nothing is known of its path."""
        self._scheduler = Scheduler(MARKS)
        self._buffering.clear()
        self._flights.clear()
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None
        self._pace = Pace()
        if self._pace_timer is not None:
            self._pace_timer.cancel()
            self._pace_timer = None

    def hurry(self) -> None:
        """The connection is about to end: BULK goes out as the rest does."""
        self._scheduler.window.lift()
        self.pump()

    def waits(self, carrier: Carrier) -> None:
        """Something may have come to wait here, or may go now."""
        self._tell(carrier, time.monotonic())
        self.pump()

    def forget(self, carrier: Carrier) -> None:
        """Its lane is gone."""
        self._scheduler.waits(carrier, carrier.kind, 0)
        self._buffering.discard(carrier)
        self._flights.pop(carrier, None)
        # Whoever waited because of what lay there waits no more.
        self.pump()

    def acknowledge(self, carrier: Carrier, messages: object, lane_bytes: object, held: object) -> bool:
        """Whether that is news. ``held`` says for how many milliseconds the last byte has waited for it."""
        # A bool is an int to Python, and not to the other language.
        if isinstance(held, bool) or not isinstance(held, int | float) or not 0 <= held < math.inf:
            return False
        if carrier.acknowledge(messages, lane_bytes) is not Told.NEW:
            return False
        flight = self._flights.get(carrier)
        if flight is not None and isinstance(lane_bytes, int):
            handed_at = flight.acknowledged(lane_bytes)
            if handed_at is not None:
                self._scheduler.window.sample(handed_at, time.monotonic() - held / 1000)
            self.pump()
        return True

    def pump(self) -> None:
        """Hand over what may go now."""
        # What is told from here may lead here again.
        self._is_wanted = True
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while self._is_wanted:
                self._is_wanted = False
                self._hand_over()
        except ValueError:
            self._violated("the other side takes no messages of a packet's length")
        finally:
            self._is_pumping = False
        if self._scheduler.has_begun_turn and self._next_turn is None:
            self._next_turn = asyncio.get_running_loop().call_soon(self._begin_turn)

    def _hand_over(self) -> None:
        now = time.monotonic()
        buffered_bytes = self._buffered_bytes()
        in_flight_bytes = sum(carrier.in_flight_bytes for carrier in self._flights)
        wait = self._pace.wait(self._scheduler.window.rate, now)
        while True:
            carrier = self._scheduler.next(buffered_bytes, in_flight_bytes, is_paced=wait > 0)
            if carrier is None:
                break
            if carrier.next_bytes(now):
                size = carrier.send_next()
                buffered_bytes += size
                self._buffering.add(carrier)
                if carrier.kind is BULK:
                    in_flight_bytes += size
                    self._flights.setdefault(carrier, Flight()).handed(size, now)
                    self._pace.spend(size)
                    wait = self._pace.wait(self._scheduler.window.rate, now)
            self._tell(carrier, now)
        if wait > 0 and self._scheduler.has_bulk and self._pace_timer is None:
            self._pace_timer = asyncio.get_running_loop().call_later(max(wait, PACE_TICK), self._pace_over)

    def _tell(self, carrier: Carrier, now: float) -> None:
        next_bytes = carrier.next_bytes(now)
        self._scheduler.waits(carrier, carrier.kind, next_bytes)
        if not next_bytes:
            carrier.carried.emptied()

    def _buffered_bytes(self) -> int:
        total = 0
        for carrier in list(self._buffering):
            buffered_bytes = carrier.buffered_bytes
            total += buffered_bytes
            if not buffered_bytes:
                self._buffering.discard(carrier)
        return total

    def _pace_over(self) -> None:
        self._pace_timer = None
        self.pump()

    def _begin_turn(self) -> None:
        self._next_turn = None
        self._scheduler.begin_turn()
        self.pump()
