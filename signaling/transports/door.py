"""What every door asks before it opens: the headers of a request, judged in one place."""

from __future__ import annotations

from aiohttp import web

from signaling.config import Config
from signaling.limits import Turned
from signaling.origins import Verdict, bearer, origin_allowed, parse_origin
from signaling.transports.link import Caller


def caller(request: web.Request) -> Caller:
    """Who asks, for whoever judges tokens."""
    headers = request.headers
    return Caller(request.remote or "", headers.get("Origin", ""), bearer(headers.get("Authorization")))


def verdict_on(request: web.Request, config: Config) -> Verdict:
    """Whether the page or the program that asks may come in."""
    origin = request.headers.get("Origin")
    if origin is None and request.headers.get("Sec-Fetch-Site") == "same-origin":
        # A browser names no origin when a page of ours fetches something; this it does say, and no page
        # can change it (Fetch Metadata).
        origin = f"http://{request.host}"
    return origin_allowed(
        origin, request.host, request.headers.get("Authorization"), config.server, config.auth
    )


def called(request: web.Request) -> str | None:
    """What the client calls this server; None when its Host header is no name and no address."""
    origin = parse_origin(f"http://{request.host}")
    return None if origin is None else origin.host


def turned_away(turned: Turned) -> web.Response:
    """The answer to whom comes too often."""
    retry = {"Retry-After": str(max(1, round(turned.retry_after)))}
    return web.Response(status=turned.status, text=turned.reason, headers=retry)
