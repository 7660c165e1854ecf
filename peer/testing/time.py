"""Time that passes only when a test says so, or when nobody has anything else to do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class ManualClock:
    """For rules that take ``now`` as an argument."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def advance(self, seconds: float) -> float:
        """The new time. Raises ValueError for a step back: monotonic time has none."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self.now += seconds
        return self.now


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time: when all wait, the clock jumps to whoever wakes first.

    An hour of ``asyncio.sleep`` passes in a moment, and the same way each time. It is for code that
    waits for time and for other tasks. Sockets and threads do not know about it: what waits for them
    may find that hours have passed.
    """

    def __init__(self) -> None:
        self._virtual_now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._virtual_now

    def jump(self, seconds: float) -> None:
        self._virtual_now += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen: a deadlock")
        self._loop.jump(max(0.0, timeout))
        return ready


def run(main: Coroutine[Any, Any, T]) -> T:
    """As ``asyncio.run``, in virtual time. Raises RuntimeError when all tasks wait for each other."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
