"""One RTCPeerConnection of a pair and what belongs to it; a rebuild makes the next one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

from peer.control import Control
from peer.engine.peer_connection import PeerConnection
from peer.negotiation import AddCandidate, ApplyAnswer, ApplyOffer, MakeAnswer, MakeOffer, ToPerform
from peer.slots import Slots
from peer.wire import Bye, ControlMessage
from signaling.protocol.signals import Slot

log = logging.getLogger("peer")

DELIVERY_TIMEOUT = 1.5
"""A peer that is there acknowledges in less; whoever waits for us to leave should not wait for longer."""
MAX_WAITING_EFFECTS = 1024
"""More than a peer can need; past it the run has failed."""


class Run:
    """Performs what negotiation asks, one after the other.

    ``prepared`` is called when data channels may be made, ``described`` with each description that may
    be sent, ``settled`` after each round, ``failed`` when one could not be done. ``wanted`` says which
    slots the other side has asked for. ``sends`` is told in which slots one sends that has no data channels,
    and so cannot say it itself: clients of other protocols.
    """

    def __init__(
        self,
        generation: int,
        pc: PeerConnection,
        slots: Slots,
        *,
        wanted: Callable[[], Iterable[Slot]],
        prepared: Callable[[], Control],
        described: Callable[[Literal["offer", "answer"], str, dict[str, str]], None],
        sends: Callable[[list[str]], None],
        settled: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        self.generation = generation
        self.pc = pc
        self.slots = slots
        self.control: Control | None = None
        self._wanted = wanted
        self._prepared = prepared
        self._described = described
        self._sends = sends
        self._settled = settled
        self._failed = failed
        self._effects: asyncio.Queue[ToPerform] = asyncio.Queue(MAX_WAITING_EFFECTS)
        self._task = asyncio.create_task(self._work())

    def put(self, effect: ToPerform) -> None:
        try:
            self._effects.put_nowait(effect)
        except asyncio.QueueFull:
            self._failed()

    def say(self, message: ControlMessage) -> bool:
        """Over the control channel; False while it is not open."""
        return self.control is not None and self.control.say(message)

    async def close(self, *, farewell: Callable[[], Awaitable[None]] | None = None) -> None:
        """Never hangs. With ``farewell``, which waits until all has been handed over, what was sent arrives
        first, and then a goodbye.
        """
        self._task.cancel()
        await asyncio.wait([self._task])
        if farewell is not None:
            await self._say_goodbye(farewell)
        await self.slots.close()
        await self.pc.close()

    async def _say_goodbye(self, handed_over: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(DELIVERY_TIMEOUT):
                await handed_over()
        except TimeoutError:
            return
        if await self.pc.wait_delivered(DELIVERY_TIMEOUT) and self.say(Bye()):
            await self.pc.wait_delivered(DELIVERY_TIMEOUT)

    async def _work(self) -> None:
        while True:
            effect = await self._effects.get()
            try:
                await self._perform(effect)
            except Exception:
                # The other side may say anything, and aiortc raises anything.
                log.warning("! a description could not be used; the connection is rebuilt", exc_info=True)
                self._failed()
                return

    async def _perform(self, effect: ToPerform) -> None:
        match effect:
            case MakeOffer():
                await self.pc.wait_turn()
                self.slots.ensure(self._wanted())
                self._prepare()
                sdp = await self.pc.make_offer(restart=effect.restart)
                self._described("offer", sdp, self.slots.by_mid)
            case ApplyOffer():
                offer = await self.pc.apply("offer", effect.sdp)
                self.slots.adopt(effect.slots)
                if offer.has_channels:
                    self._prepare()
                else:
                    by_mid = self.slots.by_mid
                    self._sends([by_mid[mid] for mid in offer.sending if mid in by_mid])
            case MakeAnswer():
                self._described("answer", await self.pc.make_answer(), self.slots.by_mid)
                self._settle()
            case ApplyAnswer():
                await self.pc.apply("answer", effect.sdp)
                self._settle()
            case AddCandidate():
                self.pc.add_candidate(effect.candidate)

    def _prepare(self) -> None:
        if self.control is None:
            self.control = self._prepared()

    def _settle(self) -> None:
        self.slots.listen()
        self._settled()
