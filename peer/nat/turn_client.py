"""A TURN client for tests (RFC 8656): asks one thing at a time, and hands back what the server says.

It asks what the client of the engine never would: permissions for any address, allocations of either family
or over TCP, with other credentials than the right ones.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aioice import stun
from aioice.stun import Class, Message, Method, TransactionFailed, TransactionTimeout

from peer.nat.stun_codec import REQUESTED_ADDRESS_FAMILY
from peer.nat.turn_line import CHANNELS, Line, NotTurnError

Address = tuple[str, int]

UDP, TCP = 17, 6
"""What is relayed, as REQUESTED-TRANSPORT has it."""
FAMILIES = {4: 0x01, 6: 0x02}
PAUSES = (0.3, 0.5, 0.8, 1.2, 2.0)
"""Seconds from one sending over UDP to the next; after the last one it is given up."""
MAX_TRIES = 4
"""Of one request; a server may ask for another nonce once, or twice, but not for ever."""
CLOSE_TIMEOUT = 0.5
MAX_WAITING = 32
"""Datagrams from peers that nobody has taken yet; what comes after them is lost."""

CHANNEL_DATA = 0x40


class Credentials(NamedTuple):
    username: str
    password: str

    def __repr__(self) -> str:
        # Credentials have no business in a log.
        return "<Credentials>"


class Allocated(NamedTuple):
    relayed: Address
    mapped: Address
    lifetime: int


class Datagram(NamedTuple):
    data: bytes
    peer: Address


class Answer(NamedTuple):
    message: Message
    size: int
    """Bytes."""


class BindingAnswer(NamedTuple):
    asked: int
    """Bytes of the request, without the headers below STUN."""
    answered: int
    message: Message


class Request(Message):
    """One that may carry attributes that aioice does not know, before those that it signs."""

    extra: tuple[tuple[int, bytes], ...] = ()

    def __bytes__(self) -> bytes:
        data = super().__bytes__()
        packed = b"".join(
            struct.pack("!HH", kind, len(value)) + value + bytes(stun.padding_length(len(value)))
            for kind, value in self.extra
        )
        data = data[: stun.HEADER_LENGTH] + packed + data[stun.HEADER_LENGTH :]
        return stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)


class TurnClient:
    """On one line; with ``credentials`` None it asks without any.

    All that asks raises TransactionFailed with the server's refusal, TransactionTimeout when it is silent,
    NotTurnError when something else answers, or what the line has ended of.
    """

    def __init__(self, line: Line, credentials: Credentials | None, *, is_checking: bool = True) -> None:
        """``is_checking`` False: an answer counts although it is not signed with our password."""
        self.line = line
        self.software = ""
        """As the server calls itself, if it does."""
        self.is_challenged = False
        """The server has asked for credentials."""
        self._credentials = credentials
        self._is_checking = is_checking
        self._realm: str | None = None
        self._nonce = b""
        self._key: bytes | None = None
        self._waiting: dict[bytes, asyncio.Future[Answer]] = {}
        self._datagrams: asyncio.Queue[Datagram] = asyncio.Queue(MAX_WAITING)
        self._may_be_allocated = False
        self.has_garbage = False
        """Something came that is no STUN."""
        line.on_message = self._take

    # Requests

    async def allocate(
        self, *, family: int | None = None, protocol: int = UDP, lifetime: int | None = None
    ) -> Allocated:
        """Raises NotTurnError too when the answer lacks what it must have."""
        attributes: dict[str, Any] = {"REQUESTED-TRANSPORT": protocol << 24}
        if lifetime is not None:
            attributes["LIFETIME"] = lifetime
        extra = []
        if family is not None:
            extra.append((REQUESTED_ADDRESS_FAMILY, struct.pack("!Bxxx", FAMILIES[family])))
        self._may_be_allocated = True
        try:
            answer = (await self.ask(Method.ALLOCATE, attributes, *extra)).attributes
        except TransactionFailed:
            self._may_be_allocated = False
            raise
        try:
            return Allocated(
                answer["XOR-RELAYED-ADDRESS"],
                answer.get("XOR-MAPPED-ADDRESS", ("", 0)),
                int(answer.get("LIFETIME", 0)),
            )
        except KeyError as error:
            raise NotTurnError from error

    async def permit(self, host: str) -> None:
        """Let the relay speak with this address."""
        await self.ask(Method.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": (host, 0)})

    async def bind(self, number: int, peer: Address) -> None:
        """A channel of :data:`CHANNELS`, which permits its peer too."""
        assert number in CHANNELS
        await self.ask(Method.CHANNEL_BIND, {"CHANNEL-NUMBER": number, "XOR-PEER-ADDRESS": peer})

    async def ask(self, method: Method, attributes: dict[str, Any], *extra: tuple[int, bytes]) -> Message:
        """One question to its answer, with credentials as soon as the server has asked for them."""
        for tries in range(1, MAX_TRIES + 1):
            is_signed = self._key is not None
            try:
                return (await self._transact(self._request(method, attributes, extra))).message
            except TransactionFailed as failure:
                if tries == MAX_TRIES or not self._is_told_how(failure.response, is_signed):
                    raise
        raise AssertionError("the last try has returned or raised")

    async def binding(self) -> BindingAnswer:
        """A plain STUN question (RFC 8489)."""
        request = Request(Method.BINDING, Class.REQUEST)
        answer = await self._transact(request)
        return BindingAnswer(len(bytes(request)), answer.size, answer.message)

    # Data

    def send(self, data: bytes, peer: Address) -> None:
        """Through the relay; a permission is needed."""
        indication = Message(Method.SEND, Class.INDICATION)
        indication.attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
        self.line.send(bytes(indication))

    async def receive(self) -> Datagram:
        """What comes to the relay; waits for ever."""
        return await self._datagrams.get()

    # The end

    async def give_back(self, within: float = CLOSE_TIMEOUT) -> None:
        """Takes so many seconds at the most; a server that is not there will forget it."""
        try:
            if self._may_be_allocated and not self.line.ended.done():
                async with asyncio.timeout(within):
                    await self.ask(Method.REFRESH, {"LIFETIME": 0})
        except (TransactionFailed, TransactionTimeout, NotTurnError, OSError, TimeoutError):
            pass  # it is of no use to anybody, and ends by itself
        finally:
            self._may_be_allocated = False
            self.line.close()

    def _request(
        self, method: Method, attributes: dict[str, Any], extra: tuple[tuple[int, bytes], ...]
    ) -> Request:
        request = Request(method, Class.REQUEST, attributes=dict(attributes))
        request.extra = extra
        if self._key is not None and self._credentials is not None:
            request.attributes["USERNAME"] = self._credentials.username
            request.attributes["REALM"] = self._realm
            request.attributes["NONCE"] = self._nonce
            request.add_message_integrity(self._key)
        return request

    def _is_told_how(self, refusal: Message, was_signed: bool) -> bool:
        """Whether the server has told what a request must be signed with that can be tried."""
        nonce, realm = refusal.attributes.get("NONCE"), refusal.attributes.get("REALM", self._realm)
        if refusal.error_code == 401 and nonce:
            self.is_challenged = True
        if self._credentials is None or nonce is None or realm is None:
            return False
        if refusal.error_code != 438 and (refusal.error_code != 401 or was_signed):
            return False
        self._nonce, self._realm = nonce, realm
        username, password = self._credentials
        self._key = hashlib.md5(f"{username}:{realm}:{password}".encode(), usedforsecurity=False).digest()
        return True

    async def _transact(self, request: Request) -> Answer:
        waiting = self._waiting[request.transaction_id] = asyncio.get_running_loop().create_future()
        try:
            for pause in (sum(PAUSES),) if self.line.is_stream else PAUSES:
                self.line.send(bytes(request))
                both: set[asyncio.Future[Any]] = {waiting, self.line.ended}
                await asyncio.wait(both, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                if waiting.done():
                    return self._checked(waiting.result())
                if self.line.ended.done():
                    raise self.line.ended.result()
            raise NotTurnError if self.has_garbage else TransactionTimeout
        finally:
            del self._waiting[request.transaction_id]

    def _checked(self, answer: Answer) -> Answer:
        self.software = answer.message.attributes.get("SOFTWARE", self.software)
        if answer.message.message_class == Class.ERROR:
            raise TransactionFailed(answer.message)
        return answer

    # What comes

    def _take(self, data: bytes) -> None:
        if data and data[0] & 0xC0 == CHANNEL_DATA:
            return  # through a channel, where nobody has anything to say to us
        message = _read(data)
        if message is None:
            self.has_garbage = True
            return
        waiting = self._waiting.get(message.transaction_id)
        if message.message_class in (Class.RESPONSE, Class.ERROR):
            if waiting is not None and not waiting.done() and self._counts(message):
                waiting.set_result(Answer(message, len(data)))
        elif message.message_method == Method.DATA and message.message_class == Class.INDICATION:
            data_in, peer = message.attributes.get("DATA"), message.attributes.get("XOR-PEER-ADDRESS")
            if data_in is not None and peer is not None:
                self._take_datagram(Datagram(data_in, peer))

    def _take_datagram(self, datagram: Datagram) -> None:
        if not self._datagrams.full():
            self._datagrams.put_nowait(datagram)

    def _counts(self, message: Message) -> bool:
        """A refusal counts unsigned too: who tests wants to hear it, and it gives nothing away."""
        if self._key is None or not self._is_checking or message.message_class == Class.ERROR:
            return True
        return message.check_message_integrity(self._key)


def _read(data: bytes) -> Message | None:
    """None for what is no STUN, and for attributes that go on behind the end, which aioice cuts off."""
    position = stun.HEADER_LENGTH
    while position < len(data):
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        position += 4 + length + stun.padding_length(length)
    try:
        return stun.parse_message(data) if position == len(data) else None
    except (ValueError, struct.error):
        return None


@asynccontextmanager
async def turn_client(
    line: Line, credentials: Credentials | None, *, is_checking: bool = True
) -> AsyncIterator[TurnClient]:
    """One whose allocation is given back at the end of the block, and its line closed."""
    client = TurnClient(line, credentials, is_checking=is_checking)
    try:
        yield client
    finally:
        await client.give_back()
