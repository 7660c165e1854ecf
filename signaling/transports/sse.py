"""``/v1/sse``: a link as Server-Sent Events, for where a WebSocket does not get through.

The first event tells the secret id of the link; the hello and all that follows it come as POSTs to
``/v1/messages``. So no token is ever in an address, and a client that hears nothing has said nothing.
"""

from __future__ import annotations

from aiohttp import web

from signaling.protocol.codec import SERVER_CODECS, Codec
from signaling.protocol.messages import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Request
from signaling.transports.door import called, caller
from signaling.transports.event_stream import EventId, SsePipe, named_event
from signaling.transports.http_links import HttpLinks

MSGPACK_TYPE = "application/vnd.msgpack"
PADDING = b":" + b" " * 2048 + b"\n\n"
"""Some proxies keep the first bytes until they have so many."""


def codec_of(request: web.Request) -> Codec[Request]:
    """JSON, or MessagePack (as base64 in the stream) where ``Content-Type`` says so."""
    is_packed = request.headers.get("Content-Type", "").startswith(MSGPACK_TYPE)
    return SERVER_CODECS[MSGPACK_SUBPROTOCOL if is_packed else JSON_SUBPROTOCOL]


def last_of(request: web.Request) -> EventId | None:
    """Where the stream of before ended. Raises ValueError for what is none."""
    text = request.headers.get("Last-Event-ID", "")
    found = EventId.read(text) if text else None
    if text and found is None:
        raise ValueError
    return found


class SseDoor:
    """Refuses as the door for WebSockets does, and with 400 for a ``Last-Event-ID`` that is none."""

    def __init__(self, links: HttpLinks) -> None:
        self._links = links

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Serve one link; returns when it has ended."""
        links = self._links
        refusal = links.refusal(request)
        if refusal is not None:
            refusal.headers.update(links.headers(request))
            return refusal
        try:
            last = last_of(request)
        except ValueError:
            return web.Response(status=400, text="no event had that id", headers=links.headers(request))
        response = web.StreamResponse(headers=links.headers(request) | {"X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        pipe = SsePipe(response, request, codec_of(request), last)
        link = links.open(pipe)
        try:
            await pipe.write(PADDING + named_event("link", {"link": link}))
            await links.host.serve(
                pipe,
                codec_of(request),
                called(request, links.proxies) or "",
                caller(request, links.proxies),
                "sse",
            )
        except ConnectionError:
            pass  # it has gone before anything was said
        finally:
            links.close(link)
            pipe.end()
        return response
