"""Programs that do what a test tells them, from outside: a process of Python, or a page of a browser.

Both ends of the conversation with a process are here: ``Process`` asks, ``obey`` answers. A question is one
line of JSON on its stdin, ``{"do": name, …}``, and so is the answer on its stdout.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import traceback
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""For an answer; what takes longer is asked for again and again."""
END_TIMEOUT = 8.0
MAX_LINE_BYTES = 64 * 1024 * 1024
"""What has come in minutes of a 60 Hz stream, and more."""


class ActorError(Exception):
    """It could not do what it was told, or has ended."""


class Actor(Protocol):
    async def do(self, name: str, **how: Any) -> Any:
        """Raises ActorError when it could not."""


class Process:
    """A program that obeys. ``log`` holds what it has written to stderr."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self.log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    async def do(self, name: str, **how: Any) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            async with self._turn, asyncio.timeout(PATIENCE):
                stdin.write(msgspec.json.encode({"do": name, **how}) + b"\n")
                line = await stdout.readline()
        except (TimeoutError, ConnectionError) as error:
            raise ActorError(f"{name}: no answer ({error!r}); it said: {self.last_words()}") from error
        answer = msgspec.json.decode(line) if line else {"error": "it has ended"}
        if "error" in answer:
            raise ActorError(f"{name}: {answer['error']}; it said: {self.last_words()}")
        return answer["answer"]

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    async def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(END_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def started(command: Sequence[str]) -> AsyncIterator[Process]:
    """A program for the length of the block."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=errors, cwd=ROOT, limit=MAX_LINE_BYTES
            )
        actor = Process(process, log)
        try:
            yield actor
        finally:
            await actor.close()


async def obey(actor: object) -> None:
    """Do what comes on stdin, until it ends: ``{"do": "this", …}`` calls the method ``do_this``."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = msgspec.json.decode(line)
        try:
            answer = {"answer": await getattr(actor, f"do_{order.pop('do')}")(**order)}
        except Exception as error:  # noqa: BLE001 # whoever asked is told, and may ask again
            traceback.print_exc()
            answer = {"error": repr(error)}
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
            sys.stdout.buffer.flush()
