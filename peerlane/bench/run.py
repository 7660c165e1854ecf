"""A load run over several processes: started, told when to begin, added up."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from peerlane.bench.plan import Plan, Share
from peerlane.bench.progress import MAX_LINE_BYTES, PHASES, Phase, Progress
from peerlane.bench.tally import Tally, together

BEGIN_AFTER = 0.2
"""So that all processes know it when the moment has come."""
LEAVING_TIMEOUT = 15.0


class WorkerError(Exception):
    """A process of ours has ended before its work; its last words are the text."""


class Run:
    """All processes of one plan. Use :func:`running`."""

    def __init__(self, processes: list[Process], say: Callable[[Run], None]) -> None:
        self._processes = processes
        self._say = say
        self._told: dict[int, Progress] = {}
        self._news = asyncio.Event()
        self._failed = ""
        self.began: float | None = None
        """When it began, on the monotonic clock."""

    @property
    def tally(self) -> Tally:
        """Of all processes, as far as they have told."""
        return together([progress.tally for progress in self._told.values()])

    @property
    def phase(self) -> Phase:
        """That of the one who is furthest behind."""
        if len(self._told) < len(self._processes):
            return PHASES[0]
        return min((progress.phase for progress in self._told.values()), key=PHASES.index)

    async def ready(self) -> None:
        """Wait until everybody is in. Raises WorkerError."""
        await self._reach("ready")

    def go(self) -> None:
        """Begin."""
        self.began = time.monotonic() + BEGIN_AFTER
        self._order(b"go %.6f\n" % self.began)

    def end(self) -> None:
        """Stop early; the second time, do not even wait for what is on the way."""
        self._order(b"end\n")

    async def done(self) -> Tally:
        """Wait for the end. Raises WorkerError."""
        await self._reach("done")
        return self.tally

    async def listen(self, index: int) -> None:
        """To one process, until it says no more."""
        process = self._processes[index]
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self._told[index] = msgspec.json.decode(line, type=Progress)
            self._say(self)
            self._news.set()
        if index not in self._told or self._told[index].phase != "done":
            assert process.stderr is not None
            words = (await process.stderr.read()).decode(errors="replace").strip()
            self._failed = words[-2000:] or f"exit code {await process.wait()}"
            self._news.set()

    async def _reach(self, phase: Phase) -> None:
        while PHASES.index(self.phase) < PHASES.index(phase):
            if self._failed:
                raise WorkerError(self._failed)
            self._news.clear()
            await self._news.wait()

    def _order(self, line: bytes) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(line)


@asynccontextmanager
async def running(plan: Plan, say: Callable[[Run], None] = lambda _: None) -> AsyncIterator[Run]:
    """Start the processes of a plan; they have ended when the block has."""
    processes: list[Process] = []
    listening: list[asyncio.Task[None]] = []
    try:
        for index in range(plan.processes):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "peerlane.bench.worker",
                stdin=PIPE, stdout=PIPE, stderr=PIPE,
                limit=MAX_LINE_BYTES,
                # Ctrl-C is for the one who can say what it means.
                start_new_session=True,
            )  # fmt: skip
            processes.append(process)
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(Share(plan, index)) + b"\n")
        run = Run(processes, say)
        listening = [asyncio.create_task(run.listen(index)) for index in range(len(processes))]
        yield run
    finally:
        await _ended(processes)
        for task in listening:
            task.cancel()
        if listening:
            await asyncio.wait(listening)


async def _ended(processes: list[Process]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        try:
            async with asyncio.timeout(LEAVING_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
