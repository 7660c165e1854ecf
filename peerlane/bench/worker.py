"""One process of a load run. It hears on standard input what to do, and tells on standard output how it goes.

In: a Share; then ``go`` and a moment of the clock that all processes of a machine share; ``end``: stop early.
When the input ends, so does the process.
"""

from __future__ import annotations

import asyncio
import gc
import random
import ssl
import sys
import time
from collections.abc import Coroutine
from typing import Any

import msgspec

from peerlane.bench.club import Club
from peerlane.bench.crowd import Crowd
from peerlane.bench.link import Dialler
from peerlane.bench.plan import Plan, Share
from peerlane.bench.progress import MAX_LINE_BYTES, Phase, Progress
from peerlane.bench.sequences import Ledger
from peerlane.bench.tally import Tally
from signaling.process import new_loop, raise_open_files


class _Over(Exception):  # noqa: N818  # it ends a task group, and is no error
    pass


class Worker:
    def __init__(self, share: Share, orders: asyncio.StreamReader) -> None:
        self._share = share
        self._orders = orders
        self._phase: Phase = "gathering"
        self._tally = Tally()
        self._go: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._ending = asyncio.Event()
        self._given_up = asyncio.Event()

    async def run(self) -> None:
        """All of it, until the tally is told."""
        plan = self._share.plan
        try:
            async with asyncio.TaskGroup() as tasks:
                ledger = Ledger(has_signals=plan.pattern != "fanout" and plan.rate > 0)
                dialler = Dialler(plan.token, tls_of(plan))
                chance = random.random if plan.jitter else _no_chance
                club = Club(dialler, tasks, time.monotonic, chance, self._tally, ledger, plan.token)
                crowd = Crowd(self._share, club)
                tasks.create_task(self._listen())
                tasks.create_task(crowd.keep(lambda: self._report(ledger)))
                await self._phases(crowd, club)
                self._tally.faults = ledger.faults()
                self._report(ledger)
                # What the members did is told already; that they leave is not part of it.
                final = Progress(
                    "done", msgspec.convert(msgspec.to_builtins(self._tally), Tally, strict=False)
                )
                crowd.leave()
                _tell(final)
                raise _Over
        except* _Over:
            pass

    async def _phases(self, crowd: Crowd, club: Club) -> None:
        began = time.monotonic()
        await self._unless_ended(crowd.gather())
        self._tally.gathering = time.monotonic() - began
        gc.collect()
        # It is all there is, and a pause to look through it would count as the server's.
        gc.freeze()
        self._enter("ready", club.ledger)
        await self._unless_ended(self._wait_for_go())
        if not self._go.done():
            return
        self._enter("running", club.ledger)
        start = self._go.result()
        await asyncio.sleep(max(0.0, start - time.monotonic()))
        cpu = time.process_time()
        await self._unless_ended(crowd.act(start))
        self._tally.wall = max(1e-9, time.monotonic() - start)
        self._tally.cpu = (time.process_time() - cpu) / self._tally.wall
        self._enter("waiting", club.ledger)
        await self._unless(self._given_up, crowd.rest())

    async def _wait_for_go(self) -> None:
        await asyncio.shield(self._go)

    async def _unless_ended(self, doing: Coroutine[Any, Any, None]) -> None:
        await self._unless(self._ending, doing)

    async def _unless(self, event: asyncio.Event, doing: Coroutine[Any, Any, None]) -> None:
        """Do it, but stop when the event comes."""
        task = asyncio.ensure_future(doing)
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            for each in (task, waiting):
                each.cancel()
            await asyncio.wait({task, waiting})

    async def _listen(self) -> None:
        while line := await self._orders.readline():
            match line.split():
                case [b"go", moment] if not self._go.done():
                    self._go.set_result(float(moment))
                case [b"end"]:
                    (self._given_up if self._ending.is_set() else self._ending).set()
        raise _Over  # whoever has started this has gone

    def _enter(self, phase: Phase, ledger: Ledger) -> None:
        self._phase = phase
        self._report(ledger)

    def _report(self, ledger: Ledger) -> None:
        self._tally.expected, self._tally.arrived = ledger.expected, ledger.arrived
        _tell(Progress(self._phase, self._tally))


def _no_chance() -> float:
    return 1.0


def tls_of(plan: Plan) -> ssl.SSLContext | None:
    """What links are encrypted with."""
    if not any(url.startswith("wss:") for url in plan.urls):
        return None
    context = ssl.create_default_context()
    if plan.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _tell(progress: Progress) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(progress) + b"\n")
    sys.stdout.buffer.flush()


async def main() -> None:
    orders = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer
    )
    share = msgspec.json.decode(await orders.readline(), type=Share)
    raise_open_files(share.plan.members)
    await Worker(share, orders).run()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
