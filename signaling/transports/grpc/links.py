"""Links over gRPC: Connect, and for those who cannot send a stream Listen with Say."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from signaling.dialects.grpc_words import CODEC, LISTEN_CODEC, framed
from signaling.protocol.errors import CLOSE_REASONS
from signaling.protocol.messages import MAX_BATCH_MESSAGES
from signaling.protocol.proto.peerlane.v1.signaling_pb2 import (
    ConnectRequest,
    ListenRequest,
    ListenResponse,
    SayRequest,
    SayResponse,
)
from signaling.transports.door import LinkHost
from signaling.transports.grpc.calls import NOT_FOUND, RESOURCE_EXHAUSTED, Call, Failure, of_close, wrong

SERVICE = "/peerlane.v1.Signaling"
MAX_SAID = 128
"""Requests that wait for a link of Listen to be read; more are refused, until some of them have been."""
MessageT = TypeVar("MessageT", bound=Message)
REASONS = {reason.code: reason for reason in CLOSE_REASONS}


class CallPipe:
    """Frames of one call; ``read`` brings requests from wherever they come."""

    def __init__(self, call: Call, read: Callable[[], Awaitable[bytes | None]]) -> None:
        self._call = call
        self._read = read
        self._reading: asyncio.Future[bytes | None] | None = None
        self._has_ended = False
        self.failure: Failure | None = None
        """What the call is to end with."""

    async def receive(self) -> bytes | None:
        if self._has_ended:
            return None
        self._reading = asyncio.ensure_future(self._read())
        try:
            return await self._reading
        except asyncio.CancelledError:
            if self.is_aborted():
                return None
            raise
        finally:
            self._reading = None

    async def send(self, frame: bytes) -> None:
        await self._call.write(frame)

    async def close(self, code: int, reason: str) -> None:
        known = REASONS.get(code)
        self.failure = None if known is None else of_close(known)
        self.abort()

    def is_aborted(self) -> bool:
        return self._has_ended

    def abort(self) -> None:
        self._has_ended = True
        if self._reading is not None:
            self._reading.cancel()


class GrpcLinks:
    """Connect, Listen and Say of one node."""

    def __init__(self, host: LinkHost) -> None:
        self._host = host
        self._listening: dict[str, asyncio.Queue[bytes]] = {}
        """By the names of their links; as many as there are links, which the node has a limit for."""

    def methods(self) -> dict[str, Callable[[Call], Awaitable[None]]]:
        return {
            f"{SERVICE}/Connect": self._connect,
            f"{SERVICE}/Listen": self._listen,
            f"{SERVICE}/Say": self._say,
        }

    async def _connect(self, call: Call) -> None:
        self._admit(call)
        pipe = CallPipe(call, call.read)
        await self._host.serve(pipe, CODEC, call.name, call.who)
        if pipe.failure is not None:
            raise pipe.failure

    async def _listen(self, call: Call) -> None:
        self._admit(call)
        request = await only(call, ListenRequest)
        link = secrets.token_urlsafe(18)
        said: asyncio.Queue[bytes] = asyncio.Queue(MAX_SAID)
        said.put_nowait(ConnectRequest(hello=request.hello).SerializeToString())
        self._listening[link] = said
        pipe = CallPipe(call, said.get)
        try:
            await call.write(framed(ListenResponse(link=link)))
            await self._host.serve(pipe, LISTEN_CODEC, call.name, call.who)
        except ConnectionError:
            return
        finally:
            del self._listening[link]
        if pipe.failure is not None:
            raise pipe.failure

    async def _say(self, call: Call) -> None:
        request = await only(call, SayRequest)
        said = self._listening.get(request.link)
        if said is None:
            raise Failure(NOT_FOUND, "unknown-link", "no such link here; listen again, and resume")
        if not 0 < len(request.requests) <= MAX_BATCH_MESSAGES:
            raise wrong("requests", f"send 1 to {MAX_BATCH_MESSAGES} requests at a time")
        if said.qsize() + len(request.requests) > MAX_SAID:
            text = "requests come faster than they are read; say this again later"
            raise Failure(RESOURCE_EXHAUSTED, "too-fast", text, retry_after=1.0)
        for each in request.requests:
            said.put_nowait(each.SerializeToString())
        await call.write(framed(SayResponse()))

    def _admit(self, call: Call) -> None:
        failure = call.why_not(self._host)
        if failure is not None:
            raise failure


async def only(call: Call, kind: type[MessageT]) -> MessageT:
    """The one request of a call. Raises Failure."""
    given = await call.read()
    if given is None:
        raise wrong("", "the call has no request")
    try:
        return kind.FromString(given)
    except DecodeError as error:
        raise wrong("", f"this is no {kind.DESCRIPTOR.full_name}") from error
