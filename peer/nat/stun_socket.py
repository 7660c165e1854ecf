"""A UDP socket that asks STUN servers, and hears only answers to what it has asked."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aioice import stun

from peer.nat.stun_codec import packed, read_answer

log = logging.getLogger(__name__)

SENDS = 3
SEND_EVERY = 0.4
"""Seconds: three of them were never all lost where one was."""

MTU_DISCOVER = ((socket.IPPROTO_IP, 10), (socket.IPPROTO_IPV6, 23))
DISCOVER_PROBE = 3
"""Of <linux/in.h> and <linux/in6.h>: set "don't fragment", and believe nobody about the size of the path."""

Address = tuple[str, int]


class Answer(NamedTuple):
    message: stun.Message
    source: Address
    rtt: float
    """Since the latest time that it was asked."""

    @property
    def mapped(self) -> str:
        """XOR-MAPPED-ADDRESS as text; empty where the server does not tell one that can be."""
        return self.endpoint("XOR-MAPPED-ADDRESS")

    def endpoint(self, attribute: str) -> str:
        value = self.message.attributes.get(attribute)
        return text_of(value) if value is not None and value[1] else ""


class StunSocket(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.local = ""
        """Its endpoint on this machine."""
        self.refused = asyncio.Event()
        """Set when somebody has said that nobody listens there."""
        self.plain: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(16)
        """What is no answer to us; more than it holds is lost."""
        self._transport: asyncio.DatagramTransport
        self._waiting: dict[bytes, asyncio.Future[tuple[stun.Message, Address]]] = {}

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.local = text_of(transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        source = (addr[0].partition("%")[0], addr[1])
        message = read_answer(data)
        waiting = None if message is None else self._waiting.get(message.transaction_id)
        if message is not None and waiting is not None and not waiting.done():
            waiting.set_result((message, source))
        elif not self.plain.full():
            self.plain.put_nowait((data, source))

    def error_received(self, exc: Exception) -> None:
        log.debug("a socket says: %s", exc)
        if isinstance(exc, ConnectionRefusedError):
            self.refused.set()

    def send(self, data: bytes, address: Address) -> None:
        """What cannot be sent is lost."""
        try:
            self._transport.sendto(data, address)
        except OSError as error:
            self.error_received(error)

    async def ask(
        self,
        request: stun.Message,
        address: Address,
        extras: Sequence[tuple[int, bytes]] = (),
        *,
        sends: int | None = None,
        send_every: float | None = None,
    ) -> Answer | None:
        """Its answer, from wherever it comes; None when there is none.

        Asks :data:`SENDS` times, every :data:`SEND_EVERY` seconds, unless told otherwise.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[tuple[stun.Message, Address]] = loop.create_future()
        self._waiting[request.transaction_id] = waiting
        data = packed(request, extras)
        try:
            for _ in range(sends or SENDS):
                asked_at = time.perf_counter()
                self.send(data, address)
                await asyncio.wait([waiting], timeout=send_every or SEND_EVERY)
                if waiting.done():
                    return Answer(*waiting.result(), time.perf_counter() - asked_at)
            return None
        finally:
            del self._waiting[request.transaction_id]

    def close(self) -> None:
        self._transport.abort()


@asynccontextmanager
async def stun_socket(towards: Address, *, whole: bool = False) -> AsyncIterator[StunSocket]:
    """A fresh one, at the address of this machine that leads there. Raises OSError where none does.

    ``whole``: what does not fit into one packet of the network is lost (on Linux).
    """
    bound = _bound(towards, whole)
    try:
        _, opened = await asyncio.get_running_loop().create_datagram_endpoint(StunSocket, sock=bound)
    except BaseException:
        bound.close()
        raise
    try:
        yield opened
    finally:
        opened.close()


def _bound(towards: Address, whole: bool) -> socket.socket:
    is_v6 = ":" in towards[0]
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as looking:
        looking.connect(towards)
        local = looking.getsockname()
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        if whole:
            level, option = MTU_DISCOVER[is_v6]
            bound.setsockopt(level, option, DISCOVER_PROBE)
        bound.bind((local[0], 0, *local[2:]))
    except OSError:
        bound.close()
        raise
    return bound


def text_of(address: Sequence[Any]) -> str:
    """An endpoint as it is written: ``192.0.2.1:5000``, ``[2001:db8::1]:5000``."""
    host, port = str(address[0]).partition("%")[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def address_of(endpoint: str) -> Address:
    """The other way; what is no endpoint raises ValueError."""
    host, _, port = endpoint.rpartition(":")
    return host.strip("[]"), int(port)
