"""The native door: WebSocket at ``/v1/ws``."""

from __future__ import annotations

from aiohttp import WSMsgType, web

from signaling.config import Config
from signaling.protocol.codec import SERVER_CODECS
from signaling.protocol.messages import JSON_SUBPROTOCOL
from signaling.proxies import TrustedProxies
from signaling.transports.door import LinkHost, called, caller, refusal_of

SUBPROTOCOLS = tuple(SERVER_CODECS)


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
        return await release(socket)

    def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a request that may not come in."""
        refusal = refusal_of(request, self._host, self._proxies)
        if refusal is not None:
            return refusal
        asked = [
            each.strip()
            for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")
            if each.strip()
        ]
        if asked and not any(each in SERVER_CODECS for each in asked):
            self._host.count_refusal("bad-subprotocol")
            return web.Response(
                status=400, text=f"ask for one of the subprotocols {', '.join(SERVER_CODECS)}"
            )
        return None


async def release(socket: web.WebSocketResponse[bool]) -> web.WebSocketResponse[bool]:
    """Close a socket whose link has ended, so that nothing of it stays; takes two seconds at the most."""
    # aiohttp does it after the handler otherwise, out of reach of what follows.
    await socket.close()
    failure = socket.exception()
    if failure is not None:
        # The socket keeps why it could not be closed, and that would keep the socket: memory that only the
        # garbage collector finds, which takes its time.
        failure.__traceback__ = failure.__context__ = None
    return socket
