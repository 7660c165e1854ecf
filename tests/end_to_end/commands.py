"""Commands of ours as processes: what they say, line by line, and what is typed into them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.end_to_end.conftest import PATIENCE, eventually


class Command:
    """A running ``peerlane …``; all waiting is bounded."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.errors: list[str] = []
        self._reading = asyncio.create_task(self._read_errors())

    @property
    def pid(self) -> int:
        return self._process.pid

    def type(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())

    async def end_input(self) -> None:
        assert self._process.stdin is not None
        await self._process.stdin.drain()
        self._process.stdin.close()

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self._process.send_signal(number)

    async def line(self) -> str:
        """The next line of its output; empty at the end."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return (await self._process.stdout.readline()).decode().rstrip("\n")

    async def event(self, name: str) -> dict[str, Any]:
        """The next line of JSON that tells of this event."""
        while line := await self.line():
            told: dict[str, Any] = json.loads(line)
            if told["event"] == name:
                return told
        raise AssertionError(f"it ended without {name!r}; it said: {self.errors}")

    async def noted(self, text: str) -> None:
        """Wait until it has said something on standard error."""
        await eventually(lambda: any(text in line for line in self.errors), f"{text!r} on standard error")

    async def ended(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(PATIENCE):
            code = await self._process.wait()
            await self._reading
        return code

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.errors.append(line.decode().rstrip("\n"))

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._reading


@asynccontextmanager
async def command(*arguments: str, **environment: str) -> AsyncIterator[Command]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "peerlane",
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | environment,
    )
    running = Command(process)
    try:
        yield running
    finally:
        await running.close()
