"""A call of bare aiortc in the lab, for what ours is measured beside; its signaling never fails."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from peer.testing.network import Conditions
from tests.natlab.actors import Process, started
from tests.natlab.arrivals import Arrivals
from tests.natlab.calls import PEER_ADDRESSES
from tests.natlab.lab import Lab, Machine


class BareCall:
    """Channels ``numbers`` (reliable) and ``moves`` (unordered, never sent again) are open."""

    def __init__(self, lab: Lab, machines: list[Machine], actors: list[Process]) -> None:
        self.lab = lab
        self.machines = machines
        self.actors = actors

    async def arrivals(self, label: str) -> Arrivals:
        """What has come from Ana to Ben."""
        return msgspec.convert(await self.actors[1].do("arrivals", label=label), Arrivals, strict=False)


@asynccontextmanager
async def bare_call(conditions: Conditions, *, seed: int = 0) -> AsyncIterator[BareCall]:
    async with AsyncExitStack() as stack:
        lab = stack.enter_context(Lab(seed=seed))
        machines = [
            lab.machine(name, address) for name, address in zip(("ana", "ben"), PEER_ADDRESSES, strict=True)
        ]
        lab.between(machines[0], machines[1], conditions)
        command = (sys.executable, "-m", "benchmarks.bare_peer")
        actors = [await stack.enter_async_context(started(each.command(*command))) for each in machines]
        one, other = actors
        answer = await other.do("answer", sdp=await one.do("offer"))
        await one.do("accept", sdp=answer)
        await asyncio.gather(*(actor.do("wait_open") for actor in actors))
        yield BareCall(lab, machines, actors)
