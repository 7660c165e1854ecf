"""Whether a TURN server relays: an allocation, a permission, and a datagram to the relay and back.

The datagram goes from the relay to its own address, so one allocation is enough and nobody else is sent to.
Where that is forbidden, or lost, two peers who both need the relay cannot meet; then a datagram from here
shows whether one alone is helped by it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import msgspec
from aioice.stun import TransactionFailed, TransactionTimeout

from peer.engine.ice.allocation import REFUSED_PAUSE, AddressInfo, look_up
from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.troubles import trouble_of
from peer.facts import UNREACHABLE, UNREADABLE, Trouble
from peer.nat.observations import TurnAnswer
from peer.nat.turn_client import CLOSE_TIMEOUT, Address, Allocated, Credentials, TurnClient
from peer.nat.turn_line import Line, NotTurnError, endpoint_text, open_line

log = logging.getLogger(__name__)

LIFETIME = 60
"""Seconds: a relay that could not be given back is not there for long."""
ECHO_PAUSE = 0.3
ECHOES = 3
"""Datagrams sent until one comes back."""
ECHO = b"peerlane relay test "

FORBIDDEN = (
    "the relay works, but not to its own address, so two peers who both need it cannot meet; "
    "allow that address in the server's settings (allowed-peer-ip)"
)
NO_ECHO = "the relay is there, but no data comes through; does a firewall let UDP through to its ports?"
LONELY = (
    "the relay works, but nothing gets from it to its own address, so two who both need it cannot meet; "
    "does the router before the server let it reach its own public address?"
)
NO_ADDRESS = "the server gives a relay at {}, where nobody can send to; check its external-ip and relay-ip"


async def probe_turn(server: ServerAddress, timeout: float, tls: ssl.SSLContext | None) -> TurnAnswer:
    """Up to the step that works; never raises, and takes ``timeout`` seconds at the most.

    ``tls`` stands in for the system's certificates.
    """
    ends_at = time.monotonic() + timeout
    answer = await _probe(server, timeout, tls)
    left = ends_at - time.monotonic() - REFUSED_PAUSE
    if answer.code == 401 and left > 0:
        # coturn 4.6 forgets good users for a moment when several requests come at once.
        await asyncio.sleep(REFUSED_PAUSE)
        answer = await _probe(server, left, tls)
    return answer


async def _probe(server: ServerAddress, timeout: float, tls: ssl.SSLContext | None) -> TurnAnswer:
    answer = TurnAnswer(url=server.url, transport=server.transport)
    probe = _Probe(server, answer)
    must_end_at = time.monotonic() + timeout
    ends_at = must_end_at - min(CLOSE_TIMEOUT, timeout / 2)
    try:
        async with asyncio.timeout(ends_at - time.monotonic()):
            addresses = await look_up(server, timeout)
            await probe.run(addresses, ends_at, tls)
    except Exception as error:
        log.debug("%s does not relay", server.url, exc_info=True)
        probe.explain(error)
    finally:
        await probe.close(must_end_at - time.monotonic())
    return probe.answer


class _Probe:
    def __init__(self, server: ServerAddress, answer: TurnAnswer) -> None:
        self._server = server
        self._client: TurnClient | None = None
        self.answer = answer

    async def run(self, addresses: Sequence[AddressInfo], ends_at: float, tls: ssl.SSLContext | None) -> None:
        began = time.monotonic()
        client, allocated = await self._allocate(addresses, ends_at, tls)
        relayed = endpoint_text(*allocated.relayed)
        self._see(allocated=time.monotonic() - began, relayed=relayed)
        if not _can_be_sent_to(allocated.relayed):
            self._see(code=UNREADABLE, trouble=NO_ADDRESS.format(relayed))
            return
        if await _is_permitted(client, allocated.relayed):
            self._see(permitted=True)
            if await self._is_echoed(client, allocated.relayed, client.send):
                return
            self._see(code=UNREACHABLE, trouble=NO_ECHO)
        else:
            self._see(permitted=False, code=403, trouble=FORBIDDEN)
        if await self._is_echoed_from_here(client, allocated) and self.answer.permitted:
            self._see(permitted=False, code=0, trouble=LONELY)

    def explain(self, error: Exception) -> None:
        if self.answer.permitted is not None:
            if self.answer.permitted and not self.answer.trouble:
                self._see(code=UNREACHABLE, trouble=NO_ECHO)
            return  # what was found before says more
        if isinstance(error, TimeoutError) and self._client is not None and self._client.has_garbage:
            error = NotTurnError()
        said: Trouble = trouble_of(self._server, error, time.time())
        self._see(code=said.code, trouble=said.text)

    async def close(self, within: float = CLOSE_TIMEOUT) -> None:
        if self._client is not None:
            await self._client.give_back(min(within, CLOSE_TIMEOUT))

    async def _allocate(
        self, addresses: Sequence[AddressInfo], ends_at: float, tls: ssl.SSLContext | None
    ) -> tuple[TurnClient, Allocated]:
        if self._server.transport != "udp":
            return await self._allocate_from(addresses, tls)
        # Only the answer shows that one of several addresses can be reached.
        for number, address in enumerate(addresses[:-1]):
            share = (ends_at - time.monotonic()) / (len(addresses) - number)
            try:
                async with asyncio.timeout(share):
                    return await self._allocate_from([address], None)
            except (OSError, TimeoutError, TransactionTimeout):
                await self.close()
        return await self._allocate_from(addresses[-1:], None)

    async def _allocate_from(
        self, addresses: Sequence[AddressInfo], tls: ssl.SSLContext | None
    ) -> tuple[TurnClient, Allocated]:
        line: Line = await open_line(self._server, addresses, tls)
        credentials = Credentials(self._server.username, self._server.credential)
        client = self._client = TurnClient(line, credentials)
        self._see(address=line.remote)
        return client, await client.allocate(lifetime=LIFETIME)

    async def _is_echoed_from_here(self, client: TurnClient, allocated: Allocated) -> bool:
        """Over UDP from this machine, which the server knows by the address that it has told."""
        host, port = allocated.relayed
        if not allocated.mapped[0] or not await _is_permitted(client, allocated.mapped):
            return False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        outside = msgspec.structs.replace(self._server, transport="udp")
        line = await open_line(outside, [(family, socket.SOCK_DGRAM, 0, "", (host, port))], None)
        try:
            return await self._is_echoed(client, allocated.relayed, lambda data, relayed: line.send(data))
        finally:
            line.close()

    async def _is_echoed(
        self, client: TurnClient, relayed: Address, send: Callable[[bytes, Address], None]
    ) -> bool:
        """Whether a datagram that is sent to the relay comes out of it."""
        sent: dict[bytes, float] = {}
        for _ in range(ECHOES):
            data = ECHO + secrets.token_bytes(8)  # anybody may send to a relay
            sent[data] = time.monotonic()
            send(data, relayed)
            try:
                async with asyncio.timeout(ECHO_PAUSE):
                    while (came := await client.receive()).data not in sent:
                        pass
            except TimeoutError:
                continue
            self._see(echo_rtt=time.monotonic() - sent[came.data])
            return True
        return False

    def _see(self, **seen: object) -> None:
        self.answer = msgspec.structs.replace(self.answer, **seen)


async def _is_permitted(client: TurnClient, peer: Address) -> bool:
    """Raises what else there may be."""
    try:
        await client.permit(peer[0])
    except TransactionFailed as failure:
        if failure.response.error_code in (403, 443):
            return False
        raise
    return True


def _can_be_sent_to(relayed: Address) -> bool:
    address = ip_address(relayed[0])
    return bool(relayed[1]) and not address.is_unspecified and not address.is_multicast
