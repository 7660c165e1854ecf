"""Whether a Peerlane server is reached over HTTP and WebSocket, and which STUN and TURN servers it names."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import aiohttp
import msgspec

from peer.nat.observations import SignalingAnswer
from peer.signaling_client.dialling import ASKS_FOR_TOKEN, CLOSE_TIMEOUT, FAILURES
from peer.signaling_client.websocket import CODEC
from signaling.protocol.codec import UNREADABLE
from signaling.protocol.messages import MSGPACK_SUBPROTOCOL, Bye, Hello, IceServer, Welcome

log = logging.getLogger(__name__)

MAX_BYTES = 65_536
"""Of an answer over HTTP; a login page may be as long as it likes."""
MAX_TROUBLE = 200


class Door(msgspec.Struct):
    """The body of ``GET /v1/ice-servers``."""

    iceServers: list[IceServer] = []  # noqa: N815 # W3C's name


class Reached(msgspec.Struct):
    answer: SignalingAnswer
    servers: list[IceServer] = []


async def probe_signaling(origin: str, token: str, *, verify: bool, timeout: float) -> Reached:
    """Never raises, and takes ``timeout`` seconds at the most."""
    told: dict[str, Any] = {"url": origin}
    servers: list[IceServer] = []
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with (
            asyncio.timeout(timeout),
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers=headers) as http,
        ):
            if await _ask_http(http, origin, verify, told):
                servers = await _ask_websocket(http, origin, verify, told)
    except (*FAILURES, *UNREADABLE) as error:
        log.debug("%s cannot be reached", origin, exc_info=True)
        told.setdefault("trouble", _trouble(error))
    return Reached(msgspec.convert(told, SignalingAnswer), servers)


async def _ask_http(http: aiohttp.ClientSession, origin: str, verify: bool, told: dict[str, Any]) -> bool:
    """Whether it is a Peerlane server that answers."""
    asked_at = time.perf_counter()
    async with http.get(f"{origin}/v1/info", ssl=verify, allow_redirects=False) as response:
        body = await response.content.read(MAX_BYTES)
        told["http_rtt"] = time.perf_counter() - asked_at
        told["http_status"] = response.status
    if response.status == 200 and _is_info(body):
        return True
    # Login pages of hotels and trains answer for everybody, or send one to themselves.
    is_page = response.content_type == "text/html" or 300 <= response.status < 400
    told["is_portal"] = is_page
    told["trouble"] = "something else answers" if is_page else f"no Peerlane server (HTTP {response.status})"
    return False


def _is_info(body: bytes) -> bool:
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        return False
    return isinstance(value, dict) and value.get("server") == "peerlane"


async def _ask_websocket(
    http: aiohttp.ClientSession, origin: str, verify: bool, told: dict[str, Any]
) -> list[IceServer]:
    """What the server names, by its door for that, or else in its welcome."""
    asked_at = time.perf_counter()
    try:
        async with http.ws_connect(
            f"{origin}/v1/ws",
            protocols=[MSGPACK_SUBPROTOCOL],
            ssl=verify,
            max_msg_size=MAX_BYTES,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
        ) as socket:
            told["websocket_rtt"] = time.perf_counter() - asked_at
            servers = await _ask_door(http, origin, verify)
            if servers is None:
                await socket.send_bytes(CODEC.encode(Hello()))
                servers = _servers_of(await socket.receive_bytes())
                await socket.send_bytes(CODEC.encode(Bye()))
            return servers
    except aiohttp.WSServerHandshakeError as error:
        if error.status not in ASKS_FOR_TOKEN:
            raise
        told["refused"] = True
        told["trouble"] = "it asks for a token, or for another one"
        return []


async def _ask_door(http: aiohttp.ClientSession, origin: str, verify: bool) -> list[IceServer] | None:
    """None: it has no such door."""
    async with http.get(f"{origin}/v1/ice-servers", ssl=verify, allow_redirects=False) as response:
        if response.status != 200 or response.content_type != "application/json":
            return None
        return msgspec.json.decode(await response.content.read(MAX_BYTES), type=Door).iceServers


def _servers_of(frame: bytes) -> list[IceServer]:
    first = next(iter(CODEC.decode(frame)), None)
    return first.ice_servers if isinstance(first, Welcome) else []


def _trouble(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorError():
            return str(error.os_error.strerror or error.os_error)[:MAX_TROUBLE]
        case TimeoutError():
            return "no answer"
        case aiohttp.WSServerHandshakeError():
            return f"no WebSocket (HTTP {error.status})"
    return (str(error) or type(error).__name__)[:MAX_TROUBLE]
