"""A link without WebSocket: the server's words as an event stream, ours as POSTs.

It is used as a WebSocket is. The stream comes in one piece (SSE), or in slices (long-poll). How much of it
has been had is said with the hello, so the ids of events are passed over.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

import aiohttp
import msgspec
from aiohttp import WSMsgType

from peer.signaling_client.transports import OPEN_TIMEOUT, http_url

MSGPACK_TYPE = "application/vnd.msgpack"
LINK = "Peerlane-Link"
NUMBER = "Peerlane-Number"
POST_TIMEOUT = 10.0
"""For one try."""
TRIES = 6
"""So often one POST is tried before the link is given up; the session resumes on the next one."""
FIRST_PAUSE = 0.1
SLICE_TIMEOUT = 30.0
MAX_EVENT_BYTES = 48 * 1024 * 1024
"""A frame, as base64."""
MAX_WAITING_FRAMES = 64
LATER = (408, 429, 500, 502, 503, 504)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, KeyError, TypeError, ValueError)

"""What a stream of theirs may have in it that is not of ours."""

Answer = AbstractAsyncContextManager[aiohttp.ClientResponse]
Request = Callable[..., Answer]


class Heard(NamedTuple):
    """As aiohttp tells what a WebSocket has brought."""

    type: WSMsgType
    data: Any = None


class Fields(NamedTuple):
    """One event of a stream, without its id."""

    name: str
    data: bytes


class HttpSocket:
    """``open`` it first; what it raises says why there is no link."""

    protocol = ""
    """There is nothing to agree on."""

    def __init__(self, url: str, request: Request, *, is_polling: bool) -> None:
        self.close_code: int | None = None
        self._url = url
        self._request = request
        self._is_polling = is_polling
        self._link = ""
        self._number = 0
        self._heard: asyncio.Queue[Heard] = asyncio.Queue(MAX_WAITING_FRAMES)
        self._opened = asyncio.get_running_loop().create_future()
        self._reading: asyncio.Task[None] | None = None
        self._local: Any = None

    async def open(self) -> None:
        """Returns when the stream is seen to flow. Raises what a request raises, and TimeoutError."""
        self._reading = asyncio.create_task(self._read())
        async with asyncio.timeout(OPEN_TIMEOUT):
            await self._opened

    async def receive(self) -> Heard:
        """The next frame, or that there is none."""
        if self._heard.empty() and (self._reading is None or self._reading.done()):
            return Heard(WSMsgType.CLOSED)
        return await self._heard.get()

    async def send_bytes(self, frame: bytes) -> None:
        """One frame, exactly once. Raises ConnectionError when the link has ended."""
        self._number += 1
        pause = FIRST_PAUSE
        for _ in range(TRIES):
            try:
                status = await self._post(frame)
            except (aiohttp.ClientError, OSError, TimeoutError):
                status = 503
            if status == 204:
                return
            if status not in LATER:
                break
            await asyncio.sleep(pause)
            pause *= 2.0
        self._end()
        raise ConnectionResetError("the server does not take what we say")

    async def close(self) -> None:
        """Hang up."""
        self._end()
        if self._reading is not None:
            await asyncio.wait([self._reading])

    def get_extra_info(self, name: str) -> Any:
        return self._local if name == "sockname" else None

    def _end(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    async def _post(self, frame: bytes) -> int:
        headers = {LINK: self._link, NUMBER: str(self._number), "Content-Type": MSGPACK_TYPE}
        timeout = aiohttp.ClientTimeout(POST_TIMEOUT)
        url = http_url(self._url, "/v1/messages")
        async with self._request("POST", url, data=frame, headers=headers, timeout=timeout) as answer:
            return answer.status

    async def _read(self) -> None:
        try:
            parts = self._slices() if self._is_polling else self._stream()
            async for event in events(parts):
                await self._hear(event)
        except asyncio.CancelledError:
            raise
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            if not self._opened.done():
                self._opened.set_exception(error)
        finally:
            if not self._opened.done():
                self._opened.set_exception(aiohttp.ClientPayloadError("the stream has ended"))
            if not self._heard.full():
                self._heard.put_nowait(Heard(WSMsgType.CLOSED))

    async def _hear(self, event: Fields) -> None:
        try:
            match event.name:
                case "link":
                    self._link = msgspec.json.decode(event.data)["link"]
                    if not self._opened.done():
                        self._opened.set_result(None)
                case "close":
                    self.close_code = int(msgspec.json.decode(event.data)["code"])
                case _:
                    await self._heard.put(
                        Heard(WSMsgType.BINARY, base64.b64decode(event.data, validate=True))
                    )
        except UNREADABLE as error:
            raise aiohttp.ClientPayloadError("an event could not be read") from error

    async def _stream(self) -> AsyncIterator[bytes]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=OPEN_TIMEOUT)
        headers = {"Content-Type": MSGPACK_TYPE}
        url = http_url(self._url, "/v1/sse")
        async with self._request("POST", url, headers=headers, timeout=timeout) as answer:
            self._check(answer)
            async for part in answer.content.iter_any():
                yield part

    async def _slices(self) -> AsyncIterator[bytes]:
        timeout = aiohttp.ClientTimeout(total=SLICE_TIMEOUT)
        url = http_url(self._url, "/v1/poll")
        number, failures = 1, 0
        while True:
            named = {LINK: self._link, NUMBER: str(number)}
            headers = {"Content-Type": MSGPACK_TYPE} if number == 1 else named
            try:
                async with self._request("POST", url, headers=headers, timeout=timeout) as answer:
                    if answer.status in LATER and number > 1:
                        raise aiohttp.ClientPayloadError(f"HTTP {answer.status}")
                    if answer.status != 200 and number > 1:
                        return
                    self._check(answer)
                    body = await answer.read()
            except (aiohttp.ClientError, OSError, TimeoutError):
                failures += 1
                if number == 1 or failures >= TRIES:
                    raise
                await asyncio.sleep(FIRST_PAUSE * 2**failures)
                continue
            number, failures = number + 1, 0
            yield body

    def _check(self, answer: aiohttp.ClientResponse) -> None:
        """Remember where we are, and raise if there is no stream of ours."""
        connection = answer.connection
        if connection is not None and connection.transport is not None:
            self._local = connection.transport.get_extra_info("sockname")
        is_stream = answer.headers.get("Content-Type", "").startswith("text/event-stream")
        if answer.status != 200 or not is_stream:
            status = 404 if answer.status == 200 else answer.status
            raise aiohttp.ClientResponseError(
                answer.request_info, (), status=status, message=answer.reason or "", headers=answer.headers
            )


async def events(parts: AsyncIterator[bytes]) -> AsyncIterator[Fields]:
    """What a server of ours writes of WHATWG HTML §9.2: lines end with LF, comments keep the line open."""
    waiting = bytearray()
    searched = 0
    async for part in parts:
        waiting += part
        if len(waiting) > MAX_EVENT_BYTES:
            raise aiohttp.ClientPayloadError("an event is too long")
        while (end := waiting.find(b"\n\n", searched)) >= 0:
            event = _event(bytes(waiting[:end]))
            del waiting[: end + 2]
            searched = 0
            if event.data:
                yield event
        searched = max(0, len(waiting) - 1)


def _event(text: bytes) -> Fields:
    fields = dict(line.split(b": ", 1) for line in text.split(b"\n") if line[:1] != b":" and b": " in line)
    return Fields(
        fields.get(b"event", b"").decode(errors="replace"),
        fields.get(b"data", b""),
    )
