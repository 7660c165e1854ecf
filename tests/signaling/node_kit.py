"""A node with links that live in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from signaling.config import Config
from signaling.metrics import Metrics
from signaling.node import Node
from signaling.protocol.codec import CLIENT_CODECS, JSON, Codec
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    Hello,
    Join,
    Joined,
    Request,
    Welcome,
    Word,
)
from signaling.protocol.parts import Resume

CLIENT: Codec[Any] = CLIENT_CODECS[JSON_SUBPROTOCOL]


MISTAKE = b"a mistake of the transport"


class MemoryPipe:
    """A pipe without a network; ``stall`` makes the client stop reading."""

    def __init__(self) -> None:
        self.to_server: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.heard: asyncio.Queue[Word] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.frames = 0
        self.closed: tuple[int, str] | None = None

    async def receive(self) -> bytes | None:
        frame = await self.to_server.get()
        if frame == MISTAKE:
            raise RuntimeError("planted")
        return frame

    async def send(self, frame: bytes) -> None:
        await self.reads.wait()
        if self.closed is not None:
            raise ConnectionResetError
        self.frames += 1
        for message in CLIENT.decode(frame):
            self.heard.put_nowait(message)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self.to_server.put_nowait(None)

    def abort(self) -> None:
        self.closed = self.closed or (1006, "cut")
        self.reads.set()
        self.to_server.put_nowait(None)

    def say(self, *messages: Word) -> None:
        self.to_server.put_nowait(CLIENT.join([CLIENT.encode(message) for message in messages]))

    async def hear(self, kind: type[Word]) -> Any:
        """The next message of this kind, passing over others."""
        while True:
            message = await self.heard.get()
            if isinstance(message, kind):
                return message

    def stall(self) -> None:
        self.reads.clear()


class Server:
    def __init__(self, config: Config) -> None:
        self.metrics = Metrics()
        self.node = Node(config, self.metrics, b"k" * 32)
        self.tasks: list[asyncio.Task[None]] = []

    def connect(self, codec: Codec[Request] = JSON) -> MemoryPipe:
        pipe = MemoryPipe()
        self.tasks.append(asyncio.get_running_loop().create_task(self.node.serve(pipe, codec, "localhost")))
        return pipe

    async def member(
        self, room: str = "room", resume: Resume | None = None, codec: Codec[Request] = JSON
    ) -> tuple[MemoryPipe, Welcome]:
        pipe = self.connect(codec)
        pipe.say(Hello(resume=resume), *([] if resume else [Join(1, room)]))
        welcome = await pipe.hear(Welcome)
        if not resume:
            await pipe.hear(Joined)
        return pipe, welcome


@asynccontextmanager
async def running(config: Config | None = None) -> AsyncIterator[Server]:
    server = Server(config or Config())
    server.node.start()
    try:
        yield server
    finally:
        await server.node.stop()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
