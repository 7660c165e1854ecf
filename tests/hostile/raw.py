"""Sockets without a library in between: whatever bytes we like, and what comes back."""

from __future__ import annotations

import asyncio
import json
import struct
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

PATIENCE = 20.0
"""Seconds for any answer that is going to come at all."""

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
MASK = bytes(4)
"""A mask of zeros is a mask, and leaves the payload as it is."""


class Frame(NamedTuple):
    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """Of a close frame; 1005 for one without a code."""
        return int(struct.unpack("!H", self.payload[:2])[0]) if len(self.payload) >= 2 else 1005


class Ended(NamedTuple):
    """How a connection has ended: the code of the close frame, or None when it was cut without one."""

    code: int | None
    frames: list[Frame]

    @property
    def words(self) -> list[dict[str, Any]]:
        """The messages that came before."""
        return [word for frame in self.frames if frame.opcode == TEXT for word in spoken(frame.payload)]


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    is_last: bool = True,
    reserved: int = 0,
    is_masked: bool = True,
    declared: int | None = None,
) -> bytes:
    """A WebSocket frame (RFC 6455 section 5.2); ``declared`` is the length it claims to have."""
    length = len(payload) if declared is None else declared
    mask_bit = 0x80 if is_masked else 0
    head = bytes((0x80 * is_last | reserved << 4 | opcode,))
    if length < 126:
        head += bytes((mask_bit | length,))
    elif length < 65_536:
        head += bytes((mask_bit | 126,)) + struct.pack("!H", length)
    else:
        head += bytes((mask_bit | 127,)) + struct.pack("!Q", length)
    return head + (MASK if is_masked else b"") + payload


def spoken(payload: bytes) -> list[dict[str, Any]]:
    words = json.loads(payload)
    return words if isinstance(words, list) else [words]


class Connection:
    """One TCP connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.has_ended_input = False
        self.id = ""
        """Of the session, if there is one."""
        self._unread: deque[dict[str, Any]] = deque()

    def end_input(self) -> None:
        """Nothing more is sent; what comes can still be read."""
        self.has_ended_input = True
        try:
            self.writer.write_eof()
        except OSError:
            pass  # the other side has hung up already

    async def send(self, data: bytes) -> bool:
        """False when the other side has hung up meanwhile."""
        if self.writer.is_closing():
            return False
        try:
            self.writer.write(data)
            async with asyncio.timeout(PATIENCE):
                await self.writer.drain()
        except ConnectionError:
            return False
        return True

    async def status(self) -> int | None:
        """Of the HTTP response that comes next; None when the connection ends instead."""
        head = await self.head()
        return int(head.split(b" ", 2)[1]) if head else None

    async def head(self) -> bytes:
        """The status line and headers of the next response; empty when the connection ends instead."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    async def response(self) -> tuple[bytes, bytes]:
        """Head and body of the next response; ``Content-Length`` only, as this server answers."""
        head = await self.head()
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        try:
            async with asyncio.timeout(PATIENCE):
                return head, await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return head, b""

    async def rest(self) -> bytes:
        """All that comes until the other side hangs up."""
        try:
            async with asyncio.timeout(3.0):
                return await self.reader.read(-1)
        except ConnectionError:
            return b""

    async def frame(self) -> Frame | None:
        """The next frame of the server; None at the end."""
        try:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return Frame(first & 0x0F, await self.reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def words(self, kind: str) -> dict[str, Any]:
        """The next message of this type; others are passed over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while self._unread:
                    word = self._unread.popleft()
                    if word["type"] == kind:
                        return word
                came = await self.frame()
                if came is None:
                    break
                if came.opcode == TEXT:
                    self._unread.extend(spoken(came.payload))
                assert came.opcode != CLOSE, f"closed with {came.close_code} instead of {kind!r}"
        raise AssertionError(f"the connection ended instead of {kind!r}")

    async def ended(self, within: float = PATIENCE) -> Ended:
        """Read to the end; a goodbye is answered, as RFC 6455 asks."""
        frames: list[Frame] = []
        async with asyncio.timeout(within):
            while (came := await self.frame()) is not None:
                if came.opcode == CLOSE:
                    if not self.has_ended_input:
                        await self.send(frame(CLOSE, came.payload[:2]))
                    return Ended(came.close_code, frames)
                frames.append(came)
        return Ended(None, frames)

    async def say(self, *words: dict[str, Any]) -> bool:
        """One frame for each message."""
        return await self.send(b"".join(frame(TEXT, json.dumps(word).encode()) for word in words))

    async def close(self) -> None:
        self.writer.transport.abort()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass  # that is what was asked for


@asynccontextmanager
async def connected(port: int, *, limit: int = 2**20) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
    connection = Connection(reader, writer)
    try:
        yield connection
    finally:
        await connection.close()


def request(
    method: str, path: str, headers: Iterable[tuple[str, str]] = (), *, host: str = "localhost"
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "peerlane.v1.json",
}


def upgrade(**changed: str | None) -> bytes:
    """The request for a link; ``Sec_WebSocket_Key=None`` leaves a header out."""
    headers = dict(UPGRADE)
    for name, value in changed.items():
        headers.pop(name.replace("_", "-"), None)
        if value is not None:
            headers[name.replace("_", "-")] = value
    return request("GET", "/v1/ws", headers.items())


@asynccontextmanager
async def upgraded(port: int, **changed: str | None) -> AsyncIterator[Connection]:
    """A link that has said nothing yet."""
    async with connected(port) as connection:
        await connection.send(upgrade(**changed))
        status = await connection.status()
        assert status == 101, f"the upgrade was answered with {status}"
        yield connection


@asynccontextmanager
async def greeted(port: int) -> AsyncIterator[Connection]:
    """A link with a session."""
    async with upgraded(port) as connection:
        await connection.say({"type": "hello"})
        connection.id = (await connection.words("welcome"))["you"]
        yield connection


@asynccontextmanager
async def member(port: int, room: str, name: str = "") -> AsyncIterator[Connection]:
    """A link with a session that is in a room."""
    async with greeted(port) as connection:
        await connection.say({"type": "join", "request": 1, "room": room, "name": name})
        await connection.words("joined")
        yield connection
