"""A network between a client and the server that tests can break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Wire:
    """A TCP proxy: a network that can be cut, and that can swallow everything without a word."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_broken = False
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Wire]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.cut()
            self._goes_on.set()
            server.close()
            await server.wait_closed()

    def cut(self) -> None:
        """Ends all connections, and lets none through."""
        self._is_broken = True
        for writer in self._writers:
            writer.transport.abort()

    def hold(self) -> None:
        """Connections stay, and nothing comes through."""
        self._goes_on.clear()

    def mend(self) -> None:
        """What was held is lost, as by a NAT that has forgotten its connections."""
        self.cut()
        self._goes_on.set()
        self._is_broken = False

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self._is_broken:
                other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._port)
                self._writers.add(other_writer)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._pump(reader, other_writer))
                    tasks.create_task(self._pump(other_reader, writer))
        finally:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._goes_on.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # cut
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
