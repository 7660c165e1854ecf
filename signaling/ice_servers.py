"""``/v1/ice-servers``: STUN and TURN servers for clients that speak no protocol of ours.

Who may open a link may ask here, and nobody else. The answer is what the welcome of a link has, and the
fields of draft-uberti-behave-turn-rest-00 besides.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from signaling.answers import MAX_REGION_CHARACTERS, BrowserIceServer, IceServers
from signaling.limits import Turned
from signaling.metrics import IceServersResult
from signaling.node import Node
from signaling.protocol.parts import IceServer
from signaling.proxies import TrustedProxies
from signaling.transports.door import called, caller, turned_away, verdict_on

METHODS = "GET, HEAD, POST"
PREFLIGHT_SECONDS = 600
NO_TOKEN = "The token is missing or not valid; send 'Authorization: Bearer TOKEN' with one that is."


class IceServersDoor:
    """Answers with 401 (no token, or none that is good), 403 (a foreign page), 400 (a Host that is none),
    429 and 503 (too often, leaving), and says why. Nothing is signed before all of that is settled.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._proxies = TrustedProxies(node.config.server.trusted_proxies)

    async def tell(self, request: web.Request) -> web.Response:
        """``GET``, or ``POST``: browsers name the origin of a page with every POST."""
        result, response = await self._judge(request)
        self._node.metrics.ice_servers[result] += 1
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin is not None and result not in ("origin", "token"):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
        return response

    async def preflight(self, request: web.Request) -> web.Response:
        """``OPTIONS``: what a browser asks before it lets a page of another origin ask (Fetch §4.8)."""
        verdict = verdict_on(request, self._node.config, self._proxies)
        origin = request.headers.get("Origin")
        headers = {"Allow": f"{METHODS}, OPTIONS", "Vary": "Origin"}
        if origin is None:
            return web.Response(status=204, headers=headers)
        if not verdict.allowed:
            return web.Response(status=403, text=verdict.reason, headers=headers)
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
        return web.Response(status=204, headers=headers)

    async def _judge(self, request: web.Request) -> tuple[IceServersResult, web.Response]:
        verdict = verdict_on(request, self._node.config, self._proxies)
        if not verdict.allowed and verdict.wants_token:
            challenge = {"WWW-Authenticate": "Bearer"}
            return "token", web.Response(status=401, text=verdict.reason, headers=challenge)
        if not verdict.allowed:
            return "origin", web.Response(status=403, text=verdict.reason)
        who = caller(request, self._proxies)
        turned = self._node.why_not_judged(who.address)
        if turned is not None:
            return "limited", turned_away(turned)
        if isinstance(await self._node.judge(who.bearer, who), str):
            self._node.count_bad_token(who.address)
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return "token", web.Response(status=401, text=NO_TOKEN, headers=challenge)
        host = called(request, self._proxies)
        if host is None:
            text = "the Host header is not a name or an address"
            return "bad-host", web.Response(status=400, text=text)
        region = request.query.get("region")
        if region is not None and len(region) > MAX_REGION_CHARACTERS:
            text = f"region has more than {MAX_REGION_CHARACTERS} characters"
            return "bad-region", web.Response(status=400, text=text)
        told = self._node.ice_servers(who.address, host, region)
        if isinstance(told, Turned):
            return "limited" if told.status == 429 else "draining", turned_away(told)
        body = _body(told.all, told.made, int(self._node.config.ice.turn_lifetime))
        return "given", web.Response(body=msgspec.json.encode(body), content_type="application/json")


def _body(servers: list[IceServer], made: list[IceServer], ttl: int) -> IceServers:
    """``iceServers`` as browsers take them; the draft knows one name and password for all ``uris``, so these
    are of the first TURN server alone."""
    listed = [BrowserIceServer(server.urls, server.username, server.credential) for server in servers]
    if not made:
        return IceServers(listed, ttl)
    first = made[0]
    return IceServers(listed, ttl, first.username, first.credential, first.urls)
