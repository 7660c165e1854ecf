"""WHIP and WHEP over HTTP: ``/whip/{room}`` and ``/whep/{room}``, and a resource behind each that was made.

To the node a resource is a link like any other; what its client asks by HTTP goes in as frames, and what the
dialect replies comes out as responses. Its address is a secret of 128 bits, and is all that is needed to
change or end it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web

from signaling.auth import Verified
from signaling.config import Config
from signaling.dialects.base import Arrival
from signaling.dialects.whip import ANSWER_TIMEOUT, GATHER_TIMEOUT, Resource
from signaling.dialects.whip_sdp import MAX_SDP_CHARACTERS, UnusableError, parse_fragment, parse_offer
from signaling.dialects.whip_words import Delete
from signaling.limits import Turned
from signaling.protocol.ids import room_name
from signaling.proxies import TrustedProxies
from signaling.transports.door import LinkHost, called, caller, host_of, refusal_of, verdict_on
from signaling.transports.foreign import ForeignCodec
from signaling.transports.link import Caller
from signaling.transports.whip_resource import NO_ANSWER, HttpPipe, status_of
from signaling.transports.whip_responses import (
    FRAGMENT,
    SDP,
    answer,
    cors,
    preflight,
    problem,
    problem_of,
    with_ice_servers,
)

REPLY_TIMEOUT = ANSWER_TIMEOUT + GATHER_TIMEOUT + 2.0
"""The dialect has its own limits; this one is for its not being heard at all."""
BODY_TIMEOUT = 5.0
SECRET_BYTES = 16
FULL_AFTER = 5

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Told(Protocol):
    @property
    def all(self) -> Any: ...


class WhipHost(LinkHost, Protocol):
    """What these doors need of a node besides."""

    def why_not_judged(self, address: str) -> Turned | None: ...

    def count_bad_token(self, address: str) -> None: ...

    async def judge(self, token: str, who: Caller) -> Verified | str: ...

    def ice_servers(self, address: str, host: str, region: str | None) -> Told | Turned: ...


class WhipDoor:
    """One of the two protocols, by its kind of resource; there are at most ``doors.max_resources``."""

    def __init__(self, host: WhipHost, config: Config, kind: type[Resource]) -> None:
        self._host = host
        self._kind = kind
        self._proxies = TrustedProxies(config.server.trusted_proxies)
        self._pipes: dict[str, HttpPipe] = {}
        self._serving: set[asyncio.Task[None]] = set()
        """Each ends when its session does, at the latest when the node has said goodbye to it."""

    def routes(self) -> list[web.RouteDef]:
        endpoint = f"/{self._kind.name}/{{room}}"
        resource = f"{endpoint}/{{resource}}"
        return [
            web.post(endpoint, self._open(self._create)),
            web.get(endpoint, self._open(self._look)),
            web.options(endpoint, self._options("POST, GET, HEAD, PATCH, DELETE, OPTIONS")),
            web.patch(resource, self._open(self._patch)),
            web.delete(resource, self._open(self._delete)),
            web.get(resource, self._open(self._look_at_resource)),
            web.options(resource, self._options("PATCH, DELETE, GET, HEAD, OPTIONS")),
        ]

    def _open(self, handler: Handler) -> Handler:
        """With what a page of another origin needs to read the response."""

        async def handle(request: web.Request) -> web.Response:
            try:
                response = await handler(request)
            except UnusableError as error:
                response = problem(error.status, str(error))
            if verdict_on(request, self._host.config, self._proxies).allowed:
                cors(request, response)
            response.headers["Cache-Control"] = "no-store"
            return response

        return handle

    def _options(self, methods: str) -> Handler:
        """A browser's preflight, or a client that asks for ICE servers before it offers."""

        async def handle(request: web.Request) -> web.Response:
            verdict = verdict_on(request, self._host.config, self._proxies)
            is_preflight = "Access-Control-Request-Method" in request.headers
            if not verdict.allowed and not (is_preflight and verdict.wants_token):
                return problem(401 if verdict.wants_token else 403, verdict.reason)
            response = preflight(request, methods)
            if not is_preflight and "resource" not in request.match_info:
                with_ice_servers(response, await self._servers(request))
            return response

        return handle

    async def _servers(self, request: web.Request) -> Any:
        """For who may come in; nobody is told why not, as the offer that follows is."""
        who, host = caller(request, self._proxies), called(request, self._proxies)
        if host is None or self._host.why_not_judged(who.address) is not None:
            return []
        if isinstance(await self._host.judge(self._token(request) or who.bearer, who), str):
            self._host.count_bad_token(who.address)
            return []
        told = self._host.ice_servers(who.address, host, None)
        return [] if isinstance(told, Turned) else told.all

    # The endpoint

    async def _create(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        config = self._host.config
        room = room_name(f"{config.doors.app}/{request.match_info['room']}")
        if room is None:
            return problem(404, "This cannot be the name of a room: at most 128 characters, no slashes.")
        if len(self._pipes) >= config.doors.max_resources:
            return problem(503, "This server has as many of these as it may have.", FULL_AFTER)
        offer = parse_offer(await _body(request), self._kind.direction)
        arrival = Arrival(
            config.doors.app, dict(request.match_info), dict(request.query), secrets.token_urlsafe(16)
        )
        dialect = self._kind(arrival, room, offer, request.query.get("peer", ""))
        pipe = HttpPipe()
        secret = secrets.token_urlsafe(SECRET_BYTES)
        self._pipes[secret] = pipe
        self._serve(request, secret, pipe, dialect)
        reply = await pipe.reply(REPLY_TIMEOUT)
        if reply is None:
            pipe.end()
            return problem(*status_of(pipe.code))
        if reply.status != 201:
            return problem_of(reply)
        where = f"{self._base(request)}{request.rel_url.raw_path.rstrip('/')}/{secret}"
        return answer(reply, where)

    def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to who may not come in, or asks for what there is not."""
        verdict = verdict_on(request, self._host.config, self._proxies)
        if not verdict.allowed and verdict.wants_token:
            self._host.count_refusal("origin")
            return problem(401, verdict.reason)
        if request.content_type != SDP:
            return problem(415, f"Send the offer as Content-Type: {SDP}.", accepts=("Accept-Post", SDP))
        accept = request.headers.get("Accept", "*/*")
        if not any(kind in accept for kind in (SDP, "*/*", "application/*")):
            return problem(406, f"The answer is {SDP}; accept it.")
        refusal = refusal_of(request, self._host, self._proxies)
        if refusal is None:
            return None
        after = int(refusal.headers.get("Retry-After", 0))
        return problem(refusal.status, refusal.text or "", after)

    def _serve(self, request: web.Request, secret: str, pipe: HttpPipe, dialect: Resource) -> None:
        codec = ForeignCodec(dialect)
        host, who = called(request, self._proxies) or "", caller(request, self._proxies)

        async def serve() -> None:
            try:
                await self._host.serve(pipe, codec, host, who, "http")
            finally:
                codec.close()
                pipe.end()
                self._pipes.pop(secret, None)

        task = asyncio.create_task(serve())
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _look(self, request: web.Request) -> web.Response:
        """Whether there is such an endpoint (draft-ietf-wish-whep-03 section 4.3)."""
        return web.Response(headers={"Content-Type": SDP, "Accept-Post": SDP})

    # A resource

    async def _patch(self, request: web.Request) -> web.Response:
        pipe = self._resource(request)
        if request.content_type != FRAGMENT:
            return problem(
                415, f"Send the fragment as Content-Type: {FRAGMENT}.", accepts=("Accept-Patch", FRAGMENT)
            )
        fragment = parse_fragment(await _body(request))
        reply = await pipe.ask(fragment, request.headers.get("If-Match", ""), REPLY_TIMEOUT)
        if reply is None and pipe.is_ended:
            return problem(404, "This resource has ended; offer anew.")
        if reply is None:
            return problem(*NO_ANSWER)
        if reply.status == 204:
            return web.Response(status=204)
        if reply.status != 200:
            return problem_of(reply)
        return web.Response(text=reply.text, content_type=FRAGMENT, headers={"ETag": reply.etag})

    async def _delete(self, request: web.Request) -> web.Response:
        pipe = self._resource(request)
        if not pipe.tell(Delete()):
            pipe.end()
        # It cannot be asked anything any more, however long its session takes to end.
        self._pipes.pop(request.match_info["resource"], None)
        return web.Response(status=200)

    async def _look_at_resource(self, request: web.Request) -> web.Response:
        self._resource(request)
        return web.Response(status=204)

    def _resource(self, request: web.Request) -> HttpPipe:
        pipe = self._pipes.get(request.match_info["resource"])
        if pipe is None or pipe.is_ended:
            raise UnusableError(404, "There is no such resource, or it has ended; offer anew.")
        return pipe

    # How

    @staticmethod
    def _token(request: web.Request) -> str:
        return str(request.query.get("token", ""))

    def _base(self, request: web.Request) -> str:
        """What the client calls this node; absolute, since OBS reads a relative Location wrongly."""
        public = self._host.config.cluster.public_url
        if public:
            return (
                public.replace("ws", "http", 1).rstrip("/") if public.startswith("ws") else public.rstrip("/")
            )
        remote = request.remote or ""
        said = request.headers.get("X-Forwarded-Proto", "") if self._proxies.trusts(remote) else ""
        scheme = said if said in ("http", "https") else request.scheme
        return f"{scheme}://{host_of(request, self._proxies)}"


async def _body(request: web.Request) -> str:
    """Raises UnusableError for one that is too long, does not come, or is no text."""
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while piece := await request.content.readany():
                body += piece
                if len(body) > MAX_SDP_CHARACTERS:
                    raise UnusableError(413, f"The body may have {MAX_SDP_CHARACTERS:,} bytes.")
        return body.decode()
    except TimeoutError:
        raise UnusableError(408, "The body did not come.") from None
    except UnicodeDecodeError:
        raise UnusableError(400, "The body is no UTF-8.") from None
