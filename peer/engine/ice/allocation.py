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
from collections.abc import Callable
from typing import Any

from aioice import Candidate, stun, turn
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, TransportPolicy

from peer.engine.ice.servers import UNREACHABLE, UNREADABLE, IceTrouble, ServerAddress

log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 0.5
"""A server that is there takes its allocation back in a round trip; another one will forget it."""
COMPONENT = 1

WORDS = {
    401: "the server refuses these credentials; are they current, and is its clock right?",
    403: "the server forbids it",
    437: "the server knows nothing of this allocation any more",
    438: "the server's nonce has expired",
    441: "these are not the credentials that the allocation was made with",
    442: "the server does not relay UDP",
    486: "the server's quota for this user is used up",
    508: "the server has no room left",
}


async def reflexive(
    protocol: StunProtocol, server: ServerAddress, timeout: float
) -> Candidate | IceTrouble | None:
    """How this socket looks from there; None when the server cannot be asked from an address of its kind."""
    local = protocol.local_candidate
    version = ipaddress.ip_address(protocol.transport.get_extra_info("sockname")[0]).version
    try:
        async with asyncio.timeout(timeout):
            address = await _resolve(server, version)
            if address is None:
                return None
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            response, _ = await protocol.request(request, address)
            host, port = response.attributes["XOR-MAPPED-ADDRESS"]
    except Exception as error:
        log.debug("%s did not help", server.url, exc_info=True)
        return _trouble(server, error)
    return Candidate(
        foundation=candidate_foundation("srflx", "udp", local.host),
        component=COMPONENT,
        transport="udp",
        priority=candidate_priority(COMPONENT, "srflx"),
        host=host,
        port=port,
        type="srflx",
        related_address=local.host,
        related_port=local.port,
    )


class RelayProtocol(StunProtocol):
    """The socket under a relayed candidate. ``lost`` is called when the server has taken it away."""

    def __init__(self, receiver: Connection, lost: Callable[[], None]) -> None:
        super().__init__(receiver)
        self._lost = lost
        self._is_closing = False

    def connection_lost(self, exc: Exception | None) -> None:
        is_news = not self._is_closing
        super().connection_lost(exc)
        if is_news and hasattr(self, "local_candidate"):
            self._lost()

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        try:
            super().datagram_received(data, addr)
        except Exception:
            # Anybody may send anything, and aioice's parser raises more than it says.
            log.debug("a datagram could not be read", exc_info=True)

    async def close(self) -> None:
        """Give the allocation back; takes half a second at the most."""
        self._is_closing = True
        closing = asyncio.ensure_future(super().close())
        _, late = await asyncio.wait([closing], timeout=CLOSE_TIMEOUT)
        if late:
            inner = self.transport._TurnTransport__inner_protocol  # type: ignore[attr-defined] # contract test
            inner.transport.abort()
            await asyncio.wait([closing], timeout=CLOSE_TIMEOUT)


async def relayed(
    connection: Connection,
    server: ServerAddress,
    timeout: float,
    *,
    lost: Callable[[IceTrouble], None],
    tls: ssl.SSLContext | None = None,
) -> tuple[Candidate, StunProtocol] | IceTrouble:
    """An address on this TURN server, and the socket behind it; closing that gives the address back.

    ``lost`` is called when the server takes it away: it was restarted, or would not renew. ``tls`` goes
    before the system's certificates.
    """
    gone = IceTrouble(server.url, UNREACHABLE, "the server has taken its relay back, or is gone")
    try:
        async with asyncio.timeout(timeout):
            address = await _resolve(server, 4) or await _resolve(server, 6)
            assert address is not None
            transport, protocol = await _allocate(connection, server, address, lambda: lost(gone), tls)
    except Exception as error:
        log.debug("%s did not help", server.url, exc_info=True)
        return _trouble(server, error)
    host, port = transport.get_extra_info("sockname")
    related = transport.get_extra_info("related_address")
    if connection._transport_policy is TransportPolicy.RELAY:
        # Whoever relays everything does so to keep this machine's address to himself.
        related = ("0.0.0.0", 9)  # as RFC 8839 section 5.1 writes "none"
    protocol.local_candidate = Candidate(
        foundation=candidate_foundation("relay", "udp", host),
        component=COMPONENT,
        transport="udp",
        priority=candidate_priority(COMPONENT, "relay"),
        host=host,
        port=port,
        type="relay",
        related_address=related[0],
        related_port=related[1],
    )
    return protocol.local_candidate, protocol


async def _allocate(
    connection: Connection,
    server: ServerAddress,
    address: tuple[str, int],
    lost: Callable[[], None],
    tls: ssl.SSLContext | None,
) -> tuple[turn.TurnTransport, RelayProtocol]:
    is_tls = server.transport == "tls"
    return await turn.create_turn_endpoint(
        lambda: RelayProtocol(connection, lost),
        # With TLS the name is what the certificate is for.
        server_addr=(server.host, server.port) if is_tls else address,
        username=server.username,
        password=server.credential,
        ssl=(tls or ssl.create_default_context()) if is_tls else None,
        transport="udp" if server.transport == "udp" else "tcp",
    )


async def _resolve(server: ServerAddress, version: int) -> tuple[str, int] | None:
    """The server's address of this IP version; None when it has only others."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    try:
        literal = ipaddress.ip_address(server.host)
    except ValueError:
        pass
    else:
        return (server.host, server.port) if literal.version == version else None
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_DGRAM)
    return next(((str(each[4][0]), server.port) for each in found if each[0] == family), None)


def _trouble(server: ServerAddress, error: Exception) -> IceTrouble:
    """What this means for a person. Details of the machine's addresses are left out."""
    match error:
        case ssl.SSLCertVerificationError():
            text = f"the server's certificate is not trusted: {error.verify_message}"
            return IceTrouble(server.url, UNREADABLE, text)
        case ssl.SSLError():
            return IceTrouble(server.url, UNREACHABLE, "the server does not speak TLS as we do")
        case socket.gaierror():
            return IceTrouble(server.url, UNREACHABLE, f"{server.host} does not resolve to an address")
        case stun.TransactionFailed():
            code, reason = error.response.attributes.get("ERROR-CODE", (500, ""))
            return IceTrouble(server.url, code, WORDS.get(code, reason or "the server refuses"))
        case stun.TransactionTimeout() | TimeoutError():
            return IceTrouble(server.url, UNREACHABLE, "the server does not answer")
        case ConnectionRefusedError():
            return IceTrouble(server.url, UNREACHABLE, "nobody listens at this address and port")
        case OSError():
            return IceTrouble(server.url, UNREACHABLE, f"the server cannot be reached: {error.strerror}")
    return IceTrouble(server.url, UNREACHABLE, "the server gave an answer that is none")
