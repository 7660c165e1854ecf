"""All that is answered over gRPC: links, the event feed and the admin API, with the tokens of HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import Message

from signaling import listing
from signaling.admin import MAX_ID, MAX_LISTED, MAX_ORDER_BYTES, is_admin, write_down
from signaling.answers import KickOrder
from signaling.dialects.grpc_words import checked, fill, framed, happened
from signaling.feed import RETRY_AFTER, Feed, wanted_of
from signaling.listing import Page
from signaling.node import Node
from signaling.orders import Outcome
from signaling.protocol.codec import UNREADABLE
from signaling.protocol.ids import PeerId, RoomName, room_name
from signaling.protocol.proto.peerlane.v1 import signaling_pb2 as words
from signaling.transports.grpc.calls import (
    FAILED_PRECONDITION,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNIMPLEMENTED,
    Call,
    Failure,
    Method,
    of_turned,
    wrong,
)
from signaling.transports.grpc.links import GrpcLinks, only

ADMIN = "/peerlane.v1.Admin"
OUTCOMES = {"done": words.OUTCOME_DONE, "passed-on": words.OUTCOME_PASSED_ON}
WHOM = ("app", "room", "id")
# What HTTP would have answered, for the log.
DONE, UNDONE = 200, 400

RequestT = TypeVar("RequestT", bound=Message)


def methods(node: Node, feed: Feed) -> dict[str, Method]:
    """By their paths."""
    admin = GrpcAdmin(node)
    return {
        **GrpcLinks(node).methods(),
        "/peerlane.v1.Signaling/Watch": Watch(node, feed).tell,
        f"{ADMIN}/ListRooms": admin.act("list-rooms", words.ListRoomsRequest, admin.rooms),
        f"{ADMIN}/GetRoom": admin.act("show-room", words.GetRoomRequest, admin.room),
        f"{ADMIN}/ListSessions": admin.act("list-sessions", words.ListSessionsRequest, admin.sessions),
        f"{ADMIN}/Kick": admin.act("kick", words.KickMemberRequest, admin.kick),
        f"{ADMIN}/Close": admin.act("close-room", words.CloseRoomRequest, admin.close_room),
        f"{ADMIN}/Expel": admin.act("expel", words.ExpelRequest, admin.expel),
        f"{ADMIN}/Broadcast": admin.act("announce", words.BroadcastToRoomRequest, admin.announce),
        f"{ADMIN}/Drain": admin.act("drain", words.DrainRequest, admin.drain),
        f"{ADMIN}/GetDrain": admin.act("show-drain", words.GetDrainRequest, admin.drain_state),
    }


def check_admin(node: Node, call: Call, act: str) -> bytes:
    """The token of an administrator. Raises Failure for anybody else."""
    if not node.config.server.admin_tokens:
        raise Failure(UNIMPLEMENTED, "no-admin", "this server has no server.admin_tokens")
    turned = node.why_not_judged(call.who.address)
    if turned is not None:
        raise of_turned(turned)
    presented = call.who.bearer.encode()
    if not is_admin(node, presented, call.who.address, act):
        raise Failure(UNAUTHENTICATED, "bad-token", "send one of server.admin_tokens")
    return presented


class Watch:
    """The event feed."""

    def __init__(self, node: Node, feed: Feed) -> None:
        self._node = node
        self._feed = feed

    async def tell(self, call: Call) -> None:
        presented = check_admin(self._node, call, "read-feed")
        request = await only(call, words.WatchRequest)
        if not self._node.hub.journal.is_kept:
            raise Failure(FAILED_PRECONDITION, "no-feed", "limits.feed_events is 0: nothing is kept here")
        query = {"room": request.room, "app": request.app, "types": ",".join(request.types)}
        wanted = wanted_of(query)
        if isinstance(wanted, str):
            raise wrong("types" if "event" in wanted else "room", wanted)
        if self._feed.is_full:
            raise Failure(UNAVAILABLE, "feed-full", "too many read the feed", retry_after=RETRY_AFTER)
        write_down("read-feed", presented, DONE, {})
        with self._feed.reading():
            async with aclosing(self._feed.pieces(request.resume_token, wanted)) as pieces:
                async for piece in pieces:
                    told = (happened(each.type, each.id, each.encoded) for each in piece)
                    await call.write(b"".join(map(framed, told)))
        raise Failure(UNAVAILABLE, "draining", "this server is leaving", retry_after=1.0)


class GrpcAdmin:
    """What ``/v1/admin`` does, by the same orders."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def act(
        self, name: str, kind: type[RequestT], answer: Callable[[RequestT], Message]
    ) -> Callable[[Call], Awaitable[None]]:
        """Behind the tokens, and told in the log."""

        async def answered(call: Call) -> None:
            presented = check_admin(self._node, call, name)
            request = await only(call, kind)
            whom = {each: str(getattr(request, each)) for each in WHOM if getattr(request, each, "")}
            try:
                response = answer(request)
            except Failure:
                write_down(name, presented, UNDONE, whom)
                raise
            write_down(name, presented, DONE, whom)
            await call.write(framed(response))

        return answered

    def rooms(self, request: words.ListRoomsRequest) -> Message:
        return _filled(words.ListRoomsResponse(), listing.rooms(self._node.hub, _page(request)))

    def room(self, request: words.GetRoomRequest) -> Message:
        found = listing.room(self._node.hub, _named(request.room), self._node.id)
        if found is None:
            raise _no_such("room")
        return _filled(words.GetRoomResponse(), found)

    def sessions(self, request: words.ListSessionsRequest) -> Message:
        return _filled(words.ListSessionsResponse(), listing.sessions(self._node.hub, _page(request)))

    def kick(self, request: words.KickMemberRequest) -> Message:
        given: Mapping[str, Any] = {"id": request.id, "ban": request.ban, "reason": request.reason}
        if request.ByteSize() > MAX_ORDER_BYTES * 2:
            raise wrong("reason", "the request is too long")
        try:
            order = msgspec.convert(given, KickOrder)
        except msgspec.ValidationError as error:
            raise wrong(str(error).rpartition("$.")[2].strip("`"), str(error)) from error
        name = _named(request.room)
        outcome = self._node.orders.throw_out(name, PeerId(order.id), order.ban, order.reason)
        return words.KickMemberResponse(outcome=_outcome(outcome, "member"))

    def close_room(self, request: words.CloseRoomRequest) -> Message:
        outcome = self._node.orders.close_room(_named(request.room))
        return words.CloseRoomResponse(outcome=_outcome(outcome, "room"))

    def expel(self, request: words.ExpelRequest) -> Message:
        is_id = len(request.id) <= MAX_ID
        outcome: Outcome = self._node.orders.expel(PeerId(request.id)) if is_id else "unknown"
        return words.ExpelResponse(outcome=_outcome(outcome, "session"))

    def announce(self, request: words.BroadcastToRoomRequest) -> Message:
        try:
            payload = bytes(checked(request.payload))
        except UNREADABLE as error:
            raise wrong("payload", f"send JSON: {error}") from error
        outcome = self._node.orders.announce(_named(request.room), payload)
        return words.BroadcastToRoomResponse(outcome=_outcome(outcome, "room"))

    def drain(self, request: words.DrainRequest) -> Message:
        self._node.begin_drain()
        return words.DrainResponse(state=self._drain())

    def drain_state(self, request: words.GetDrainRequest) -> Message:
        return words.GetDrainResponse(state=self._drain())

    def _drain(self) -> words.DrainState:
        state = words.DrainState()
        fill(state, self._node.drain_state())
        return state


def _page(request: words.ListRoomsRequest | words.ListSessionsRequest) -> Page:
    if not 0 <= request.limit <= MAX_LISTED:
        raise wrong("limit", f"limit is a number from 0 to {MAX_LISTED}")
    return Page(request.after, request.limit or MAX_LISTED, request.app or None)


def _named(text: str) -> RoomName:
    name = room_name(text)
    if name is None:
        raise wrong("room", "room is 'room' or 'app/room'")
    return name


def _outcome(outcome: Outcome, what: str) -> words.Outcome:
    if outcome == "unknown":
        raise _no_such(what)
    return OUTCOMES[outcome]


def _no_such(what: str) -> Failure:
    return Failure(NOT_FOUND, f"unknown-{what}", f"there is no such {what}")


def _filled(message: Message, value: msgspec.Struct) -> Message:
    fill(message, value)
    return message
