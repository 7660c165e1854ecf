"""Asks one STUN or TURN server, and says in words why it did not help.

aioice tells nobody: a refused credential, a certificate that is not trusted and a server that is off are
all the same silence to it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohappyeyeballs
from aioice import Candidate, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, TransportPolicy
from aioice.turn import UDP_SOCKET_BUFFER_SIZE

from peer.engine.ice.policy import may_relay_to
from peer.engine.ice.relay import Allocation, RelayProtocol, TcpAllocation, UdpAllocation
from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.sockets import connected_datagrams
from peer.engine.ice.troubles import has_expired, trouble_of
from peer.facts import Trouble

log = logging.getLogger(__name__)

HAPPY_EYEBALLS_DELAY = 0.25
"""RFC 8305 section 5."""
REFUSED_PAUSE = 0.1
COMPONENT = 1
RELAY_PREFERENCE = {"udp": 65535, "tcp": 65534, "tls": 65533}
"""RFC 8445 section 5.1.2.1: over a stream, one packet that is lost holds up all that come after it."""

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]
"""As getaddrinfo gives it."""


class RelayCandidate(Candidate):
    """One that is not paired with what its server cannot reach."""

    def can_pair_with(self, other: Candidate) -> bool:
        return super().can_pair_with(other) and may_relay_to(self.host, other.host)


async def reflexive(
    protocol: StunProtocol, server: ServerAddress, timeout: float
) -> Candidate | Trouble | None:
    """How this socket looks from there; None when the server cannot be asked from an address of its kind."""
    local = protocol.local_candidate
    version = ipaddress.ip_address(protocol.transport.get_extra_info("sockname")[0]).version
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    try:
        async with asyncio.timeout(timeout):
            found = await look_up(server, timeout)
            address = next((each[4] for each in found if each[0] == family), None)
            if address is None:
                return None
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            response, _ = await protocol.request(request, address[:2])
            host, port = response.attributes["XOR-MAPPED-ADDRESS"]
    except Exception as error:
        log.debug("%s did not help", server.url, exc_info=True)
        return trouble_of(server, error, time.time())
    return _candidate("srflx", (host, port), (local.host, local.port), local.host)


async def relayed(
    connection: Connection,
    server: ServerAddress,
    timeout: float,
    *,
    lost: Callable[[Trouble], None],
    tls: ssl.SSLContext | None = None,
) -> tuple[Candidate, RelayProtocol] | Trouble:
    """An address on this TURN server, and the socket behind it; closing that gives the address back.

    The allocation keeps the credentials of ``server`` for life. ``lost`` is called when the server takes it
    away: it was restarted, or would not renew. ``tls`` stands in for the system's certificates.
    """
    try:
        async with asyncio.timeout(timeout):
            addresses = await look_up(server, timeout)
            try:
                allocation = await _allocate(server, addresses, timeout, tls)
            except stun.TransactionFailed as error:
                if error.response.error_code != 401 or has_expired(server.username, time.time()):
                    raise
                # coturn 4.6 forgets good users for a moment when several requests come at once.
                await asyncio.sleep(REFUSED_PAUSE)
                allocation = await _allocate(server, addresses, timeout, tls)
    except Exception as error:
        log.debug("%s did not help", server.url, exc_info=True)
        return trouble_of(server, error, time.time())

    def ended(reason: asyncio.Future[Exception]) -> None:
        if not allocation.is_given_back:
            lost(trouble_of(server, reason.result(), time.time(), was_given=True))

    allocation.ended.add_done_callback(ended)
    assert allocation.relayed_address is not None
    assert allocation.mapped_address is not None
    related = allocation.mapped_address
    if connection._transport_policy is TransportPolicy.RELAY:
        # Whoever relays everything does so to keep this machine's address to himself.
        related = ("0.0.0.0", 9)  # as RFC 8839 section 5.1 writes "none"
    protocol = RelayProtocol(connection, allocation)
    preference = RELAY_PREFERENCE[server.transport]
    protocol.local_candidate = _candidate(
        "relay", allocation.relayed_address, related, preference=preference, of=RelayCandidate
    )
    return protocol.local_candidate, protocol


async def _allocate(
    server: ServerAddress, addresses: Sequence[AddressInfo], timeout: float, tls: ssl.SSLContext | None
) -> Allocation:
    if server.transport != "udp":
        allocation = await _connect(server, addresses, tls)
        await allocation.allocate()
        return allocation
    # Only the answer to the whole question shows that one of several addresses can be reached.
    for address in addresses[:-1]:
        try:
            async with asyncio.timeout(timeout / len(addresses)):
                return await _allocate_from(server, address)
        except (OSError, TimeoutError, stun.TransactionTimeout):
            log.debug("%s cannot be reached at one of its addresses", server.url, exc_info=True)
    return await _allocate_from(server, addresses[-1])


async def _allocate_from(server: ServerAddress, address: AddressInfo) -> Allocation:
    allocation = await connected_datagrams(lambda: UdpAllocation(server, address[4][:2]), address[4][:2])
    under = allocation.transport.get_extra_info("socket")
    under.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_SOCKET_BUFFER_SIZE)
    await allocation.allocate()
    return allocation


async def _connect(
    server: ServerAddress, addresses: Sequence[AddressInfo], tls: ssl.SSLContext | None
) -> TcpAllocation:
    if server.transport == "tls" and tls is None:
        # It reads some hundred certificates from the disk.
        tls = await asyncio.to_thread(ssl.create_default_context)
    connected = await aiohappyeyeballs.start_connection(
        addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY, interleave=1
    )
    is_tls = server.transport == "tls"
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _, allocation = await asyncio.get_running_loop().create_connection(
            lambda: TcpAllocation(server, connected.getpeername()[:2]),
            sock=connected,
            ssl=tls if is_tls else None,
            # The name that the certificate is for.
            server_hostname=server.host if is_tls else None,
        )
    except BaseException:
        connected.close()
        raise
    return allocation


async def look_up(server: ServerAddress, timeout: float) -> Sequence[AddressInfo]:
    """The server's addresses, those first that this machine gets to best. Raises OSError."""
    kind = socket.SOCK_DGRAM if server.transport == "udp" else socket.SOCK_STREAM
    loop = asyncio.get_running_loop()
    try:
        # An address needs no thread, of which slow names may have taken all.
        return socket.getaddrinfo(server.host, server.port, type=kind, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        pass  # a name
    try:
        # Half of it: whatever is silent later is not to be blamed on the name.
        async with asyncio.timeout(timeout / 2):
            return await loop.getaddrinfo(server.host, server.port, type=kind)
    except (TimeoutError, UnicodeError) as error:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer") from error


def _candidate(
    kind: str,
    address: tuple[str, int],
    related: tuple[str, int],
    base: str | None = None,
    preference: int = 65535,
    of: type[Candidate] = Candidate,
) -> Candidate:
    return of(
        foundation=candidate_foundation(kind, "udp", base or address[0]),
        component=COMPONENT,
        transport="udp",
        priority=candidate_priority(COMPONENT, kind, preference),
        host=address[0],
        port=address[1],
        type=kind,
        related_address=related[0],
        related_port=related[1],
    )
