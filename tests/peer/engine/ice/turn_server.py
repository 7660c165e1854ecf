"""A TURN server on loopback that does what it is told, also what no good one would do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from aioice import Candidate, Connection, stun
from aioice.stun import Class, Message, Method
from aioice.turn import TurnStreamMixin, make_integrity_key

from peer.engine.ice.allocation import relayed
from peer.engine.ice.relay import RelayProtocol
from peer.engine.ice.servers import ServerAddress, parse_server
from peer.facts import Trouble

USER, PASSWORD, REALM = "ana", "s3cret", "example.org"
KEY = make_integrity_key(USER, REALM, PASSWORD)
PEER = ("192.0.2.7", 7)
TIMEOUT = 5.0


class TurnServer(TurnStreamMixin, asyncio.DatagramProtocol):
    """``requests`` are those that know the password; ``data`` is what came over channels."""

    def __init__(self) -> None:
        self.requests: list[Message] = []
        self.data: list[bytes] = []
        self.lifetime = 600
        self.refuses: dict[Method, tuple[int, str]] = {}
        self.ignores: set[Method] = set()
        self.client: tuple[str, int] = ("", 0)
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.client = addr[:2]
        if data[0] & 0xC0 == 0x40:
            self.data.append(data[4 : 4 + int.from_bytes(data[2:4], "big")])
            return
        request = stun.parse_message(data)
        if "USERNAME" not in request.attributes:
            self._answer(request, Class.ERROR, {"ERROR-CODE": (401, ""), "NONCE": b"n", "REALM": REALM})
            return
        self.requests.append(request)
        if request.message_method in self.ignores:
            return
        if refusal := self.refuses.get(request.message_method):
            self._answer(request, Class.ERROR, {"ERROR-CODE": refusal})
        else:
            self.accept(request)

    def accept(self, request: Message) -> None:
        attributes: dict[str, Any] = {"LIFETIME": self.lifetime}
        if request.message_method is Method.ALLOCATE:
            attributes |= {"XOR-MAPPED-ADDRESS": self.client, "XOR-RELAYED-ADDRESS": ("192.0.2.1", 1)}
        self._answer(request, Class.RESPONSE, attributes)

    def send(self, data: bytes) -> None:
        """To whoever has asked last, whatever it means."""
        if hasattr(self.transport, "sendto"):
            self.transport.sendto(data, self.client)
        else:
            self.transport.write(data)

    def asked(self, method: Method) -> list[Message]:
        return [request for request in self.requests if request.message_method is method]

    def _answer(self, request: Message, kind: Class, attributes: dict[str, Any]) -> None:
        response = Message(request.message_method, kind, request.transaction_id, attributes)
        if "USERNAME" in request.attributes:
            response.add_message_integrity(KEY)
        self.send(bytes(response))


@asynccontextmanager
async def turn_server(
    host: str = "127.0.0.1", transport: str = "udp"
) -> AsyncIterator[tuple[TurnServer, ServerAddress]]:
    """The server, and how to ask it."""
    loop = asyncio.get_running_loop()
    server = TurnServer()
    listening: Any
    if transport == "udp":
        listening, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=(host, 0))
        name = listening.get_extra_info("sockname")
    else:
        listening = await loop.create_server(lambda: server, host, 0)
        name = listening.sockets[0].getsockname()
    literal = f"[{host}]" if ":" in host else host
    try:
        yield server, address(f"turn:{literal}:{name[1]}?transport={transport}")
    finally:
        listening.close()
        if server.transport is not None:
            server.transport.close()


def address(url: str, user: str = USER, password: str = PASSWORD) -> ServerAddress:
    parsed = parse_server(url, user, password)
    assert isinstance(parsed, ServerAddress)
    return parsed


class Receiver(Connection):
    """Keeps what comes over the relay."""

    def __init__(self) -> None:
        super().__init__(ice_controlling=True)
        self.received: list[bytes] = []

    def data_received(self, data: bytes, component: int) -> None:
        self.received.append(data)


class Asked:
    """A relay that was given, and what is told of it; or why it was not given."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.lost: list[Trouble] = []
        self.trouble: Trouble | None = None
        self.candidate: Candidate | None = None
        self.protocol: RelayProtocol | None = None
        self.trips = 0

    async def round_trip(self) -> None:
        """Until the server has done all that it was told before: it answers to something new."""
        assert self.protocol is not None
        self.trips += 1
        with suppress(stun.TransactionError):
            await self.protocol.allocation.channel_bind(0x4F00 + self.trips, ("192.0.2.99", self.trips))

    def send(self, data: bytes, addr: tuple[str, int] = PEER) -> None:
        assert self.protocol is not None
        self.protocol.transport.sendto(data, addr)


@asynccontextmanager
async def relay(server: ServerAddress, timeout: float = TIMEOUT) -> AsyncIterator[Asked]:
    """Ask for one, and give it back at the end."""
    asked = Asked()
    answer = await relayed(asked.receiver, server, timeout, lost=asked.lost.append)
    if isinstance(answer, Trouble):
        asked.trouble = answer
        yield asked
        return
    asked.candidate, asked.protocol = answer
    try:
        yield asked
    finally:
        await asked.protocol.close()
