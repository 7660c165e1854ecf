"""Redis as the bus: publish and subscribe, over a connection each. Nothing is kept in it."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any

from redis.asyncio import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection

from signaling.backplane.line import Line, LineLost, Order, Orders, Saying, abort
from signaling.backplane.reconnecting import ReconnectingBackplane
from signaling.cluster.bus_urls import BusAddress

CONNECT_TIMEOUT = 2.0
SUBSCRIBE_AT_ONCE = 1000
YIELD_AFTER = 200
"""Messages that are in memory already are handed on without waiting; others of this process want a turn."""


class RedisBackplane(ReconnectingBackplane):
    """One Redis 6 or newer. It hears its own messages, and drops them by their mark."""

    def __init__(self, address: BusAddress, prefix: str) -> None:
        super().__init__()
        self._address = address
        self._prefix = prefix

    def _new_line(self) -> Line:
        return RedisLine(self._address, f"{self._prefix}.beat.{token_hex(8)}", self._hear)


class RedisLine(Line):
    """Two connections: one listens, and one publishes, writing many commands before the first is answered."""

    def __init__(self, address: BusAddress, beat_subject: str, hear: Callable[[str, bytes], None]) -> None:
        self._listening = _connection(address)
        self._publishing = _connection(address)
        self._beat_subject = beat_subject
        self._hear = hear
        self._orders = Orders()
        self._placing: deque[asyncio.Future[None] | None] = deque()
        """One for each subscription that the server has yet to confirm, in their order."""
        self._answers: deque[tuple[asyncio.Future[bool] | None, int]] = deque()
        """For each message whose listeners the server has yet to count, in their order: whom to tell whether
        there are more than so many."""
        self._backs: dict[bytes, Callable[[], None]] = {}
        """What to call when the beat of this number is back."""
        self._number = 0

    async def dial(self) -> None:
        for connection in (self._listening, self._publishing):
            await connection.connect()  # type: ignore[no-untyped-call]  # redis-py has no types here
            # A frozen server has its connections made by the kernel.
            await connection.send_command("PING")
            await connection.read_response()
        self._orders.listen([self._beat_subject])

    async def serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._carry_out_orders())
            tasks.create_task(self._read_messages())
            tasks.create_task(self._read_answers())

    async def write(self, batch: Sequence[Saying]) -> None:
        self._answers.extend([(saying.answer, int(saying.is_for_us_too)) for saying in batch])
        commands = [("PUBLISH", saying.subject, saying.frame) for saying in batch]
        await self._publishing.send_packed_command(
            self._publishing.pack_commands(commands), check_health=False
        )

    def listen(self, subjects: Sequence[str]) -> asyncio.Future[None]:
        return self._orders.listen(subjects)

    def ignore(self, subject: str) -> None:
        self._orders.ignore(subject)

    def beat(self, back: Callable[[], None]) -> Saying:
        self._number += 1
        number = b"%d" % self._number
        self._backs[number] = back
        return Saying(self._beat_subject, number)

    async def cut(self) -> None:
        for connection in (self._listening, self._publishing):
            # redis-py would write first what still waits; it has no public way not to.
            abort(connection._writer)
            await connection.disconnect(nowait=True)

    async def _carry_out_orders(self) -> None:
        while True:
            batch: list[Order] = await self._orders.take(SUBSCRIBE_AT_ONCE)
            if batch[0].listen:
                self._placing.extend([order.placed for order in batch])
            command = "SUBSCRIBE" if batch[0].listen else "UNSUBSCRIBE"
            await self._listening.send_command(
                command, *[order.subject for order in batch], check_health=False
            )

    async def _read_messages(self) -> None:
        count = 0
        while True:
            kind, channel, body = await _response(self._listening)
            if kind == b"message":
                subject = channel.decode()
                if subject != self._beat_subject:
                    self._hear(subject, body)
                elif (back := self._backs.pop(body, None)) is not None:
                    back()
            elif kind == b"subscribe":
                placed = self._placing.popleft()
                if placed is not None and not placed.done():
                    placed.set_result(None)
            count += 1
            if count % YIELD_AFTER == 0:
                await asyncio.sleep(0)

    async def _read_answers(self) -> None:
        while True:
            listeners = await _response(self._publishing)
            answer, ours = self._answers.popleft()
            if answer is not None and not answer.done():
                answer.set_result(listeners > ours)


async def _response(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf, disconnect_on_error=False)
    except ValueError as error:
        # A reply that is no Redis.
        raise LineLost(type(error).__name__) from None


def _connection(address: BusAddress) -> AbstractConnection:
    options: dict[str, Any] = {
        "username": address.secret.user or None,
        "password": address.secret.password or None,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        # Dialling has a time-out as a whole, and beats notice everything later.
        "socket_timeout": None,
        # Messages as plain arrays, and nothing that is pushed in between.
        "protocol": 2,
        "driver_info": None,
    }
    if address.scheme == "unix":
        return UnixDomainSocketConnection(path=address.path, **options)
    (host, port), *_ = address.hosts
    if address.is_tls:
        options |= {
            "ssl_ca_certs": address.ca or None,
            "ssl_certfile": address.cert or None,
            "ssl_keyfile": address.key or None,
        }
        return SSLConnection(host=host, port=port, **options)
    return Connection(host=host, port=port, **options)
