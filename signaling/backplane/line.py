"""One connection to a bus, from its beginning to its end: what a new kind of bus has to bring."""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

MAX_WAITING = 20_000
MAX_WAITING_BYTES = 8 * 1024 * 1024
"""What may wait to be written. A bus that has fallen this far behind is not going to catch up."""
MAX_BATCH_BYTES = 128 * 1024

NO_LINGER = struct.pack("ii", 1, 0)


class LineLost(ConnectionError):  # noqa: N818  # named for what has happened, as its siblings are
    """This connection is over; the text says why."""


class Saying(NamedTuple):
    """A message on its way to the bus."""

    subject: str
    frame: bytes
    answer: asyncio.Future[bool] | None = None
    """Becomes whether anybody else listens there; most do not ask."""
    is_for_us_too: bool = False
    """We listen there ourselves."""


class Outgoing:
    """What waits to be written, in order; bounded."""

    def __init__(self) -> None:
        self._waiting: deque[Saying] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def put(self, saying: Saying) -> bool:
        """False, and nothing is kept, when it is full."""
        if len(self._waiting) >= MAX_WAITING or self._bytes > MAX_WAITING_BYTES:
            return False
        self._waiting.append(saying)
        self._bytes += len(saying.frame)
        self._filled.set()
        return True

    def clear(self) -> int:
        """Forget all of it, and say how many that were."""
        count = len(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return count

    async def take(self) -> list[Saying]:
        """Wait until there is something, and take as much of it as is written at once."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        batch: list[Saying] = []
        size = 0
        while self._waiting and size < MAX_BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].frame)
        self._bytes -= size
        return batch


class Order(NamedTuple):
    """A change of what is listened to."""

    subject: str
    listen: bool
    placed: asyncio.Future[None] | None = None
    """Done when the subscription is in place."""


class Orders:
    """What is to be listened to, and what not any more, in the order in which it was wanted."""

    def __init__(self) -> None:
        self._waiting: deque[Order] = deque()
        self._filled = asyncio.Event()
        self._is_full = False

    def listen(self, subjects: Sequence[str]) -> asyncio.Future[None]:
        """Done when all of them are in place; never, when the connection ends before."""
        placed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        last = len(subjects) - 1
        for index, subject in enumerate(subjects):
            self._put(Order(subject, True, placed if index == last else None))
        return placed

    def ignore(self, subject: str) -> None:
        self._put(Order(subject, False))

    async def take(self, most: int) -> list[Order]:
        """Wait until there are some, and take those at the head that want the same. Raises LineLost."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        if self._is_full:
            raise LineLost("more subscriptions are waiting than the bus takes")
        batch = [self._waiting.popleft()]
        while self._waiting and len(batch) < most and self._waiting[0].listen == batch[0].listen:
            batch.append(self._waiting.popleft())
        return batch

    def _put(self, order: Order) -> None:
        self._filled.set()
        if len(self._waiting) >= MAX_WAITING:
            self._is_full = True
        else:
            self._waiting.append(order)


class Line(ABC):
    """One connection. After anything has raised, only ``cut`` is called."""

    @abstractmethod
    async def dial(self) -> None:
        """Connect, and hear from the server; the caller has the time-out."""

    @abstractmethod
    async def serve(self) -> None:
        """Hand on what arrives, and do what ``listen`` and ``ignore`` ask for, until it is over; raises."""

    @abstractmethod
    async def write(self, batch: Sequence[Saying]) -> None:
        """Write these, waiting while the bus is slow."""

    @abstractmethod
    def listen(self, subjects: Sequence[str]) -> asyncio.Future[None]:
        """Subscribe, also to what is subscribed to already. Done when whatever is said now is heard."""

    @abstractmethod
    def ignore(self, subject: str) -> None:
        """Unsubscribe."""

    @abstractmethod
    def beat(self, back: Callable[[], None]) -> Saying:
        """What to write so that ``back`` is called once it, and all before it, has been through the bus."""

    @abstractmethod
    async def cut(self) -> None:
        """End it now: what is still waiting, in the kernel too, is not sent any more."""


def heed_cancelling() -> None:
    """Raises CancelledError if it has been swallowed further in.

    nats-py does so while it waits for its socket.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def abort(writer: asyncio.StreamWriter | None) -> None:
    """Close a connection so that a server that is frozen is not given the rest when it goes on."""
    if writer is None:
        return
    found = writer.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        except OSError:
            pass  # it is closed already
    writer.transport.abort()
