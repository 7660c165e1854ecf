"""The admin API under ``/v1/admin``: who is here, and out with whom. Behind tokens of its own.

Every act is told in the log of ``signaling.audit``, by whom (a digest of the token) and with what outcome.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from signaling import listing
from signaling.answers import Announcement, KickOrder
from signaling.listing import Page
from signaling.node import Node
from signaling.orders import Outcome
from signaling.origins import bearer
from signaling.protocol.codec import check_depth
from signaling.protocol.ids import PeerId, RoomName, room_name
from signaling.proxies import TrustedProxies
from signaling.statistics import statistics
from signaling.transports.door import caller, is_spelled_out, turned_away

audit = logging.getLogger("signaling.audit")

MAX_LISTED = 1_000
"""On one page."""
MAX_ORDER_BYTES = 1_024
MAX_ID = 64
BODY_TIMEOUT = 10.0
"""aiohttp waits for the body of a request for ever."""


KICKED = web.RequestKey("kicked", str)

OrderT = TypeVar("OrderT", bound=msgspec.Struct)
Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    """401 without one of ``server.admin_tokens``, 429 after too many bad ones.

    404 where there are none, and for ``/v1/%61dmin``: a proxy that is to keep this inside may let that pass.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._proxies = TrustedProxies(node.config.server.trusted_proxies)

    def routes(self) -> list[web.RouteDef]:
        room = "/v1/admin/rooms/{app}/{room}"
        return [
            web.get("/v1/admin/apps", self.guarded("list-apps", self._apps)),
            web.get("/v1/admin/rooms", self.guarded("list-rooms", self._rooms)),
            web.get(room, self.guarded("show-room", self._room)),
            web.delete(room, self.guarded("close-room", self._close_room)),
            web.post(f"{room}/kick", self.guarded("kick", self._kick)),
            web.post(f"{room}/broadcast", self.guarded("announce", self._announce)),
            web.get("/v1/admin/sessions", self.guarded("list-sessions", self._sessions)),
            web.get("/v1/admin/sessions/{id}", self.guarded("show-session", self._session)),
            web.delete("/v1/admin/sessions/{id}", self.guarded("expel", self._expel)),
            web.get("/v1/admin/stats", self.guarded("show-stats", self._stats, is_told=False)),
            web.get("/v1/admin/drain", self.guarded("show-drain", self._drain_state)),
            web.post("/v1/admin/drain", self.guarded("drain", self._drain)),
        ]

    def guarded(self, act: str, handler: Act, *, is_told: bool = True) -> Act:
        """Behind the tokens; told in the log, unless it is done all the time and changes nothing."""

        async def answer(request: web.Request) -> web.StreamResponse:
            if not self._node.config.server.admin_tokens or not is_spelled_out(request):
                return web.Response(status=404, text="There is no such page here.\n")
            who = caller(request, self._proxies)
            turned = self._node.why_not_judged(who.address)
            if turned is not None:
                return turned_away(turned)
            presented = bearer(request.headers.get("Authorization")).encode()
            if not is_admin(self._node, presented, who.address, act):
                challenge = {"WWW-Authenticate": "Bearer"}
                return web.Response(status=401, text="send one of server.admin_tokens\n", headers=challenge)
            response: web.StreamResponse
            try:
                response = await handler(request)
            except web.HTTPRequestEntityTooLarge as error:
                response = web.Response(status=error.status, text="the body is too long\n")
            if not response.prepared:
                response.headers["Cache-Control"] = "no-store"
            if not is_told:
                return response
            whom = dict(request.match_info)
            if KICKED in request:
                whom["id"] = request[KICKED]
            write_down(act, presented, response.status, whom)
            return response

        return answer

    # What there is

    async def _stats(self, request: web.Request) -> web.Response:
        return _json(statistics(self._node, time.time()))

    async def _apps(self, request: web.Request) -> web.Response:
        page = _page(request)
        return _bad_page() if page is None else _json(listing.apps(self._node.hub, page))

    async def _rooms(self, request: web.Request) -> web.Response:
        page = _page(request)
        return _bad_page() if page is None else _json(listing.rooms(self._node.hub, page))

    async def _room(self, request: web.Request) -> web.Response:
        room = listing.room(self._node.hub, _named(request), self._node.id)
        return _no_such("room") if room is None else _json(room)

    async def _sessions(self, request: web.Request) -> web.Response:
        page = _page(request)
        return _bad_page() if page is None else _json(listing.sessions(self._node.hub, page))

    async def _session(self, request: web.Request) -> web.Response:
        session = listing.session(self._node.hub, request.match_info["id"])
        return _no_such("session at this node") if session is None else _json(session)

    # What is to be done

    async def _close_room(self, request: web.Request) -> web.Response:
        """Everybody is thrown out, at all nodes."""
        name = _named(request)
        return _answer("unknown" if name is None else self._node.orders.close_room(name), "room")

    async def _kick(self, request: web.Request) -> web.Response:
        order = await _read(request, KickOrder, MAX_ORDER_BYTES)
        if isinstance(order, web.Response):
            return order
        request[KICKED] = order.id
        name = _named(request)
        if name is None:
            return _no_such("member")
        outcome = self._node.orders.throw_out(name, PeerId(order.id), order.ban, order.reason)
        return _answer(outcome, "member")

    async def _announce(self, request: web.Request) -> web.Response:
        """Something for everybody in a room, at all nodes."""
        said = await _read(request, Announcement, self._node.config.limits.max_message_bytes)
        if isinstance(said, web.Response):
            return said
        try:
            check_depth(said.payload)
        except ValueError as error:
            return web.Response(status=400, text=f"the payload is {error}\n")
        name, payload = _named(request), msgspec.json.encode(said.payload)
        return _answer("unknown" if name is None else self._node.orders.announce(name, payload), "room")

    async def _expel(self, request: web.Request) -> web.Response:
        """The session ends, in all its rooms, and cannot be resumed."""
        id = request.match_info["id"]
        return _answer("unknown" if len(id) > MAX_ID else self._node.orders.expel(PeerId(id)), "session")

    async def _drain(self, request: web.Request) -> web.Response:
        """This node leaves; the process goes on, and takes nobody in."""
        self._node.begin_drain()
        return _json(self._node.drain_state(), 202)

    async def _drain_state(self, request: web.Request) -> web.Response:
        return _json(self._node.drain_state())


