"""One generation of ICE: its sockets and its candidates, from the first to the last.

Host candidates are there in milliseconds; what STUN and TURN servers find comes later and is told.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Sequence

import ifaddr
from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, StunProtocol, TransportPolicy
from aioice.mdns import is_mdns_hostname
from aioice.stun import Message
from aioice.utils import random_string

from peer.engine.ice.allocation import reflexive, relayed
from peer.engine.ice.checks import Address
from peer.engine.ice.mdns import resolve
from peer.engine.ice.pairs import Ledger, reports
from peer.engine.ice.policy import IcePolicy, local_addresses, may_send_to
from peer.engine.ice.probing import COMPONENT, ProbingConnection
from peer.engine.ice.relay import RelayProtocol
from peer.engine.ice.route import Route, route_of
from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.sockets import HostProtocol, open_socket
from peer.engine.ice.troubles import no_port
from peer.facts import Trouble
from peer.stats import PairReport

GATHER_TIMEOUT = 10.0
"""For each server. Nobody waits for it, but the end of candidates is told only then."""
UFRAG_CHARACTERS = 8


class IceConnection(ProbingConnection):
    """``received`` gets each datagram; ``found`` each candidate that comes late, then None; ``troubled`` what
    went wrong with a server. None of them is called after :meth:`close`.
    """

    def __init__(
        self,
        servers: Sequence[ServerAddress],
        policy: IcePolicy,
        *,
        ice_controlling: bool,
        received: Callable[[bytes], None],
        found: Callable[[IceConnection, Candidate | None], None],
        troubled: Callable[[Trouble], None],
    ) -> None:
        super().__init__(
            ice_controlling=ice_controlling,
            local_username=random_string(UFRAG_CHARACTERS),
            transport_policy=TransportPolicy.RELAY if policy.relay_only else TransportPolicy.ALL,
            received=received,
        )
        self.relays: dict[StunProtocol, ServerAddress] = {}
        """Where each relayed candidate comes from."""
        self._servers = servers
        self._policy = policy
        self._found = found
        self._troubled = troubled
        self._hosts: asyncio.Task[None] | None = None
        self._late: asyncio.Task[None] | None = None
        self._is_gathering = False
        self._close_task: asyncio.Task[None] | None = None
        self._ledger = Ledger()

    def route(self) -> Route | None:
        """Which way the data goes; None: no pair is selected."""
        pair = self.nominated
        if pair is None or self.consent is None:
            return None
        relay = self.relays.get(pair.protocol)
        return route_of(
            pair,
            mapped=self.mapped.get(pair),
            local_candidates=self._local_candidates,
            remote_candidates=self._remote_candidates,
            relay_protocol=None if relay is None else relay.transport,
            rtt=self.consent.rtt,
        )

    def local_addresses(self) -> set[str]:
        """This machine's address that the selected path begins at; empty where the system does not say."""
        pair = self.nominated
        if pair is None:
            return set()
        if isinstance(pair.protocol, RelayProtocol):
            return {pair.protocol.base} if pair.protocol.base else set()
        name = pair.protocol.transport.get_extra_info("sockname")
        return {name[0]} if name else set()

    def pairs(self) -> list[PairReport]:
        """All that were checked or would have been, the selected one first."""
        return reports(
            self._check_list,
            self._ledger,
            selected=self.nominated,
            is_over=self._check_list_done,
            local_candidates=self._local_candidates,
            remote_candidates=self._remote_candidates,
            mapped=self.mapped,
            rtts=self.first_rtt,
            relays=self.relays,
        )

    async def _ask(self, pair: CandidatePair, request: Message) -> bool:
        with self._ledger.asking(pair):
            is_good = await super()._ask(pair, request)
        if not is_good:
            self._ledger.misplaced(pair)
        return is_good

    def check_complete(self, pair: CandidatePair) -> None:
        before = self._check_list[:]
        super().check_complete(pair)
        self._ledger.dropped += [each for each in before if each not in self._check_list]

    # Candidates of our own

    async def gather_candidates(self) -> None:
        """Until the host candidates are there; may be cancelled, and called again."""
        if self._hosts is None:
            self._local_candidates_start = self._is_gathering = True
            # One that is cancelled half-way would leave its sockets open.
            self._hosts = asyncio.create_task(self._gather_hosts())
        await asyncio.shield(self._hosts)

    async def _gather_hosts(self) -> None:
        addresses = local_addresses(ifaddr.get_adapters(), self._policy)
        for index, address in enumerate(addresses if not self._policy.relay_only else ()):
            protocol = await open_socket(self, address, self._policy.port_range)
            if protocol is not None:
                self._protocols.append(protocol)
                protocol.local_candidate = self._host_candidate(address, protocol, index)
                self._local_candidates.append(protocol.local_candidate)
            elif self._policy.port_range is not None:
                self._troubled(no_port(address, self._policy.port_range))
        # aioice does not connect before; that others come later does not hurt it.
        self._local_candidates_end = True
        if self._servers:
            self._late = asyncio.create_task(self._gather_late())
        else:
            self._end_gathering()

    def _host_candidate(self, address: str, protocol: HostProtocol, index: int) -> Candidate:
        host = self._policy.public_address(address)
        return Candidate(
            foundation=candidate_foundation("host", "udp", address),
            component=COMPONENT,
            transport="udp",
            priority=candidate_priority(COMPONENT, "host", 65535 - index),
            host=host,
            port=protocol.transport.get_extra_info("sockname")[1],
            type="host",
        )

    async def _gather_late(self) -> None:
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                ask = self._ask_for_relay if server.is_turn else self._ask_for_reflexive
                group.create_task(ask(server))
        self._end_gathering()

    async def _ask_for_reflexive(self, server: ServerAddress) -> None:
        asked = [
            reflexive(each, server, GATHER_TIMEOUT) for each in self._protocols if each not in self.relays
        ]
        answers = await asyncio.gather(*asked)
        candidates = [answer for answer in answers if isinstance(answer, Candidate)]
        troubles = [answer for answer in answers if isinstance(answer, Trouble)]
        for candidate in candidates:
            self._tell_candidate(candidate)
        # One of two networks may well lead nowhere.
        if troubles and not candidates:
            self._troubled(troubles[0])

    async def _ask_for_relay(self, server: ServerAddress) -> None:
        answer = await relayed(self, server, GATHER_TIMEOUT, lost=self._troubled, tls=self._policy.tls)
        if isinstance(answer, Trouble):
            self._troubled(answer)
            return
        candidate, protocol = answer
        self.relays[protocol] = server
        self._protocols.append(protocol)
        for remote_candidate in self._remote_candidates:
            self._pair_remote_candidate(remote_candidate)
        self.sort_check_list()
        self._tell_candidate(candidate)

    def _tell_candidate(self, candidate: Candidate) -> None:
        if any((each.host, each.port) == (candidate.host, candidate.port) for each in self._local_candidates):
            return  # redundant (RFC 8445 section 5.1.3)
        self._local_candidates.append(candidate)
        self._found(self, candidate)

    def _end_gathering(self) -> None:
        self._is_gathering = False
        self._found(self, None)
        if self._early_checks_done and not self._check_list_maybe_complete():
            self._check_list_maybe_fail()

    def _remote_candidates_expected(self) -> bool:
        # aioice asks this to know whether new pairs may come: late candidates of ours make some too.
        return self._is_gathering or super()._remote_candidates_expected()

    # Candidates of the other side

    async def add_remote_candidate(self, remote_candidate: Candidate | None) -> None:
        """None is the end of candidates. One that may not be used is ignored."""
        if self._closing or self._remote_candidates_end:
            return
        if remote_candidate is None:
            await super().add_remote_candidate(None)
        elif remote_candidate.component == COMPONENT:
            await self._add(copy.copy(remote_candidate))

    async def _add(self, candidate: Candidate) -> None:
        if not is_mdns_hostname(candidate.host):
            self._use(candidate, candidate.host)
            return
        self._remote_candidates_resolving += 1
        try:
            address = await resolve(candidate.host)
        finally:
            self._remote_candidates_resolving -= 1
        if address is not None:
            self._use(candidate, address)
        if self._remote_candidates_end and not self._remote_candidates_resolving and not self._closing:
            # The end of candidates has come meanwhile.
            self._end_remote_candidates()

    def _use(self, candidate: Candidate, address: str) -> None:
        announced = sum(each.type != "prflx" for each in self._remote_candidates)
        if self._closing or announced >= self._policy.max_remote_candidates:
            return
        if may_send_to(address, self._policy):
            self._add_remote_candidate(candidate, address)

    def _prune_components(self) -> None:
        """There is only one, and whoever has no candidates for it fails without being pruned."""

    def request_received(self, message: Message, addr: Address, protocol: StunProtocol) -> None:
        # Whoever asks is answered, refusals included: not so an address that nothing is sent to.
        is_known = addr in ((each._network_host, each.port) for each in self._remote_candidates)
        if is_known or may_send_to(addr[0], self._policy):
            super().request_received(message, addr, protocol)

    def remote_completed(self) -> None:
        """The other side says that it has no more candidates; see :attr:`is_remote_complete`."""
        self.is_remote_complete = True
        self._nominate_when_due()

    # The end

    async def close(self) -> None:
        """Give everything back. May be repeated, and cancelled: it goes on by itself."""
        if self._close_task is None:
            self._closing = True
            self._close_task = asyncio.create_task(self._close())
        await asyncio.shield(self._close_task)

    async def _close(self) -> None:
        if self._hosts is not None:
            await asyncio.wait([self._hosts])
        if self._late is not None:
            self._late.cancel()
            await asyncio.wait([self._late])
        # aioice closes one after the other, and each relay may take its time.
        protocols, self._protocols = self._protocols, []
        await super().close()
        await asyncio.gather(*(protocol.close() for protocol in protocols), return_exceptions=True)
