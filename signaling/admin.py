"""The admin API under ``/v1/admin``: who is here, and out with whom. Behind tokens of its own.

Every act is told in the log of ``signaling.audit``, by whom (a digest of the token) and with what outcome.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from signaling.answers import KickOrder, ListedRoom, RoomList, ShownMember, ShownRoom
from signaling.node import Node
from signaling.origins import bearer
from signaling.protocol.ids import RoomName, room_name
from signaling.proxies import TrustedProxies
from signaling.transports.door import caller, is_spelled_out, turned_away

audit = logging.getLogger("signaling.audit")

MAX_LISTED = 1_000
BODY_TIMEOUT = 10.0
"""aiohttp waits for the body of a request for ever."""


KICKED = web.RequestKey("kicked", str)

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
            web.get("/v1/admin/rooms", self.guarded("list-rooms", self._rooms)),
            web.get(room, self.guarded("show-room", self._room)),
            web.delete(room, self.guarded("close-room", self._close_room)),
            web.post(f"{room}/kick", self.guarded("kick", self._kick)),
            web.delete("/v1/admin/sessions/{id}", self.guarded("expel", self._expel)),
        ]

    def guarded(self, act: str, handler: Act) -> Act:
        """Behind the tokens, and told in the log."""

        async def answer(request: web.Request) -> web.StreamResponse:
            tokens = [token.encode() for token in self._node.config.server.admin_tokens]
            if not tokens or not is_spelled_out(request):
                return web.Response(status=404, text="There is no such page here.\n")
            who = caller(request, self._proxies)
            turned = self._node.why_not_judged(who.address)
            if turned is not None:
                return turned_away(turned)
            presented = bearer(request.headers.get("Authorization")).encode()
            # All of them are compared, so that the time taken does not tell which one was close.
            if not sum(hmac.compare_digest(presented, known) for known in tokens):
                self._node.count_bad_token(who.address)
                audit.warning("! refused: no admin token", extra={"act": act, "outcome": 401})
                challenge = {"WWW-Authenticate": "Bearer"}
                return web.Response(status=401, text="send one of server.admin_tokens\n", headers=challenge)
            response: web.StreamResponse
            try:
                response = await handler(request)
            except web.HTTPRequestEntityTooLarge as error:
                response = web.Response(status=error.status, text="the body is too long\n")
            if not response.prepared:
                response.headers["Cache-Control"] = "no-store"
            by = hashlib.sha256(presented).hexdigest()[:8]
            whom = dict(request.match_info)
            if KICKED in request:
                whom["id"] = request[KICKED]
            told = {"act": act, "by": by, "outcome": response.status, **whom}
            names = "".join(f" {name} {value!r}" for name, value in whom.items())
            audit.info("= %s%s by %s: %d", act, names, by, response.status, extra=told)
            return response

        return answer

    async def _rooms(self, request: web.Request) -> web.Response:
        """``?app=`` only those of one app; at most 1,000, and how many there are."""
        app = request.query.get("app")
        rooms = self._node.hub.rooms
        names = [name for name in rooms if app is None or name.startswith(f"{app}/")]
        listed = [
            ListedRoom(name, len(rooms[name].members), len(rooms[name].waiting))
            for name in names[:MAX_LISTED]
        ]
        return _json(RoomList(listed, len(names)))

    async def _room(self, request: web.Request) -> web.Response:
        room = self._node.hub.rooms.get(_named(request) or RoomName(""))
        if room is None:
            return _no_such("room")
        members = [
            ShownMember(member.session.id, member.name, member.session.grants.subject, member.session.away)
            for member in room.members.values()
        ]
        return _json(ShownRoom(room.name, room.settings, members))

    async def _close_room(self, request: web.Request) -> web.Response:
        """Everybody is thrown out."""
        name = _named(request)
        if name is None or not self._node.close_room(name):
            return _no_such("room")
        return web.Response(status=204)

    async def _kick(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                order = msgspec.json.decode(await request.read(), type=KickOrder)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return web.Response(status=400, text=f"send {{id, ban, reason}} as JSON: {error}\n")
        except TimeoutError:
            return web.Response(status=408, text="the body did not come\n")
        request[KICKED] = order.id
        name = _named(request)
        if name is None or not self._node.throw_out(name, order.id, order.ban, order.reason):
            return _no_such("member")
        return web.Response(status=204)

    async def _expel(self, request: web.Request) -> web.Response:
        """The session ends, in all its rooms, and cannot be resumed."""
        if not self._node.expel(request.match_info["id"]):
            return _no_such("session")
        return web.Response(status=204)


def _named(request: web.Request) -> RoomName | None:
    return room_name(f"{request.match_info['app']}/{request.match_info['room']}")


def _json(value: msgspec.Struct) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _no_such(what: str) -> web.Response:
    return web.Response(status=404, text=f"there is no such {what}\n")