def is_admin(node: Node, presented: bytes, address: str, act: str) -> bool:
    """Whether this is one of the tokens; a bad one is counted, and told in the log."""
    tokens = [token.encode() for token in node.config.server.admin_tokens]
    # All of them are compared, so that the time taken does not tell which one was close.
    if sum(hmac.compare_digest(presented, known) for known in tokens):
        return True
    node.count_bad_token(address)
    audit.warning("! refused: no admin token", extra={"act": act, "outcome": 401})
    return False


def write_down(act: str, presented: bytes, outcome: int, whom: Mapping[str, str]) -> None:
    """Who has done what to whom, in the log."""
    by = hashlib.sha256(presented).hexdigest()[:8]
    told = {"act": act, "by": by, "outcome": outcome, **whom}
    names = "".join(f" {name} {value!r}" for name, value in whom.items())
    audit.info("= %s%s by %s: %d", act, names, by, outcome, extra=told)


async def _read(request: web.Request, kind: type[OrderT], most: int) -> OrderT | web.Response:
    """The body of an order, or the answer to one that is none."""
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while piece := await request.content.readany():
                body += piece
                if len(body) > most:
                    return web.Response(status=413, text=f"the body is longer than {most} bytes\n")
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        fields = ", ".join(kind.__struct_fields__)
        return web.Response(status=400, text=f"send {{{fields}}} as JSON: {error}\n")
    except TimeoutError:
        return web.Response(status=408, text="the body did not come\n")


def _page(request: web.Request) -> Page | None:
    """``?app=`` only of this app, ``?after=`` a name, ``?limit=`` at most; None for what is no page."""
    query = request.query
    text = query.get("limit", str(MAX_LISTED))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
    return Page(query.get("after", ""), limit, query.get("app")) if 1 <= limit <= MAX_LISTED else None


def _bad_page() -> web.Response:
    return web.Response(status=400, text=f"limit is a number from 1 to {MAX_LISTED}\n")


def _answer(outcome: Outcome, what: str) -> web.Response:
    if outcome == "unknown":
        return _no_such(what)
    return web.Response(status=204 if outcome == "done" else 202)


def _named(request: web.Request) -> RoomName | None:
    return room_name(f"{request.match_info['app']}/{request.match_info['room']}")


def _json(value: msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


def _no_such(what: str) -> web.Response:
    return web.Response(status=404, text=f"there is no such {what}\n")
