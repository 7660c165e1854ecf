"""A STUN server with two addresses on loopback (RFC 5780), and what it may do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aioice import stun

from peer.nat.stun_codec import CHANGE_ADDRESS, CHANGE_PORT, RESPONSE_PORT
from peer.nat.stun_socket import Address

Spoil = Callable[[stun.Message, stun.Message, Address], bytes | None]
"""Request, answer, where it was asked → what is sent; None: nothing."""


class Endpoint(asyncio.DatagramProtocol):
    def __init__(self, server: TwoAddresses) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.address: Address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._server.asked(self, data, addr)


class TwoAddresses:
    """``endpoints``: IP1:P1, IP1:P2, IP2:P1, IP2:P2."""

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []
        self.mapped: Callable[[Address, Address], Address] = lambda source, asked: source
        """What is told of a source that asks at an endpoint."""
        self.filters: Callable[[Address, Address], bool] = lambda asked, sender: False
        """Whether an answer to what was asked at one endpoint, sent from another, is lost."""
        self.spoil: Spoil = lambda request, answer, asked: bytes(answer)
        self.follows_response_port = False
        self.knocked: set[Address] = set()
        """Who has asked for an answer from elsewhere."""
        self.has_other = True

    @property
    def primary(self) -> Address:
        return self.endpoints[0].address

    def asked(self, endpoint: Endpoint, data: bytes, source: Address) -> None:
        request = stun.parse_message(data)
        change = request.attributes.get("CHANGE-REQUEST", 0)
        if change:
            self.knocked.add(source)
        index = self.endpoints.index(endpoint)
        index ^= (2 if change & CHANGE_ADDRESS else 0) | (1 if change & CHANGE_PORT else 0)
        sender = self.endpoints[index]
        if self.filters(endpoint.address, sender.address):
            return
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = self.mapped(source, endpoint.address)
        if self.has_other:
            answer.attributes["OTHER-ADDRESS"] = self.endpoints[3].address
        spoiled = self.spoil(request, answer, endpoint.address)
        if self.follows_response_port and data[20:22] == RESPONSE_PORT.to_bytes(2, "big"):
            source = source[0], int.from_bytes(data[24:26], "big")
        if spoiled is not None:
            sender.transport.sendto(spoiled, source)


@asynccontextmanager
async def two_addresses() -> AsyncIterator[TwoAddresses]:
    server = TwoAddresses()
    loop = asyncio.get_running_loop()
    ports = [0, 0]
    try:
        for host in ("127.0.0.1", "127.0.0.2"):
            for index in range(2):
                _, endpoint = await loop.create_datagram_endpoint(
                    lambda: Endpoint(server), local_addr=(host, ports[index])
                )
                server.endpoints.append(endpoint)
                ports[index] = endpoint.address[1]
        yield server
    finally:
        for endpoint in server.endpoints:
            endpoint.transport.close()
