"""gRPC-Web: the same calls for pages, over the port of everything else.

A response's trailers are a frame of its body, since a page cannot read others (PROTOCOL-WEB.md of gRPC).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from signaling.config import Config
from signaling.dialects.grpc_words import HEADER_BYTES
from signaling.proxies import TrustedProxies
from signaling.transports.door import LinkHost, called, caller, refusal_of, verdict_on
from signaling.transports.grpc.calls import (
    DEADLINE_EXCEEDED,
    DETAILS,
    INTERNAL,
    INVALID_ARGUMENT,
    OF_HTTP,
    RESOURCE_EXHAUSTED,
    UNAVAILABLE,
    Failure,
    Method,
)

log = logging.getLogger("signaling.transports.grpc")

BINARY = "application/grpc-web"
TEXT = "application/grpc-web-text"
TRAILERS = 0x80
COMPRESSED = 0x01
SLACK = 1_024
BODY_TIMEOUT = 10.0
WRITE_TIMEOUT = 30.0
"""A page that takes nothing for so long is gone."""
LOOK = 1.0
"""Seconds between two looks at whether a page is still there."""
UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
EXPOSED = f"grpc-status, grpc-message, {DETAILS}"
PREFLIGHT_AGE = "600"


class WebCall:
    """One call of a page: the request has come, the response is a stream."""

    def __init__(
        self, request: web.Request, response: web.StreamResponse, message: bytes, door: GrpcWeb
    ) -> None:
        self._request = request
        self._response = response
        self._message: bytes | None = message
        self._door = door
        self.who = caller(request, door.proxies)
        self.name = called(request, door.proxies) or ""

    def why_not(self, host: LinkHost) -> Failure | None:
        refusal = refusal_of(self._request, host, self._door.proxies)
        if refusal is None:
            return None
        wait = refusal.headers.get("Retry-After")
        code = OF_HTTP.get(refusal.status, UNAVAILABLE)
        return Failure(code, "not-allowed", refusal.text or "", retry_after=float(wait) if wait else None)

    async def read(self) -> bytes | None:
        message, self._message = self._message, None
        return message

    async def write(self, frames: bytes) -> None:
        if self._response.content_type.startswith(TEXT):
            frames = base64.b64encode(frames)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                await self._response.write(frames)
        except (OSError, TimeoutError) as error:
            raise ConnectionError("the page has gone") from error


class GrpcWeb:
    """Answers POST for a call, and OPTIONS to pages of origins that may."""

    def __init__(self, host: LinkHost, config: Config, methods: Mapping[str, Method]) -> None:
        self._host = host
        self._methods = methods
        self.proxies = TrustedProxies(config.server.trusted_proxies)

    def routes(self) -> list[web.RouteDef]:
        return [
            route
            for path, method in self._methods.items()
            for route in (web.options(path, self._preflight), web.post(path, self._answering(method)))
        ]

    async def _preflight(self, request: web.Request) -> web.Response:
        headers = self._cors(request)
        if "Access-Control-Allow-Origin" in headers:
            asked = request.headers.get("Access-Control-Request-Headers", "")
            headers["Access-Control-Allow-Methods"] = "POST"
            headers["Access-Control-Allow-Headers"] = asked if asked.isprintable() else ""
            headers["Access-Control-Max-Age"] = PREFLIGHT_AGE
        return web.Response(status=204, headers=headers)

    def _cors(self, request: web.Request) -> dict[str, str]:
        headers = {"Vary": "Origin", "Cache-Control": "no-store"}
        origin = request.headers.get("Origin")
        if origin is not None and verdict_on(request, self._host.config, self.proxies).allowed:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = EXPOSED
        return headers

    def _answering(self, method: Method) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            kind = request.content_type
            if not kind.startswith(BINARY):
                return web.Response(status=415, text=f"send {BINARY}\n")
            headers = {**self._cors(request), "X-Accel-Buffering": "no"}
            is_text = kind.startswith(TEXT)
            headers["Content-Type"] = f"{TEXT if is_text else BINARY}+proto"
            response = web.StreamResponse(headers=headers)
            failure: Failure | None = None
            message = b""
            try:
                message = await self._read(request, is_text)
            except Failure as error:
                failure = error
            try:
                await response.prepare(request)
                call = WebCall(request, response, message, self)
                if failure is None:
                    failure = await self._call(method, call, request)
                await call.write(_trailers(failure))
                await response.write_eof()
            except OSError:
                pass  # it has gone
            return response

        return answer

    async def _call(self, method: Method, call: WebCall, request: web.Request) -> Failure | None:
        deadline = seconds_of(request.headers.get("grpc-timeout", ""))
        answering = asyncio.ensure_future(method(call))
        ends_at = asyncio.get_running_loop().time() + (deadline or 0.0)
        try:
            while not answering.done():
                left = None if deadline is None else ends_at - asyncio.get_running_loop().time()
                if left is not None and left <= 0.0:
                    return Failure(DEADLINE_EXCEEDED, "deadline", "the deadline of the call is over")
                await asyncio.wait([answering], timeout=LOOK if left is None else min(LOOK, left))
                if request.transport is None or request.transport.is_closing():
                    raise ConnectionError("the page has gone")
        finally:
            if not answering.done():
                answering.cancel()
                await asyncio.wait([answering])
        try:
            answering.result()
        except Failure as failure:
            return failure
        except ConnectionError:
            raise
        except Exception:
            log.exception("! a call failed")
            return Failure(INTERNAL, "fault", "the server made a mistake; it has been logged")
        return None

    async def _read(self, request: web.Request, is_text: bool) -> bytes:
        """The one message of a request. Raises Failure."""
        most = self._host.config.limits.max_message_bytes + SLACK
        body = b""
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                while piece := await request.content.readany():
                    body += piece
                    if len(body) > (most * 4 // 3 + 8 if is_text else most + HEADER_BYTES):
                        raise Failure(
                            RESOURCE_EXHAUSTED, "too-large", f"the message is longer than {most} bytes"
                        )
            frame = base64.b64decode(body, validate=True) if is_text else body
        except TimeoutError:
            raise Failure(DEADLINE_EXCEEDED, "deadline", "the request did not come") from None
        except binascii.Error:
            raise Failure(INVALID_ARGUMENT, "bad-request", "this is no base64") from None
        if len(frame) < HEADER_BYTES or len(frame) != HEADER_BYTES + int.from_bytes(
            frame[1:HEADER_BYTES], "big"
        ):
            raise Failure(INVALID_ARGUMENT, "bad-request", "send one frame with one message")
        if frame[0] & (TRAILERS | COMPRESSED):
            raise Failure(INVALID_ARGUMENT, "bad-request", "send a message that is not compressed")
        return frame[HEADER_BYTES:]


def seconds_of(timeout: str) -> float | None:
    """A ``grpc-timeout``: at most eight digits and a unit; None for what is none."""
    digits, unit = timeout[:-1], timeout[-1:]
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 8 or unit not in UNITS:
        return None
    return int(digits) * UNITS[unit]


def _trailers(failure: Failure | None) -> bytes:
    if failure is None:
        block = b"grpc-status: 0\r\n"
    else:
        details = base64.b64encode(failure.details()).rstrip(b"=")
        text = quote(failure.text, safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~\"")
        block = (
            f"grpc-status: {failure.code}\r\ngrpc-message: {text}\r\n".encode()
            + f"{DETAILS}: ".encode()
            + details
            + b"\r\n"
        )
    return bytes((TRAILERS,)) + len(block).to_bytes(4, "big") + block
