"""TURN servers on loopback: one that relays to itself, and those that nobody should meet."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aioice import stun
from aioice.stun import Class, Message, Method

from peer.engine.ice.servers import ServerAddress
from tests.peer.engine.ice.turn_server import REALM, TurnServer, address

RELAY = ("192.0.2.1", 1)


class Relaying(TurnServer):
    """What is sent to the relay's own address comes back from it."""

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.client = addr[:2]
        message = stun.parse_message(data)
        if message.message_method is not Method.SEND:
            super().datagram_received(data, addr)
        elif message.attributes["XOR-PEER-ADDRESS"] == RELAY:
            self.send(bytes(Message(Method.DATA, Class.INDICATION, None, dict(message.attributes))))


class Lonely(TurnServer):
    """What is sent to its relays arrives, but not from the relays: there is a router in between."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def accept(self, request: Message) -> None:
        attributes: dict[str, Any] = {"LIFETIME": 600, "XOR-MAPPED-ADDRESS": self.client}
        attributes["XOR-RELAYED-ADDRESS"] = ("127.0.0.1", self._port)
        self._answer(request, Class.RESPONSE, attributes)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if stun.parse_message(data).message_method is not Method.SEND:
            super().datagram_received(data, addr)


class Misplaced(TurnServer):
    """Gives relays at an address that is none."""

    def accept(self, request: Message) -> None:
        attributes = {"LIFETIME": 600, "XOR-RELAYED-ADDRESS": ("0.0.0.0", 4000)}
        self._answer(request, Class.RESPONSE, attributes)


class Forgetful(TurnServer):
    """Says yes, and not to what."""

    def accept(self, request: Message) -> None:
        self._answer(request, Class.RESPONSE, {})


class Forging(TurnServer):
    """Its answers are signed with another password than ours."""

    def accept(self, request: Message) -> None:
        response = Message(request.message_method, Class.RESPONSE, request.transaction_id)
        response.attributes = {"XOR-RELAYED-ADDRESS": RELAY, "LIFETIME": 600}
        response.add_message_integrity(b"another key")
        self.send(bytes(response))


class Insatiable(TurnServer):
    """Wants another nonce for every request, for ever."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self._code = code
        self.asked_again = 0

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.client = addr[:2]
        self.asked_again += 1
        request = stun.parse_message(data)
        nonce = str(self.asked_again).encode()
        refusal = {"ERROR-CODE": (self._code, ""), "NONCE": nonce, "REALM": REALM}
        self.send(bytes(Message(request.message_method, Class.ERROR, request.transaction_id, refusal)))


class Speaking(TurnServer):
    """Answers whatever comes with the same bytes; over TCP it can close the line then, or say nothing."""

    def __init__(self, answer: bytes, *, closes: bool = False) -> None:
        super().__init__()
        self._reply = answer
        self._closes = closes

    def data_received(self, data: bytes) -> None:
        self.datagram_received(data, self.transport.get_extra_info("peername"))

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.client = addr[:2]
        if self._reply:
            self.send(self._reply)
        if self._closes:
            self.transport.close()


class Mumbling(TurnServer):
    """Answers the right question with attributes that cannot be read."""

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.client = addr[:2]
        body = struct.pack("!HHI", 0x0009, 0xFFF0, 401)
        kind = int.from_bytes(data[:2], "big") | Class.ERROR
        self.send(struct.pack("!HH", kind, len(body)) + data[4:20] + body)


GARBAGE = b"\xff" * 64
HUGE = struct.pack("!HHI", 0x0103, 0xFFFC, stun.COOKIE) + bytes(12)
"""A STUN header over TCP that promises 65,532 bytes, which never come."""
WEB = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def serving(server: TurnServer, transport: str = "udp") -> AsyncIterator[ServerAddress]:
    """How to ask it."""
    loop = asyncio.get_running_loop()
    listening: Any
    if transport == "udp":
        listening, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
        port = listening.get_extra_info("sockname")[1]
    else:
        listening = await loop.create_server(lambda: server, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
    try:
        if transport == "tls":
            yield address(f"turns:127.0.0.1:{port}")
        else:
            yield address(f"turn:127.0.0.1:{port}?transport={transport}")
    finally:
        listening.close()
        if server.transport is not None:
            server.transport.close()
