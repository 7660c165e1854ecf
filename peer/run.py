"""One RTCPeerConnection of a pair and what belongs to it; a rebuild makes the next one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Literal

from peer.control import Control
from peer.engine.peer_connection import PeerConnection
from peer.negotiation import AddCandidate, ApplyAnswer, ApplyOffer, MakeAnswer, MakeOffer, ToPerform
from peer.slots import Slots
from signaling.protocol.messages import Slot

log = logging.getLogger("peer")

MAX_WAITING_EFFECTS = 1024
"""More than a peer can need; past it the run has failed."""


class Run:
    """Performs what negotiation asks, one after the other.

    ``described`` gets each description that may be sent, ``settled`` is called after each round,
    ``failed`` when one could not be done. ``wanted`` says which slots the other side has asked for.
    """

    def __init__(
        self,
        generation: int,
        pc: PeerConnection,
        slots: Slots,
        control: Control,
        *,
        wanted: Callable[[], Iterable[Slot]],
        described: Callable[[Literal["offer", "answer"], str, dict[str, str]], None],
        settled: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        self.generation = generation
        self.pc = pc
        self.slots = slots
        self.control = control
        self._wanted = wanted
        self._described = described
        self._settled = settled
        self._failed = failed
        self._effects: asyncio.Queue[ToPerform] = asyncio.Queue(MAX_WAITING_EFFECTS)
        self._task = asyncio.create_task(self._work())

    def put(self, effect: ToPerform) -> None:
        try:
            self._effects.put_nowait(effect)
        except asyncio.QueueFull:
            self._failed()

    async def close(self) -> None:
        """Never hangs."""
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.slots.close()
        await self.pc.close()

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
                self.slots.ensure(self._wanted())
                self._described("offer", await self.pc.make_offer(), self.slots.by_mid)
            case ApplyOffer():
                await self.pc.apply("offer", effect.sdp)
                self.slots.adopt(effect.slots)
            case MakeAnswer():
                self._described("answer", await self.pc.make_answer(), self.slots.by_mid)
                self._settle()
            case ApplyAnswer():
                await self.pc.apply("answer", effect.sdp)
                self._settle()
            case AddCandidate():
                self.pc.add_candidate(effect.candidate)

    def _settle(self) -> None:
        self.slots.listen()
        self._settled()
