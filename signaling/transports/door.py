"""What every door asks before it opens: the headers of a request, judged in one place."""

from __future__ import annotations

import sys
from typing import Protocol

from aiohttp import web

from signaling.config import Config
from signaling.limits import Turned
from signaling.metrics import LinkResult, Transport
from signaling.origins import Verdict, bearer, origin_allowed, parse_origin
from signaling.proxies import TrustedProxies
from signaling.transports.link import Caller, LinkCodec, Pipe

ANOTHER_PAGE = Verdict(
    False, "A page of another origin asks here without naming it, so that it could not read the answer."
)


class LinkHost(Protocol):
    """What a door needs of a node."""

    config: Config
    """As it is now: some settings change while the server runs."""

    def why_not(self, address: str) -> Turned | None:
        """None when a new link from this address may come in now."""

    def count_refusal(self, result: LinkResult) -> None:
        """A link was refused before it reached the node."""

    async def serve(
        self, pipe: Pipe, codec: LinkCodec, host: str, caller: Caller, transport: Transport = "websocket"
    ) -> None:
        """Speak with the client until the link ends; ``host`` is what it calls this server."""


def refusal_of(request: web.Request, host: LinkHost, proxies: TrustedProxies) -> web.Response | None:
    """The answer to a request that may not become a link: 403 (origin), 400 (Host), 429 and 503 (rates)."""
    verdict = verdict_on(request, host.config, proxies)
    if not verdict.allowed:
        host.count_refusal("origin")
        return web.Response(status=403, text=verdict.reason)
    if called(request, proxies) is None:
        host.count_refusal("bad-host")
        return web.Response(status=400, text="the Host header is not a name or an address")
    turned = host.why_not(caller(request, proxies).address)
    return None if turned is None else turned_away(turned)


def caller(request: web.Request, proxies: TrustedProxies) -> Caller:
    """Who asks, for whoever judges tokens and counts addresses."""
    headers = request.headers
    address = proxies.client(request.remote or "", headers.getall("X-Forwarded-For", ()))
    # Thousands of links have these from few places, for as long as they are open.
    address, origin = sys.intern(str(address)), sys.intern(str(headers.get("Origin", "")))
    return Caller(address, origin, bearer(headers.get("Authorization")))


def host_of(request: web.Request, proxies: TrustedProxies) -> str:
    """What the client calls this server, as its own proxy tells it."""
    return proxies.host(request.remote or "", request.host, request.headers.get("X-Forwarded-Host"))


def verdict_on(request: web.Request, config: Config, proxies: TrustedProxies) -> Verdict:
    """Whether the page or the program that asks may come in."""
    origin, host = request.headers.get("Origin"), host_of(request, proxies)
    if origin is None:
        # A browser does not always name the origin of a page; this it does say, and no page can change it
        # (Fetch Metadata). A program says nothing.
        site = request.headers.get("Sec-Fetch-Site")
        if site == "same-origin":
            origin = f"http://{host}"
        elif site in ("same-site", "cross-site"):
            return ANOTHER_PAGE
    return origin_allowed(origin, host, request.headers.get("Authorization"), config.server, config.auth)


def called(request: web.Request, proxies: TrustedProxies) -> str | None:
    """What the client calls this server; None when its Host header is no name and no address."""
    origin = parse_origin(f"http://{host_of(request, proxies)}")
    return None if origin is None else sys.intern(origin.host)


def is_spelled_out(request: web.Request) -> bool:
    """Whether the path is written as its route is, but for the parts that vary.

    ``/v1/%61dmin`` is the same route to aiohttp, and another path to a proxy that is to keep it from others.
    """
    resource = request.match_info.route.resource
    words = resource.canonical.split("/") if resource is not None else []
    written = request.rel_url.raw_path.split("/")
    return len(words) == len(written) and all(
        word == each or word.startswith("{") for word, each in zip(words, written, strict=True)
    )


def turned_away(turned: Turned) -> web.Response:
    """The answer to whom comes too often."""
    retry = {"Retry-After": str(max(1, round(turned.retry_after)))}
    return web.Response(status=turned.status, text=turned.reason, headers=retry)
