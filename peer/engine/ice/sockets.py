"""The sockets under host candidates: what one cannot send is lost, as anywhere in a network."""

from __future__ import annotations

import asyncio
import errno
import logging
import random
import socket
from collections.abc import Callable
from typing import Any, TypeVar

from aioice.ice import Connection, StunProtocol
from aioice.stun import Message

log = logging.getLogger(__name__)

BUFFER_BYTES = 1 << 18
MAX_PORTS_TRIED = 1000

Address = tuple[str, int]
ProtocolT = TypeVar("ProtocolT", bound=asyncio.DatagramProtocol)


class HostProtocol(StunProtocol):
    """aioice's protocol, which nothing can make raise: neither a datagram nor a socket that is gone."""

    _is_full = False

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        try:
            super().datagram_received(data, addr)
        except Exception:
            # Anybody may send anything, and aioice's parser raises more than it says.
            log.debug("a datagram could not be read", exc_info=True)

    def send_stun(self, message: Message, addr: Address) -> None:
        self.send(bytes(message), addr)

    def send(self, data: bytes, addr: Address) -> None:
        """Dropped while the socket's buffer is full, or when the socket is gone."""
        if not self._is_full and not self.transport.is_closing():
            self.transport.sendto(data, addr)


async def open_socket(
    connection: Connection, address: str, ports: tuple[int, int] | None
) -> HostProtocol | None:
    """One on this address, on any port or on one of this range; None when there is none to be had."""
    bound = _bind(address, ports)
    if bound is None:
        return None
    try:
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: HostProtocol(connection), sock=bound
        )
    except BaseException:
        bound.close()
        raise
    return protocol


async def connected_datagrams(make: Callable[[], ProtocolT], address: Address) -> ProtocolT:
    """A socket that speaks with this address only. Raises OSError."""
    loop = asyncio.get_running_loop()
    opening = asyncio.ensure_future(loop.create_datagram_endpoint(make, remote_addr=address))
    try:
        _, protocol = await asyncio.shield(opening)
    except asyncio.CancelledError:
        # One that is cancelled half-way would leave its socket to uvloop, which never closes it.
        await asyncio.wait([opening])
        if opening.exception() is None:
            opening.result()[0].abort()
        raise
    return protocol


def _bind(address: str, ports: tuple[int, int] | None) -> socket.socket | None:
    try:
        bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    except OSError:
        return None  # no IPv6 here, or no more files
    bound.setblocking(False)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    for port in _to_try(ports):
        try:
            bound.bind((address, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                continue
            break  # the address has just gone
        return bound
    bound.close()
    return None


def _to_try(ports: tuple[int, int] | None) -> list[int]:
    if ports is None:
        return [0]
    every = range(ports[0], ports[1] + 1)
    return random.sample(every, min(len(every), MAX_PORTS_TRIED))
