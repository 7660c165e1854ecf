"""Whether a Peerlane server is reached over HTTP and WebSocket, and which STUN and TURN servers it names.

Whoever answers may be anybody: bodies are read up to a limit, nobody is followed elsewhere, and each part
has its own deadline, so that one that is silent does not hide what the others have told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from peer.nat.observations import SignalingAnswer
from peer.signaling_client.dialling import ASKS_FOR_TOKEN, FAILURES
from peer.signaling_client.websocket import CODEC
from signaling.protocol.codec import UNREADABLE
from signaling.protocol.messages import MSGPACK_SUBPROTOCOL, Bye, Hello, Welcome
from signaling.protocol.parts import IceServer

log = logging.getLogger(__name__)

MAX_BYTES = 65_536
"""Of an answer over HTTP; a login page may be as long as it likes."""
MAX_TROUBLE = 200
FIRST_SHARE, NEXT_SHARE = 0.6, 0.3
"""Of the time: for the first answer, and for all others. Servers that are named have to be asked then."""
CLOSE_TIMEOUT = 0.2
"""Seconds for a goodbye that nobody has to answer."""
HEADERS = {"Accept-Encoding": "identity"}
"""A few packed bytes can become very many."""

PORTAL = "something else answers"
NO_SUBPROTOCOL = (
    "WebSocket opens, but not for our protocol; a proxy on the way has to pass on Sec-WebSocket-Protocol"
)


class Door(msgspec.Struct):
    """The body of ``GET /v1/ice-servers``."""

    iceServers: list[IceServer] = []  # noqa: N815 # W3C's name


class Reached(msgspec.Struct):
    answer: SignalingAnswer
    servers: list[IceServer] = []


class Redirected(aiohttp.ClientError):
    """A WebSocket that should be opened somewhere else."""


async def probe_signaling(origin: str, token: str, *, verify: bool, timeout: float) -> Reached:
    """Never raises, and takes ``timeout`` seconds at the most (and :data:`CLOSE_TIMEOUT`)."""
    asking = _Asking(origin, verify, timeout)
    headers = HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_stay)
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        auto_decompress=False,
        trace_configs=[tracing],
    ) as http:
        if await asking.is_ours(http):
            async with asyncio.TaskGroup() as tasks:
                door = tasks.create_task(asking.door(http))
                tasks.create_task(asking.websocket(http, door))
    return Reached(msgspec.convert(asking.told, SignalingAnswer), asking.servers)


class _Asking:
    def __init__(self, origin: str, verify: bool, timeout: float) -> None:
        self._origin = origin
        self._verify = verify
        self._timeout = timeout
        self.told: dict[str, Any] = {"url": origin}
        self.servers: list[IceServer] = []

    async def is_ours(self, http: aiohttp.ClientSession) -> bool:
        """Whether it is a Peerlane server that answers."""
        asked_at = time.perf_counter()
        url = f"{self._origin}/v1/info"
        try:
            async with (
                asyncio.timeout(FIRST_SHARE * self._timeout),
                http.get(url, ssl=self._verify, allow_redirects=False) as response,
            ):
                self.told["http_rtt"] = time.perf_counter() - asked_at
                self.told["http_status"] = response.status
                if response.status == 200 and _is_info(await _body(response)):
                    return True
                self._tell_who(response)
        except (*FAILURES, *UNREADABLE) as error:
            self._fail(error)
        return False

    def _tell_who(self, response: aiohttp.ClientResponse) -> None:
        """Login pages of hotels and trains answer for everybody, or send one to themselves; they cannot do
        so with a certificate that is trusted."""
        status = response.status
        there = (
            urljoin(f"{self._origin}/", response.headers.get("Location", "")) if status // 100 == 3 else ""
        )
        is_same = bool(there) and _host_of(there) == _host_of(self._origin)
        is_page = status in (200, 511) and response.content_type == "text/html"
        can_be = not (self._verify and self._origin.startswith("https:"))
        is_elsewhere = bool(there) and not (is_same and there.startswith("https:"))
        self.told["is_portal"] = can_be and (is_page or is_elsewhere)
        if self.told["is_portal"]:
            self.told["trouble"] = PORTAL
        else:
            on = f": it sends on to {there[:100]}" if there else f" (HTTP {status})"
            self.told["trouble"] = f"no Peerlane server{on}"

    async def door(self, http: aiohttp.ClientSession) -> bool:
        """Whether the server has named others, or refused to."""
        url = f"{self._origin}/v1/ice-servers"
        try:
            async with (
                asyncio.timeout(NEXT_SHARE * self._timeout),
                http.get(url, ssl=self._verify, allow_redirects=False) as response,
            ):
                if response.status in ASKS_FOR_TOKEN:
                    self._refuse()
                    return True
                if response.status != 200:
                    return False
                self.servers = msgspec.json.decode(await _body(response), type=Door).iceServers
                return True
        except (*FAILURES, *UNREADABLE):
            log.debug("%s names no servers", self._origin, exc_info=True)
            return False

    async def websocket(self, http: aiohttp.ClientSession, door: asyncio.Task[bool]) -> None:
        """Open it; the welcome names servers, too, where there is no ``door``."""
        asked_at = time.perf_counter()
        try:
            async with (
                asyncio.timeout(NEXT_SHARE * self._timeout),
                http.ws_connect(
                    f"{self._origin}/v1/ws",
                    protocols=[MSGPACK_SUBPROTOCOL],
                    ssl=self._verify,
                    max_msg_size=MAX_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
                ) as socket,
            ):
                if socket.protocol != MSGPACK_SUBPROTOCOL:
                    self.told["trouble"] = NO_SUBPROTOCOL
                    return
                self.told["websocket_rtt"] = time.perf_counter() - asked_at
                if not await door:
                    self.servers = await _welcomed(socket)
        except aiohttp.WSServerHandshakeError as error:
            if error.status in ASKS_FOR_TOKEN:
                self._refuse()
            else:
                self.told["trouble"] = f"no WebSocket (HTTP {error.status})"
        except (*FAILURES, *UNREADABLE) as error:
            if "websocket_rtt" not in self.told:
                self._fail(error)

    def _refuse(self) -> None:
        self.told["refused"] = True
        self.told["trouble"] = "it asks for a token, or for another one"

    def _fail(self, error: Exception) -> None:
        log.debug("%s cannot be reached", self._origin, exc_info=True)
        self.told.setdefault("trouble", _trouble(error)[:MAX_TROUBLE])


async def _stay(session: Any, context: Any, redirect: Any) -> None:
    raise Redirected


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """All of it, or as much as may be."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            break
    return bytes(body[:MAX_BYTES])


