"""Links that are made of HTTP requests, any of which may come to any node.

The node to which a link was opened has it. Its id says which node that is, is secret, and is signed: what
comes for it elsewhere is passed on over the bus, and what nobody has ever been given goes nowhere.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import Protocol

from aiohttp import web

from signaling.cluster.words import ForLink, FromLink, NodeId
from signaling.protocol.ids import LINK_PATTERN, NUMBER_PATTERN
from signaling.proxies import TrustedProxies
from signaling.transports.door import LinkHost, called, refusal_of, verdict_on
from signaling.transports.event_stream import EventPipe, PollPipe, Slice

LINK = "Peerlane-Link"
NUMBER = "Peerlane-Number"
"""Of a POST of this link, or of a slice, from 1. They are headers, for no log has those."""
STREAM = "/v1/sse"
BODY_TIMEOUT = 10.0
PREFLIGHT_SECONDS = 600
MAX_POLLS_FOR_OTHERS = 4096
"""Of links of this node, asked for by other nodes."""
WHY = {
    400: f"send {LINK} and {NUMBER}, as they are in docs/protocol.md",
    408: "the body did not come",
    409: "another number is next",
    410: "that link has ended; open another one",
    413: "the body is too long",
    429: "the messages of before have not been heard yet",
    503: "the node of this link cannot be reached now",
}


class HttpHost(LinkHost, Protocol):
    """What these links need of a node besides."""

    @property
    def id(self) -> NodeId: ...

    def seal(self, text: str) -> str:
        """The signature of this node and its siblings."""

    def is_sealed(self, text: str, seal: str) -> bool: ...

    async def ask_node(self, node: NodeId, word: ForLink) -> FromLink:
        """Pass it on to where the link is. Status 410: that node is no more; 503: it is silent."""

    def answer_node(self, node: NodeId, word: FromLink) -> None: ...


class HttpLinks:
    """All that this node has, and ``/v1/messages`` for those of all nodes."""

    def __init__(self, host: HttpHost, trusted_proxies: list[str]) -> None:
        self.host = host
        self.proxies = TrustedProxies(trusted_proxies)
        self._pipes: dict[str, EventPipe] = {}
        self._answering: set[asyncio.Task[None]] = set()

    def open(self, pipe: EventPipe) -> str:
        """The secret id of a new link."""
        body = f"{self.host.id}.{secrets.token_urlsafe(16)}"
        link = f"{body}.{self.host.seal(body)}"
        self._pipes[link] = pipe
        return link

    def close(self, link: str) -> None:
        self._pipes.pop(link, None)

    def refusal(self, request: web.Request) -> web.Response | None:
        """The answer to who may open no link."""
        return refusal_of(request, self.host, self.proxies)

    async def preflight(self, request: web.Request) -> web.Response:
        """``OPTIONS``: what a browser asks before it lets a page of another origin ask (Fetch §4.8)."""
        verdict = verdict_on(request, self.host.config, self.proxies)
        methods = "GET, POST" if request.path == STREAM else "POST"
        headers = {"Allow": f"{methods}, OPTIONS"}
        if not verdict.allowed:
            return web.Response(status=403, text=verdict.reason, headers=headers)
        headers |= {
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": f"Authorization, Content-Type, Last-Event-ID, {LINK}, {NUMBER}",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            **self.headers(request),
        }
        return web.Response(status=204, headers=headers)

    def headers(self, request: web.Request) -> dict[str, str]:
        """For a page that may read the answer, and for caches that may not."""
        headers = {"Cache-Control": "no-store, no-transform", "Vary": "Origin"}
        origin = request.headers.get("Origin")
        if origin is not None and verdict_on(request, self.host.config, self.proxies).allowed:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "Retry-After"
        return headers

    def answer(self, request: web.Request, status: int, body: bytes = b"") -> web.Response:
        headers = self.headers(request)
        if status in (429, 503):
            headers["Retry-After"] = "1"
        if status == 200:
            return web.Response(body=body, content_type="text/event-stream", headers=headers)
        return web.Response(status=status, text=WHY.get(status), headers=headers)

    async def post(self, request: web.Request) -> web.Response:
        """``POST /v1/messages``: one frame of a link."""
        if not (verdict := verdict_on(request, self.host.config, self.proxies)).allowed:
            return web.Response(status=403, text=verdict.reason)
        named = self.named(request)
        if named is None or called(request, self.proxies) is None:
            return self.answer(request, 400)
        link, n = named
        if not self._is_genuine(link):
            return self.answer(request, 410)
        frame = await read(request, self.host.config.limits.max_message_bytes)
        if isinstance(frame, int):
            return self.answer(request, frame)
        return self.answer(request, (await self._pass(link, n, frame, is_poll=False)).status)

    async def poll(self, link: str, n: int) -> Slice:
        """The next slice of a link that may be anywhere."""
        return await self._pass(link, n, b"", is_poll=True) if self._is_genuine(link) else Slice(410)

    def heard(self, sender: NodeId, word: ForLink) -> None:
        """Another node passes something on."""
        if not word.is_poll:
            pipe = self._pipes.get(word.link)
            status = 410 if pipe is None else pipe.post(word.n, word.frame)
            self.host.answer_node(sender, FromLink(word.request, status))
        elif len(self._answering) >= MAX_POLLS_FOR_OTHERS:
            self.host.answer_node(sender, FromLink(word.request, 503))
        else:
            task = asyncio.get_running_loop().create_task(self._answer_poll(sender, word))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _answer_poll(self, sender: NodeId, word: ForLink) -> None:
        part = await self._ask(word.link, word.n)
        self.host.answer_node(sender, FromLink(word.request, part.status, part.body))

    async def _pass(self, link: str, n: int, frame: bytes, is_poll: bool) -> Slice:
        node = NodeId(link.partition(".")[0])
        if node != self.host.id:
            told = await self.host.ask_node(node, ForLink(0, link, n, frame, is_poll))
            return Slice(told.status, told.body)
        if is_poll:
            return await self._ask(link, n)
        pipe = self._pipes.get(link)
        return Slice(410 if pipe is None else pipe.post(n, frame))

    async def _ask(self, link: str, n: int) -> Slice:
        pipe = self._pipes.get(link)
        return await pipe.ask(n) if isinstance(pipe, PollPipe) else Slice(410)

    def _is_genuine(self, link: str) -> bool:
        body, _, seal = link.rpartition(".")
        return self.host.is_sealed(body, seal)

    def named(self, request: web.Request) -> tuple[str, int] | None:
        """The link, and the number; None when they are none."""
        link, text = request.headers.get(LINK, ""), request.headers.get(NUMBER, "")
        is_number = re.fullmatch(NUMBER_PATTERN, text) is not None
        is_link = re.fullmatch(LINK_PATTERN, link) is not None
        return (link, int(text)) if is_number and is_link else None


async def read(request: web.Request, most: int) -> bytes | int:
    """The body, or the status that says why there is none."""
    if (request.content_length or 0) > most:
        return 413
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while piece := await request.content.readany():
                body += piece
                if len(body) > most:
                    return 413
    except TimeoutError:
        return 408
    except (web.RequestPayloadError, ConnectionError):
        return 400
    return body
