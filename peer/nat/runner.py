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
from peer.nat.endpoints import host_of, scope_of
from peer.nat.observations import Family, Observations, StunAnswer
from peer.nat.plan import LIFETIME_STEPS, Plan, plan
from peer.nat.probes.behaviour import Found, Server, probe_behaviour, probe_binding
from peer.nat.probes.binding import probe_lifetime
from peer.nat.probes.hops import probe_hops
from peer.nat.probes.interfaces import has_ipv6, probe_interfaces
from peer.nat.probes.port_mappers import probe_port_mappers
from peer.nat.probes.signaling import probe_signaling
from peer.nat.probes.size import probe_size
from peer.nat.probes.turn import probe_turn
from peer.nat.stun_socket import Address, address_of, text_of
from signaling.protocol.parts import IceServer

log = logging.getLogger(__name__)

Tell = Callable[[str, float], None]
"""What is being done, and which fraction of the whole is done, 0 to 1."""
FAMILIES: tuple[Family, ...] = (4, 6)

UNASKED = {
    "hairpin": "Some firewalls take it for an attack; --hairpin asks for it.",
    "lifetime": "It takes minutes; --lifetime asks for it.",
    "port_mappers": "--no-port-mapping leaves it out.",
    "hops": "--no-hops leaves them out.",
}
NO_ANSWER = "No STUN server has answered."
NO_RESPONSE_PORT = "The STUN server cannot be told where to answer (RESPONSE-PORT of RFC 5780)."
NO_PADDING = "The STUN server does not answer large datagrams (PADDING of RFC 5780)."
NO_IPV6 = "this machine has no IPv6"
NO_ROUTER = "This system does not say which router it uses."
NOWHERE_FAR = "No STUN server beyond this machine was named that has an IPv4 address."
NO_HOPS = "This system does not say which routers answer."


async def run(plan: Plan, progress: Tell | None = None) -> Observations:
    """Ask all that is planned. Never raises for what the network or a server does; ends in time."""
    running = Run(plan, progress or (lambda doing, fraction: None))
    try:
        async with asyncio.timeout(plan.options.timeout):
            await running.all()
    except TimeoutError:
        log.debug("not all was answered in time")
    running.say_what_is_missing()
    if plan.options.lifetime:
        await running.lifetime()
    return running.observations()


class Run:
    def __init__(self, plan: Plan, tell: Tell) -> None:
        self._plan = plan
        self._tell = tell
        self._began = time.monotonic()
        self._found: dict[str, Any] = {"interfaces": probe_interfaces(), "has_ipv6": has_ipv6()}
        for name in ("stun", "mapping", "filtering", "knock", "hairpin", "size", "turn", "signaling"):
            self._found[name] = []
        self._skipped = {name: why for name, why in UNASKED.items() if not getattr(plan.options, name)}
        self._are_hops_asked = not plan.options.hops
        self._steps = self._done = 0

    def observations(self) -> Observations:
        took = time.monotonic() - self._began
        return Observations(took=took, skipped=self._skipped, **self._found)

    async def all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for origin in self._plan.signaling:
                tasks.create_task(self._step(f"asking {host_of(origin)}", self._ask_peerlane(origin)))
            if self._plan.options.port_mappers:
                tasks.create_task(self._step("asking the router", self._ask_router()))
            tasks.create_task(self._ask(self._plan.servers))

    def say_what_is_missing(self) -> None:
        if not self._are_hops_asked:
            self._skipped["hops"] = NOWHERE_FAR
        if not self._found["size"] and any(it.rtt is not None for it in self._found["stun"]):
            self._skipped["size"] = NO_PADDING

    async def lifetime(self) -> None:
        """Long after all else, for nothing may touch the mappings meanwhile."""
        heard = [it for it in self._found["stun"] if it.rtt is not None]
        primary = next((it for it in heard if it.other), heard[0] if heard else None)
        if primary is None:
            self._skipped["lifetime"] = NO_ANSWER
            return
        longest = LIFETIME_STEPS[-1]
        test = await probe_lifetime(
            address_of(primary.address),
            LIFETIME_STEPS,
            lambda passed: self._tell(f"waiting, for {longest - passed:.0f} s at most", passed / longest),
        )
        if test is None:
            self._skipped["lifetime"] = NO_RESPONSE_PORT
        else:
            self._found["lifetime"] = [test]

    @property
    def _left(self) -> float:
        return max(0.1, self._plan.options.timeout - (time.monotonic() - self._began))

    async def _step(self, doing: str, work: Awaitable[None]) -> None:
        self._steps += 1
        self._tell(doing, self._done / self._steps)
        try:
            await work
        except Exception:
            # Who asks everybody hears nonsense of every kind; the others still have something to say.
            log.debug("%s has failed", doing, exc_info=True)
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
            try:
                async with asyncio.timeout(0.9 * self._left):
                    answers.append(await probe_binding(server))
            except TimeoutError:
                told = text_of(server.address)
                answers.append(
                    StunAnswer(url=server.url, family=server.family, address=told, trouble="no answer")
                )
            self._found["stun"].append(answers[-1])

        async with asyncio.TaskGroup() as tasks:
            target = next((each.address for each in addresses if _is_far(each)), None)
            if target is not None and not self._are_hops_asked:
                self._are_hops_asked = True
                tasks.create_task(self._step("looking for routers", self._ask_hops(target)))
            await asyncio.gather(*(self._step(f"asking {each.url}", bind(each)) for each in addresses))
            for family in FAMILIES:
                if any(each.family == family and each.rtt is not None for each in answers):
                    doing = f"looking at the NAT over IPv{family}"
                    tasks.create_task(self._step(doing, self._behave(answers, family)))

    async def _ask_router(self) -> None:
        found = await probe_port_mappers()
        if found is None:
            self._skipped["port_mappers"] = NO_ROUTER
        else:
            self._found["port_mappers"] = found

    async def _ask_hops(self, target: Address) -> None:
        self._found["hops"] = await probe_hops(target)
        if self._found["hops"] is None:
            self._skipped["hops"] = NO_HOPS

    async def _behave(self, answers: list[StunAnswer], family: Family) -> None:
        own = [each.address for each in self._found["interfaces"]]
        asked = next(it.address for it in answers if it.family == family and it.rtt is not None)
        # What is found goes there at once: it is told also when the time is over before the rest.
        found = Found(**{field.name: self._found[field.name] for field in msgspec.structs.fields(Found)})
        _, size = await asyncio.gather(
            probe_behaviour(answers, family, own, hairpin=self._plan.options.hairpin, found=found),
            probe_size(address_of(asked)),
        )
        if size is not None:
            self._found["size"].append(size)

    async def _addresses(self, server: ServerAddress) -> list[Server]:
        """One of each family that this machine has, those first that it gets to best."""
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
        if not found:
            self._found["stun"] += [StunAnswer(url=server.url, family=6, trouble=NO_IPV6)]
        return list(found.values())


def _is_far(server: Server) -> bool:
    return server.family == 4 and scope_of(server.address[0]) != "loopback"


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
