"""Real brokers on loopback: Redis and NATS, which keep their port over restarts and nothing else."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

START_TIMEOUT = 20.0


class Broker(ABC):
    """One server; ``start`` it first. It listens to no other machine, and forgets everything when it ends."""

    program: str
    scheme: str

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._options = options
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Returns when it answers."""
        program = shutil.which(self.program)
        if program is None:
            pytest.skip(f"{self.program} is not installed; scripts/install-system does it")
        self._process = await asyncio.create_subprocess_exec(
            program, *self._arguments(), *self._options,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT
        while not await self._answers():
            assert self._process.returncode is None, f"{self.program} has ended"
            assert time.monotonic() < deadline, f"{self.program} does not come up"
            await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """At once, without a goodbye to anybody."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        """Its connections stay, and the kernel makes new ones, but it says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @abstractmethod
    def _arguments(self) -> list[str]:
        """How it is started."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether somebody who knocks gets an answer."""

    async def _knock(self, words: bytes) -> bytes:
        try:
            async with asyncio.timeout(1.0):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(words)
                    return await reader.readline()
                finally:
                    writer.close()
        except OSError:
            return b""


class Redis(Broker):
    program = "redis-server"
    scheme = "redis"

    def _arguments(self) -> list[str]:
        return [
            "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder),
            "--save", "", "--appendonly", "no",
        ]  # fmt: skip

    async def _answers(self) -> bool:
        # One that wants a password answers too.
        return (await self._knock(b"PING\r\n"))[:1] in (b"+", b"-")


class Nats(Broker):
    program = "nats-server"
    scheme = "nats"

    def _arguments(self) -> list[str]:
        return ["--addr", "127.0.0.1", "--port", str(self.port)]

    async def _answers(self) -> bool:
        return (await self._knock(b"")).startswith(b"INFO")


@asynccontextmanager
async def running(broker: Broker) -> AsyncIterator[Broker]:
    try:
        await broker.start()
        yield broker
    finally:
        await broker.kill()


def free_port() -> int:
    """Free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
