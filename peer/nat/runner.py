"""Runs a plan: everything at once where it can be, and all of it in time."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from peer.engine.ice.allocation import look_up
from peer.engine.ice.servers import ServerAddress
from peer.nat.endpoints import host_of
from peer.nat.observations import Family, Observations, StunAnswer
from peer.nat.plan import Plan, plan
from peer.nat.probes.behaviour import Found, Server, probe_behaviour, probe_binding
from peer.nat.probes.interfaces import has_ipv6, probe_interfaces
from peer.nat.probes.signaling import probe_signaling
from peer.nat.probes.turn import probe_turn
from signaling.protocol.messages import IceServer

log = logging.getLogger(__name__)

Tell = Callable[[str, float], None]
"""What is being done, and which fraction of the whole is done, 0 to 1."""
FAMILIES: tuple[Family, ...] = (4, 6)

NO_IPV6 = "This machine has no IPv6."


async def run(plan: Plan, progress: Tell | None = None) -> Observations:
    """Ask all that is planned. Never raises for what the network or a server does; ends in time."""
    running = Run(plan, progress or (lambda doing, fraction: None))
    try:
        async with asyncio.timeout(plan.options.timeout):
            await running.all()
    except TimeoutError:
        log.debug("not all was answered in time")
    return running.observations()


class Run:
    def __init__(self, plan: Plan, tell: Tell) -> None:
        self._plan = plan
        self._tell = tell
        self._began = time.monotonic()
        self._found: dict[str, Any] = {"interfaces": probe_interfaces(), "has_ipv6": has_ipv6()}
        for name in ("stun", "mapping", "filtering", "knock", "hairpin", "turn", "signaling"):
            self._found[name] = []
        self._skipped: dict[str, str] = {}
        self._steps = self._done = 0

    def observations(self) -> Observations:
        took = time.monotonic() - self._began
        return Observations(took=took, skipped=self._skipped, **self._found)

    async def all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for origin in self._plan.signaling:
                tasks.create_task(self._step(f"asking {host_of(origin)}", self._ask_peerlane(origin)))
            tasks.create_task(self._ask(self._plan.servers))

    @property
    def _left(self) -> float:
        return max(0.1, self._plan.options.timeout - (time.monotonic() - self._began))

    async def _step(self, doing: str, work: Awaitable[None]) -> None:
        self._steps += 1
        self._tell(doing, self._done / self._steps)
        await work
        self._done += 1
        self._tell(doing, self._done / self._steps)

    async def _ask_peerlane(self, origin: str) -> None:
        options = self._plan.options
        reached = await probe_signaling(
            origin, options.token, verify=not options.insecure, timeout=0.9 * self._left
        )
        self._found["signaling"].append(reached.answer)
        await self._ask(self._named(reached.servers))

    def _named(self, told: list[IceServer]) -> list[ServerAddress]:
        """Those of them that are not asked anyway."""
        again = plan(self._plan.options, unix_now=time.time(), told=told)
        if not isinstance(again, Plan):
            return []
        return [server for server in again.servers if server not in self._plan.servers]

    async def _ask(self, servers: list[ServerAddress]) -> None:
        if not servers:
            return
        asking = msgspec.structs.replace(self._plan, servers=servers)
        tls = _trusting() if self._plan.options.insecure else None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask_stun(asking.stun_servers))
            for server in asking.turn_servers:
                tasks.create_task(self._step(f"asking {server.url}", self._ask_turn(server, tls)))

    async def _ask_turn(self, server: ServerAddress, tls: ssl.SSLContext | None) -> None:
        self._found["turn"].append(await probe_turn(server, 0.95 * self._left, tls))

    async def _ask_stun(self, servers: list[ServerAddress]) -> None:
        found = await asyncio.gather(*(self._addresses(server) for server in servers))
        addresses = [address for each in found for address in each]
        answers: list[StunAnswer] = []

        async def bind(server: Server) -> None:
            answers.append(await probe_binding(server))

        async with asyncio.TaskGroup() as tasks:
            for each in addresses:
                tasks.create_task(self._step(f"asking {each.url}", bind(each)))
        self._found["stun"] += answers
        async with asyncio.TaskGroup() as tasks:
            for family in FAMILIES:
                if any(each.family == family and each.rtt is not None for each in answers):
                    tasks.create_task(
                        self._step(f"looking at the NAT over IPv{family}", self._behave(answers, family))
                    )

    async def _behave(self, answers: list[StunAnswer], family: Family) -> None:
        own = [each.address for each in self._found["interfaces"]]
        found = await probe_behaviour(answers, family, own, hairpin=self._plan.options.hairpin)
        for name in msgspec.structs.fields(Found):
            self._found[name.name] += getattr(found, name.name)

    async def _addresses(self, server: ServerAddress) -> list[Server]:
        """One of each family, those first that this machine gets to best."""
        try:
            known = await look_up(server, 0.5 * self._left)
        except OSError as error:
            trouble = f"{server.host} does not resolve to an address"
            log.debug("%s: %s", trouble, error)
            self._found["stun"] += [StunAnswer(url=server.url, family=4, trouble=trouble)]
            return []
        found: dict[Family, Server] = {}
        for _, _, _, _, address in known:
            each = Server(server.url, (address[0].partition("%")[0], address[1]))
            if each.family == 4 or self._found["has_ipv6"]:
                found.setdefault(each.family, each)
            else:
                self._skipped["IPv6"] = NO_IPV6
        return list(found.values())


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