async def _welcomed(socket: aiohttp.ClientWebSocketResponse[bool]) -> list[IceServer]:
    await socket.send_bytes(CODEC.encode(Hello()))
    frame = await socket.receive()
    first = None
    if frame.type is aiohttp.WSMsgType.BINARY:
        first = next(iter(CODEC.decode(frame.data)), None)
        await socket.send_bytes(CODEC.encode(Bye()))
    return first.ice_servers if isinstance(first, Welcome) else []


def _is_info(body: bytes) -> bool:
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        return False
    return isinstance(value, dict) and value.get("server") == "peerlane"


def _host_of(url: str) -> str | None:
    return urlsplit(url).hostname


def _trouble(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=reason):
            why = getattr(reason, "verify_message", "")  # which OpenSSL sets
            return f"its certificate is not trusted ({why})" if why else "its certificate is not trusted"
        case aiohttp.ClientConnectorSSLError():
            return "no TLS is spoken at this port as we speak it; is it http:// that is meant?"
        case aiohttp.ClientConnectorDNSError():
            return f"{error.host} does not resolve to an address"
        case aiohttp.ClientConnectorError():
            return error.os_error.strerror or str(error.os_error)
        case TimeoutError():
            return "no answer"
        case aiohttp.ServerDisconnectedError():
            return "the server, or something on the way to it, has closed the connection"
        case Redirected():
            return "no WebSocket: it sends on to somewhere else"
        case aiohttp.InvalidURL():
            return "this is no address of a server"
        case aiohttp.ClientError() | OSError():
            return "what answers does not speak HTTP"
    return type(error).__name__
