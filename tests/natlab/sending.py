"""Numbered messages at a steady rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.natlab.arrivals import numbered


class Sender:
    """Calls ``send`` with numbered messages, ``rate`` a second, from now until :meth:`stop`."""

    def __init__(self, send: Callable[[bytes], Awaitable[object]], rate: float, size: int) -> None:
        self.sent = 0
        self._send = send
        self._task = asyncio.create_task(self._run(1 / rate, size))

    async def stop(self) -> int:
        """How many have been sent."""
        self._task.cancel()
        # What it failed with, if it did, is for whoever stops it.
        await asyncio.wait([self._task])
        if not self._task.cancelled() and (error := self._task.exception()):
            raise error
        return self.sent

    async def _run(self, period: float, size: int) -> None:
        next_at = time.monotonic()
        while True:
            message = numbered(self.sent, time.monotonic(), size)
            # Once it is on its way it counts, also when waiting for room is given up.
            self.sent += 1
            await self._send(message)
            next_at += period
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
