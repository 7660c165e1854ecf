"""Networks with programs in them that are ready: two of each kind, so that each can meet each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.natlab.actors import Actor, Process, started
from tests.natlab.nat.internet import Client, Internet
from tests.natlab.nat.networks import Network
from tests.natlab.nat.services import Services, services

ROOT = Path(__file__).parents[3]


class Place:
    """A client in a network, and what it runs. Only one meeting at a time: take ``turn``."""

    def __init__(self, network: Network, client: Client, peer: Actor, bare: Process | None) -> None:
        self.network = network
        self.client = client
        self.peer = peer
        self.turn = asyncio.Lock()
        self._bare = bare

    @property
    def bare(self) -> Process:
        assert self._bare is not None, "there are no bare peers in this lab"
        return self._bare


class World:
    """``offering`` and ``answering`` have a place for each network, by its name."""

    def __init__(self, internet: Internet, services: Services) -> None:
        self.internet = internet
        self.services = services
        self.offering: dict[str, Place] = {}
        self.answering: dict[str, Place] = {}


@asynccontextmanager
async def world(
    networks: Iterable[Network], *, bare: bool = False, silent: bool = False
) -> AsyncIterator[World]:
    """All places ready, their programs started; ``silent`` as in :func:`services`."""
    async with AsyncExitStack() as stack:
        internet = stack.enter_context(Internet())
        made = World(internet, stack.enter_context(services(internet, silent=silent)))
        for network in networks:
            for places in (made.offering, made.answering):
                client = internet.place(network)
                places[network.name] = await place_in(stack, made, network, client, bare=bare)
        every = [*made.offering.values(), *made.answering.values()]
        # Not while others are timed.
        await asyncio.gather(*(each.peer.do("ready") for each in every))
        if bare:
            await asyncio.gather(*(each.bare.do("ready") for each in every))
        yield made


async def place_in(
    stack: AsyncExitStack, made: World, network: Network, client: Client, *, bare: bool = False
) -> Place:
    """This client with a peer of ours, and with a bare one if that is asked for."""
    peer = await program(stack, made, client, "tests.natlab.nat.meeting_process")
    other = await program(stack, made, client, "tests.natlab.nat.bare_process") if bare else None
    return Place(network, client, peer, other)


async def program(stack: AsyncExitStack, made: World, client: Client, module: str) -> Process:
    environment = [f"{name}={value}" for name, value in made.services.environment.items()]
    command = client.command("env", *environment, sys.executable, "-m", module)
    return await stack.enter_async_context(started(command))
