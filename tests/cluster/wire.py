"""A line between a node and its broker that can be held, cut and led elsewhere while both ends run."""

from __future__ import annotations

import asyncio

CHUNK = 65_536


class Wire:
    """Listens on a port of loopback and carries what comes to ``target``, a port of loopback too."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()
        if self._open:
            await asyncio.wait(self._open)

    def hold(self) -> None:
        """Carry nothing any more, and tell nobody: both ends believe in their connection."""
        self._flows.clear()

    def release(self) -> None:
        """What was held arrives late."""
        self._flows.set()

    def cut(self) -> None:
        """Close what is open, and whatever is opened later."""
        self._is_cut = True
        self.drop()

    def mend(self) -> None:
        self._is_cut = False

    def drop(self) -> None:
        """Close what is open; the next ones go to wherever ``target`` is now."""
        for task in self._open:
            task.cancel()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        beyond: asyncio.StreamWriter | None = None
        try:
            if self._is_cut:
                return
            await self._flows.wait()
            far_reader, beyond = await asyncio.open_connection("127.0.0.1", self.target)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pump(reader, beyond))
                ways.create_task(self._pump(far_reader, writer))
        except* (OSError, _Ended):
            pass  # one end has gone, so the other hears of it
        except* asyncio.CancelledError:
            pass  # cut
        finally:
            self._open.discard(task)
            for each in (writer, beyond):
                if each is not None:
                    each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        raise _Ended


class _Ended(Exception):  # noqa: N818  # it ends a task group, and is no error
    pass
