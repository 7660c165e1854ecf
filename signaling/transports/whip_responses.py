"""Responses of WHIP and WHEP: answers, ICE servers as Link headers, CORS, problems that say what to do."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from aiohttp import web

from signaling.dialects.whip_words import Reply
from signaling.protocol.parts import IceServer

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
PROBLEM = "application/problem+json"
EXPOSED = "Location, ETag, Link, Accept-Patch, Accept-Post, Retry-After, Access-Control-Allow-Methods"
# Some clients write the tag into a header of its own name.
ALLOWED = "Authorization, Content-Type, If-Match, ETag"
PREFLIGHT_SECONDS = "600"
TITLES = {412: "Another ICE session", 428: "No entity tag", 422: "Not acceptable as an offer"}


def answer(reply: Reply, where: str) -> web.Response:
    """201, with all that a client needs from now on."""
    headers = {"Location": where, "ETag": reply.etag, "Accept-Patch": FRAGMENT}
    response = web.Response(status=201, text=reply.text, content_type=SDP, headers=headers)
    with_ice_servers(response, reply.ice_servers)
    return response


def problem(
    status: int, text: str, after: int = 0, *, accepts: tuple[str, str] | None = None
) -> web.Response:
    """As RFC 9457; ``accepts``: a header that says what would be taken."""
    response = web.Response(status=status, content_type=PROBLEM)
    title = TITLES.get(status, response.reason)
    response.body = msgspec.json.encode({"title": title, "status": status, "detail": text})
    if after:
        response.headers["Retry-After"] = str(after)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if accepts is not None:
        response.headers[accepts[0]] = accepts[1]
    return response


def problem_of(reply: Reply) -> web.Response:
    return problem(reply.status, reply.text, reply.retry_after)


def cors(request: web.Request, response: web.Response) -> None:
    """A page of another origin that may come in may read the response."""
    origin = request.headers.get("Origin")
    response.headers["Vary"] = "Origin"
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED


def preflight(request: web.Request, methods: str) -> web.Response:
    """What may be done here; scripts of some clients look for PATCH among the methods."""
    headers = {
        "Allow": methods,
        "Accept-Post": SDP,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ALLOWED,
        "Access-Control-Max-Age": PREFLIGHT_SECONDS,
    }
    response = web.Response(status=204, headers=headers)
    cors(request, response)
    return response


def with_ice_servers(response: web.Response, servers: Iterable[IceServer]) -> None:
    """A Link header for each URL (RFC 9725 section 4.6)."""
    for server in servers:
        for url in server.urls:
            response.headers.add("Link", ice_server_link(url, server.username, server.credential))


def ice_server_link(url: str, username: str = "", credential: str = "") -> str:
    link = f'<{url.translate(_IN_ANGLES)}>; rel="ice-server"'
    if username:
        link += f'; username="{_quoted(username)}"; credential="{_quoted(credential)}"'
        link += '; credential-type="password"'
    return link


_IN_ANGLES = str.maketrans({"<": "%3C", ">": "%3E", "\r": "", "\n": ""})


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")
