"""A call in the lab: our server, and two peers, each on a machine of its own."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import msgspec

from peer.testing.network import PERFECT, Conditions
from tests.natlab.actors import Actor, started
from tests.natlab.arrivals import Arrivals
from tests.natlab.browser import page_on
from tests.natlab.lab import Lab, Machine
from tests.natlab.servers import TURN_PORT, TURN_SECRET, Server, signaling_on, turn_on

SERVER_ADDRESS = "203.0.113.10"
TURN_ADDRESSES = ("203.0.113.21", "203.0.113.22")
PEER_ADDRESSES = ("10.1.0.2", "10.2.0.2")
ROOM = "lab"
SETTINGS = {"PEERLANE_LIMITS_LINKS_PER_SECOND_PER_ADDRESS": "1000"}
DELIVERY_TIMEOUT = 60.0

Engine = Literal["python", "chromium"]


class Party:
    """One of the two: its machine, and the program there that obeys."""

    def __init__(self, engine: Engine, machine: Machine, actor: Actor) -> None:
        self.engine = engine
        self.machine = machine
        self.actor = actor
        self.do = actor.do

    async def arrivals(self, label: str) -> Arrivals:
        return msgspec.convert(await self.do("arrivals", label=label), Arrivals, strict=False)


class Call:
    """``ana`` and ``ben`` are connected, and nothing is sent yet."""

    def __init__(
        self, lab: Lab, url: str, server: Machine, turn: list[tuple[Machine, Server]], parties: list[Party]
    ) -> None:
        self.lab = lab
        self.url = url
        self.server = server
        self.turn = turn
        self.ana, self.ben = parties

    @property
    def parties(self) -> tuple[Party, Party]:
        return self.ana, self.ben

    async def open(self, label: str, kind: str) -> None:
        """On both sides, before either sends."""
        for party in self.parties:
            await party.do("open", label=label, kind=kind)

    async def send(self, label: str, *, rate: float, size: int = 64) -> None:
        """Numbered messages, both ways."""
        for party in self.parties:
            await party.do("send", label=label, rate=rate, size=size)

    async def stop(self, label: str) -> tuple[int, int]:
        """How many Ana and Ben have sent."""
        return await self.ana.do("stop", label=label), await self.ben.do("stop", label=label)

    async def delivered(self, label: str, sent: tuple[int, int]) -> tuple[Arrivals, Arrivals]:
        """What has come from Ana and what from Ben, once all has, or no more does."""
        deadline = time.monotonic() + DELIVERY_TIMEOUT
        for sender_count, receiver in zip(sent, (self.ben, self.ana), strict=True):
            while await receiver.do("count", label=label) < sender_count:
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.1)
        return await self.ben.arrivals(label), await self.ana.arrivals(label)

    async def resumed_at(self, label: str, moment: float, within: float) -> float:
        """When messages sent after this moment had come both ways; infinity: not by then."""
        times = [
            await self._asked(party, "resumed_at", within, moment, label=label) for party in self.parties
        ]
        return max(times)

    async def heard_at(self, moment: float, within: float) -> float:
        """When both heard the other again after this moment; infinity: not by then."""
        return max([await self._asked(party, "heard_at", within, moment) for party in self.parties])

    async def talk(self) -> None:
        """Both send sound; a page does that by itself."""
        for party in self.parties:
            if party.engine == "python":
                await party.do("play")

    async def told(self, what: str, since: float) -> int:
        """How often applications were told of this since then: ``PeerInterrupted``, ``PeerRestored`` …"""
        happened = [each for party in self.parties for each in await party.do("happened")]
        return sum(name == what and at >= since for at, name in happened)

    async def connected(self, within: float) -> bool:
        """Whether both say, by then, that they are."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            looks = [await party.do("look") for party in self.parties]
            if all(look["peer"] == "connected" for look in looks):
                return True
            await asyncio.sleep(0.1)
        return False

    async def _asked(self, party: Party, what: str, within: float, moment: float, **more: Any) -> float:
        deadline = moment + within
        while (at := await party.do(what, moment=moment, **more)) is None:
            if time.monotonic() > deadline:
                return math.inf
            await asyncio.sleep(0.1)
        return float(at)

    async def route(self, party: Party, wanted: Callable[[dict[str, Any]], bool], within: float) -> bool:
        """Whether the statistics of this party become so by then."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if wanted((await party.do("look"))["statistics"]):
                return True
            await asyncio.sleep(0.1)
        return False


@asynccontextmanager
async def call(
    engines: Sequence[Engine] = ("python", "python"),
    *,
    conditions: Conditions = PERFECT,
    turn_servers: int = 0,
    seed: int = 0,
    before: Callable[[Lab, Machine, Machine], None] = lambda lab, ana, ben: None,
) -> AsyncIterator[Call]:
    """Both are connected; ``conditions`` hold between them. ``before`` may spoil the network first."""
    async with AsyncExitStack() as stack:
        lab = stack.enter_context(Lab(seed=seed))
        server = lab.machine("server", SERVER_ADDRESS)
        turn = [_turn(lab, stack, address) for address in TURN_ADDRESSES[:turn_servers]]
        settings = dict(SETTINGS)
        if turn:
            servers = [
                {"urls": [f"turn:{machine.address}:{TURN_PORT}"], "secrets": [TURN_SECRET]}
                for machine, _ in turn
            ]
            settings["PEERLANE_ICE_TURN"] = json.dumps(servers)
        _, url = stack.enter_context(signaling_on(server, settings))
        machines = [
            lab.machine(name, address) for name, address in zip(("ana", "ben"), PEER_ADDRESSES, strict=True)
        ]
        lab.between(machines[0], machines[1], conditions)
        before(lab, machines[0], machines[1])
        parties = []
        for engine, machine in zip(engines, machines, strict=True):
            actor = await stack.enter_async_context(_actor(engine, machine, url))
            parties.append(Party(engine, machine, actor))
        await asyncio.gather(*(party.do("connect") for party in parties))
        yield Call(lab, url, server, turn, parties)


def _turn(lab: Lab, stack: AsyncExitStack, address: str) -> tuple[Machine, Server]:
    machine = lab.machine(f"turn{address.rsplit('.', 1)[1]}", address)
    return machine, stack.enter_context(turn_on(machine))


@asynccontextmanager
async def _actor(engine: Engine, machine: Machine, url: str) -> AsyncIterator[Actor]:
    if engine == "chromium":
        async with page_on(machine, url, ROOM, machine.name) as page:
            yield page
    else:
        program = [sys.executable, "-m", "tests.natlab.peer_process", url, ROOM, machine.name]
        async with started(machine.command(*program)) as process:
            # The first answer comes when it is in the room.
            yield process
