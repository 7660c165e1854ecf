"""The native door: WebSocket at ``/v1/ws``."""

from __future__ import annotations

from typing import Protocol

from aiohttp import WSMsgType, web

from signaling.config import Config
from signaling.limits import Turned
from signaling.metrics import LinkResult
from signaling.protocol.codec import SERVER_CODECS, Codec
from signaling.protocol.messages import JSON_SUBPROTOCOL, Request
from signaling.proxies import TrustedProxies
from signaling.transports.door import called, caller, turned_away, verdict_on
from signaling.transports.link import Caller, Pipe

SUBPROTOCOLS = tuple(SERVER_CODECS)


class LinkHost(Protocol):
    """What this door needs of a node."""

    config: Config
    """As it is now: some settings change while the server runs."""

    def why_not(self, address: str) -> Turned | None:
        """None when a new link from this address may come in now."""

    def count_refusal(self, result: LinkResult) -> None:
        """A link was refused before it reached the node."""

    async def serve(self, pipe: Pipe, codec: Codec[Request], host: str, caller: Caller) -> None:
        """Speak with the client until the link ends; ``host`` is what it calls this server."""


class WebSocketPipe:
    """Frames over one upgraded connection."""

    __slots__ = ("_opcode", "_socket", "_transport")

    def __init__(self, socket: web.WebSocketResponse[bool], request: web.Request, is_text: bool) -> None:
        self._socket = socket
        self._transport = request.transport
        self._opcode = WSMsgType.TEXT if is_text else WSMsgType.BINARY

    async def receive(self) -> bytes | None:
        try:
            message = await self._socket.receive()
        except ConnectionError:
            # It answers pings itself, and the client may have hung up after one.
            return None
        # decode_text=False: text arrives as bytes. A close, an error and an end all end the link.
        return message.data if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) else None

    async def send(self, frame: bytes) -> None:
        await self._socket.send_frame(frame, self._opcode)

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code=code, message=reason.encode())

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class WebSocketDoor:
    """Upgrades requests that may come in; everything after the upgrade is the node's.

    Refuses with 403 (origin), 429 and 503 (rates), 400 (no subprotocol of ours, a Host that is none),
    and says why.
    """

    def __init__(self, host: LinkHost, config: Config) -> None:
        self._host = host
        self._proxies = TrustedProxies(config.server.trusted_proxies)

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Serve one link; returns when it has ended."""
        # Nothing but what the link needs stays in this frame: thousands of them wait here.
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        socket = web.WebSocketResponse(
            protocols=SUBPROTOCOLS,
            compress=False,
            # aiohttp refuses what is as long as this already.
            max_msg_size=self._host.config.limits.max_message_bytes + 1,
            # The node has its own ping, which browsers' pages can see.
            heartbeat=None,
            decode_text=False,
            # A client that answers the close slowly holds nothing but its socket.
            timeout=2.0,
        )
        await socket.prepare(request)
        # They have been sent; thousands of idle links need not keep them.
        socket.headers.clear()
        codec = SERVER_CODECS[socket.ws_protocol or JSON_SUBPROTOCOL]
        pipe = WebSocketPipe(socket, request, codec.is_text)
        await self._host.serve(
            pipe, codec, called(request, self._proxies) or "", caller(request, self._proxies)
        )
        return socket

    def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a request that may not come in."""
        headers = request.headers
        verdict = verdict_on(request, self._host.config, self._proxies)
        if not verdict.allowed:
            self._host.count_refusal("origin")
            return web.Response(status=403, text=verdict.reason)
        if called(request, self._proxies) is None:
            self._host.count_refusal("bad-host")
            return web.Response(status=400, text="the Host header is not a name or an address")
        turned = self._host.why_not(caller(request, self._proxies).address)
        if turned is not None:
            return turned_away(turned)
        asked = [
            each.strip() for each in headers.get("Sec-WebSocket-Protocol", "").split(",") if each.strip()
        ]
        if asked and not any(each in SERVER_CODECS for each in asked):
            self._host.count_refusal("bad-subprotocol")
            return web.Response(
                status=400, text=f"ask for one of the subprotocols {', '.join(SERVER_CODECS)}"
            )
        return None
