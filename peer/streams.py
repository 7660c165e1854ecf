"""How one task tells another that something has changed, and hands things over, within bounds."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Bell:
    """Wakes everybody who waits; whoever has waited looks again."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait(self) -> None:
        """Until the next :meth:`ring`."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)


class Stream(Generic[T]):
    """An async iterator over what is put in; when ``limit`` items wait, the oldest goes.

    Safe to leave and to come back to. Several may iterate: each item goes to one of them.
    """

    def __init__(self, limit: int) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._bell = Bell()
        self._is_ended = False
        self._error: Exception | None = None
        self.dropped = 0
        """How many items were lost because nobody took them."""

    def put(self, item: T) -> None:
        if self._is_ended:
            return
        if len(self._items) >= self._limit:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._bell.ring()

    def end(self, error: Exception | None = None) -> None:
        """What is inside can still be read; then the iteration ends, or raises ``error``."""
        self._is_ended = True
        self._error = error
        self._bell.ring()

    def __len__(self) -> int:
        return len(self._items)

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._is_ended:
                raise self._error or StopAsyncIteration
            await self._bell.wait()
        return self._items.popleft()
