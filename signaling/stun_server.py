"""The embedded STUN responder: its sockets, and how often each address is answered.

What is answered is in :mod:`signaling.stun_answers`. A machine with two addresses of a kind listens at
both of them, on two ports each, so that clients can find out what their NAT does (RFC 5780).
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Sequence
from ipaddress import ip_address
from typing import cast

from signaling.addresses import is_loopback, lan_addresses
from signaling.limits import AddressBuckets
from signaling.metrics import Metrics
from signaling.stun_answers import Address, Place, answer

# A client asks once for each of its interfaces and repeats at most 7 times (RFC 8489 §6.2.1); an
# office behind one address asks for many clients.
REQUESTS_PER_SECOND = 50.0
REQUESTS_BURST = 200
PORTS_TO_TRY = 20
WILDCARDS = {"0.0.0.0": 4, "::": 6}


class Responder(asyncio.DatagramProtocol):
    """Answers on one socket, each address at most so often.

    With ``place`` some answers leave from the ``siblings``: a socket for each address and port.
    """

    def __init__(
        self,
        metrics: Metrics,
        buckets: AddressBuckets,
        place: Place | None = None,
        siblings: dict[Address, asyncio.DatagramTransport] | None = None,
    ) -> None:
        self._metrics = metrics
        self._buckets = buckets
        self._place = place
        self._siblings = {} if siblings is None else siblings
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loops' own classes are such transports without inheriting from it.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        source = (addr[0].partition("%")[0], addr[1])
        if not self._buckets.bucket(source[0]).try_take(time.monotonic()):
            self._metrics.rate_limited["stun"] += 1
            self._metrics.stun["limited"] += 1
            return
        result, reply, origin, port = answer(data, source, self._place)
        self._metrics.stun[result] += 1
        transport = self._transport if origin is None else self._siblings.get(origin, self._transport)
        # Port 0 cannot be sent to; some systems raise, some are silent.
        if reply and transport is not None and source[1]:
            transport.sendto(reply, addr if port is None else (addr[0], port, *addr[2:]))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error for an earlier answer: its client has gone, and the next one is as welcome."""


class StunServer:
    """A responder that runs, at ``port`` of each of its hosts, and of ``alternates``."""

    def __init__(self, port: int, alternates: list[str], transports: list[asyncio.DatagramTransport]) -> None:
        self.port = port
        self.alternates = alternates
        self._transports = transports

    def close(self) -> None:
        """Answer no more."""
        for transport in self._transports:
            transport.close()


async def start_stun(
    hosts: Sequence[str], port: int, metrics: Metrics, alternates: Sequence[str] = ()
) -> StunServer:
    """Answer at ``port`` of all ``hosts``, or at the first free one of the 20 that follow.

    ``alternates`` are further addresses of this machine, one of a kind: with one of them the hosts of
    its kind and itself answer at the next port too. ``server.port`` says which was taken. Raises
    OSError when none is free, or a host is not ours.
    """
    places = arrange(hosts, alternates, lan_addresses())
    bound = _bind_all(places, port)
    buckets = AddressBuckets(REQUESTS_PER_SECOND, REQUESTS_BURST)
    siblings: dict[Address, asyncio.DatagramTransport] = {}
    taken = bound[0][1].getsockname()[1]
    for host, each in bound:
        here = (host, each.getsockname()[1])
        other = places[host]
        # Of the two ports each is the other one's other.
        place = None if other is None else Place(here, (other, 2 * taken + 1 - here[1]))
        responder = Responder(metrics, buckets, place, siblings)
        siblings[here] = await _open(each, responder)
    return StunServer(taken, [str(ip_address(each)) for each in alternates], list(siblings.values()))


async def _open(bound: socket.socket, responder: Responder) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: responder, sock=bound)
    return transport


def arrange(hosts: Sequence[str], alternates: Sequence[str], ours: Sequence[str]) -> dict[str, str | None]:
    """Which addresses to listen at, and for each its other address, None where it has none.

    ``ours`` are the addresses of this machine. A host that means all of them becomes each by itself
    where there is an alternate, for an answer must leave from the address that was asked. Raises
    OSError when an alternate is without a first address, or not ours.
    """
    places: dict[str, str | None] = {}
    alternates = [str(ip_address(each)) for each in alternates]
    for host in hosts:
        kind = ip_address(host).version
        alternate = next((each for each in alternates if ip_address(each).version == kind), None)
        if alternate is None:
            places[host] = None
            continue
        mine = [host]
        if host in WILDCARDS:
            mine = [each for each in ours if ip_address(each).version == kind and each != alternate]
            if is_loopback(alternate):
                mine = []
            mine.append("::1" if kind == 6 else "127.0.0.1")
        # Who asks over loopback is not helped by an address of the network, nor the other way round.
        alike = [each for each in mine if is_loopback(each) == is_loopback(alternate) and each != alternate]
        if not alike:
            raise OSError(f"server.stun_alternate: {alternate} is the only such address of this machine")
        places |= {each: alternate if each in alike else None for each in mine}
        places[alternate] = _closest(alike, alternate)
    for alternate in alternates:
        if alternate not in places:
            raise OSError(f"server.stun_alternate: server.host has no address of the kind of {alternate}")
    return places


def public_pair(ours: Sequence[str]) -> list[str]:
    """The alternate address that a machine has by itself: the second of exactly two public IPv4 ones.

    IPv6 addresses are never taken without being told: many machines have several, and some end
    after a day (RFC 8981).
    """
    public = [each for each in ours if ip_address(each).version == 4 and ip_address(each).is_global]
    return public[1:] if len(public) == 2 else []


def _closest(addresses: Sequence[str], alternate: str) -> str:
    """The one that is public if the alternate is; the first of those."""
    is_global = ip_address(alternate).is_global
    return next((each for each in addresses if ip_address(each).is_global == is_global), addresses[0])


def _bind_all(places: dict[str, str | None], port: int) -> list[tuple[str, socket.socket]]:
    last = min(65_535, port + PORTS_TO_TRY)
    for candidate in range(port, last + 1):
        try:
            return _bind(places, candidate)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL or candidate == last:
                raise
    raise AssertionError("the range above is never empty")


def _bind(places: dict[str, str | None], port: int) -> list[tuple[str, socket.socket]]:
    """A socket for each place at ``port``, and then one at the next for each that has another address."""
    bound: list[tuple[str, socket.socket]] = []
    wanted = [*((host, 0) for host in places), *((host, 1) for host, other in places.items() if other)]
    try:
        for host, step in wanted:
            bound.append((host, _bound(host, port + step)))
            port = bound[0][1].getsockname()[1]
    except OSError:
        for _, each in bound:
            each.close()
        raise
    return bound


def _bound(host: str, port: int) -> socket.socket:
    each = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if each.family == socket.AF_INET6:
            # The IPv4 socket beside it has the same port.
            each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        each.setblocking(False)
        each.bind((host, port))
    except (OSError, OverflowError) as error:
        each.close()
        raise _in_words(error, host, port) from error
    return each


def _in_words(error: OSError | OverflowError, host: str, port: int) -> OSError:
    if isinstance(error, OverflowError):
        return OSError(errno.EINVAL, "65535 is the last port, and STUN needs the next one too")
    if error.errno == errno.EADDRNOTAVAIL:
        return OSError(error.errno, f"STUN: {host} is no address of this machine")
    return OSError(error.errno, f"STUN: UDP port {port} of {host}: {error.strerror}")
