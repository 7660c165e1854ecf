"""What clients of PeerJS ask over HTTP: a new id, and, where that is allowed, which ids there are."""

from __future__ import annotations

import uuid

import msgspec
from aiohttp import web

from signaling.dialects import peerjs
from signaling.dialects.base import room_of
from signaling.node import Node
from signaling.proxies import TrustedProxies
from signaling.transports.door import caller, turned_away, verdict_on

ABOUT = {
    "name": "Peerlane",
    "description": "A signaling server that clients of PeerJS may use.",
    "website": "/",
}
MAX_LISTED = 10_000
PREFLIGHT_SECONDS = 600


class PeerJsPages:
    """Refuses as the doors for links do: 403 (origin), 429 (too often)."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._proxies = TrustedProxies(node.config.server.trusted_proxies)

    def routes(self, root: str) -> list[web.RouteDef]:
        """``root`` is the ``path`` that clients are given."""
        paths = (root, f"{root}/", f"{root}/{{key}}/id", f"{root}/{{key}}/peers")
        asked = (self._about, self._about, self._id, self._peers)
        return [
            *(web.get(path, ask) for path, ask in zip(paths, asked, strict=True)),
            *(web.options(path, self._preflight) for path in paths),
        ]

    async def _about(self, request: web.Request) -> web.Response:
        return self._refusal(request) or self._answer(request, msgspec.json.encode(ABOUT), "application/json")

    async def _id(self, request: web.Request) -> web.Response:
        # 122 random bits: nobody has this one.
        return self._refusal(request) or self._answer(request, str(uuid.uuid4()).encode(), "text/html")

    async def _peers(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if not self._node.config.doors.peerjs_discovery:
            return self._answer(request, b"Unauthorized", "text/plain", 401)
        return self._answer(request, msgspec.json.encode(self._ids()), "application/json")

    async def _preflight(self, request: web.Request) -> web.Response:
        """``OPTIONS``: what a browser asks before it lets a page of another origin ask (Fetch §4.8)."""
        answer = self._refusal(request) or self._answer(request, b"", "text/plain", 204)
        answer.headers["Access-Control-Allow-Methods"] = "GET"
        answer.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return answer

    def _ids(self) -> list[str]:
        app = self._node.config.doors.app
        prefix = room_of(app, peerjs.NAME, "")
        found = (
            str(member.metadata[peerjs.NAME])
            for name, room in self._node.hub.rooms.items()
            if name.startswith(prefix)
            for member in room.members.values()
            if "owns" in member.metadata and peerjs.NAME in member.metadata
        )
        return [known for known, _ in zip(found, range(MAX_LISTED), strict=False)]

    def _refusal(self, request: web.Request) -> web.Response | None:
        verdict = verdict_on(request, self._node.config, self._proxies)
        if not verdict.allowed and not verdict.wants_token:
            return web.Response(status=403, text=verdict.reason)
        turned = self._node.why_not_judged(caller(request, self._proxies).address)
        return None if turned is None else turned_away(turned)

    def _answer(self, request: web.Request, body: bytes, kind: str, status: int = 200) -> web.Response:
        headers = {"Cache-Control": "no-store", "Vary": "Origin"}
        origin = request.headers.get("Origin")
        if origin is not None:
            headers["Access-Control-Allow-Origin"] = origin
        charset = "utf-8" if body else None
        return web.Response(body=body, status=status, content_type=kind, charset=charset, headers=headers)
