"""``GET /v1/feed``: what happens, as Server-Sent Events; behind the tokens of the admin API.

A reader has no queue: it is at some place in the journal, and catches up in pieces. One that is so slow that
its place is not kept any more is told so, as one who comes back too late is.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import NamedTuple

import msgspec
from aiohttp import web

from signaling.journal import TYPES, Entry, Journal
from signaling.node import Node
from signaling.protocol.ids import RoomName, room_name

HEARTBEAT = 15.0
"""Seconds; a comment that keeps proxies from closing a silent line."""
PAUSE = 0.25
"""Seconds between two pieces for the same readers: many events are written at once."""
PIECE = 500
"""Events in one write."""
COME_BACK = (1.0, 5.0)
"""Seconds after which readers of a server that leaves come back: not all at once."""
RETRY_AFTER = 30.0
WRITE_TIMEOUT = 30.0
"""A reader that takes nothing for so long is gone."""


class Wanted(msgspec.Struct, frozen=True):
    """Which events a reader wants; empty: all."""

    room: str = ""
    app: str = ""
    types: frozenset[str] = frozenset()

    def has(self, entry: Entry) -> bool:
        if self.types and entry.type not in self.types:
            return False
        if self.room:
            return entry.room == self.room
        return not self.app or entry.room.startswith(f"{self.app}/")

    def has_room(self, name: str) -> bool:
        """Whether the state of this room is of any use."""
        return (not self.room or name == self.room) and (not self.app or name.startswith(f"{self.app}/"))


class Told(NamedTuple):
    """One thing that a reader is told; without a type only that all is well."""

    type: str
    id: str
    """Where the reader is when it has heard this."""
    encoded: bytes


class Feed:
    """The readers of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._journal: Journal = node.hub.journal
        self._metrics = node.metrics
        self._news = asyncio.Event()
        self._flush_at = 0.0
        self._is_waking = False
        self._is_closing = False
        self._journal.heard.append(self._heard)

    async def tell(self, request: web.Request) -> web.StreamResponse:
        """Everything since ``Last-Event-ID``, or first the state of all rooms; then whatever happens."""
        if not self._journal.is_kept:
            return web.Response(status=404, text="limits.feed_events is 0: nothing is kept here\n")
        wanted = wanted_of(request.query)
        if isinstance(wanted, str):
            return web.Response(status=400, text=f"{wanted}\n")
        if self.is_full:
            return web.Response(
                status=503, headers={"Retry-After": f"{RETRY_AFTER:.0f}"}, text="too many read the feed\n"
            )
        with self.reading():
            return await self._stream(request, wanted)

    @property
    def is_full(self) -> bool:
        """Nobody else may read now."""
        return self._metrics.feed_readers >= self._node.config.limits.feed_readers

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While somebody does."""
        self._metrics.feed_readers += 1
        try:
            yield
        finally:
            self._metrics.feed_readers -= 1

    async def close(self) -> None:
        """The server ends: readers come back to it, or to another one."""
        self._is_closing = True
        self._news.set()

    async def _stream(self, request: web.Request, wanted: Wanted) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                # nginx would keep it until it has enough.
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        given = request.headers.get("Last-Event-ID") or request.query.get("last_event_id", "")
        try:
            async with aclosing(self.pieces(given, wanted)) as pieces:
                async for piece in pieces:
                    await _write(response, b"".join(map(_block, piece)))
            retry = random.uniform(*COME_BACK)  # spreads a crowd, protects nothing
            await _write(response, f"retry: {retry * 1000:.0f}\n\n".encode())
            await response.write_eof()
        except (OSError, TimeoutError):
            pass  # it has gone; it will say with Last-Event-ID where it was
        return response

    async def pieces(self, given: str, wanted: Wanted) -> AsyncGenerator[list[Told], None]:
        """What a reader is told, who was at ``given``, until this server ends."""
        place, opening = self._begin(given, wanted)
        yield opening
        while True:
            place, piece = self._next(place, wanted)
            if piece:
                yield piece
            if place < self._journal.last:
                continue
            if self._is_closing:
                return
            if not await self._has_news():
                yield [self._said("alive", place)]

    def _begin(self, given: str, wanted: Wanted) -> tuple[int, list[Told]]:
        number = self._journal.number_of(given) if given else None
        if number is not None and self._journal.after(number) is not None:
            return number, [self._said("go on", number)]
        # Whoever asks for what is not kept must know that there is a hole before it sees what is now.
        last = self._journal.last
        gap = [Told("gap", self._journal.id_of(last), b"{}")] if given else []
        return last, [*gap, *self._states(wanted), self._said("now", last)]

    def _next(self, place: int, wanted: Wanted) -> tuple[int, list[Told]]:
        entries = self._journal.after(place)
        if entries is None:
            return self._begin(self._journal.id_of(place), wanted)
        told = []
        for count, entry in enumerate(entries, 1):
            place = entry.number
            if wanted.has(entry):
                told.append(Told(entry.type, self._journal.id_of(place), entry.encoded))
            if count == PIECE:
                break
        return place, told

    def _states(self, wanted: Wanted) -> Iterator[Told]:
        if wanted.types and "room" not in wanted.types:
            return
        event_id = self._journal.id_of(self._journal.last)
        for entry in self._node.hub.room_states(wanted.has_room):
            yield Told(entry.type, event_id, entry.encoded)

    def _said(self, comment: str, place: int) -> Told:
        return Told("", self._journal.id_of(place), comment.encode())

    async def _has_news(self) -> bool:
        try:
            async with asyncio.timeout(HEARTBEAT):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _heard(self, entry: Entry) -> None:
        if self._is_waking or not self._metrics.feed_readers:
            return
        self._is_waking = True
        loop = asyncio.get_running_loop()
        loop.call_at(max(loop.time(), self._flush_at), self._wake)

    def _wake(self) -> None:
        self._is_waking = False
        self._flush_at = asyncio.get_running_loop().time() + PAUSE
        # Those who wait hear of this one, those who come later wait for the next.
        news, self._news = self._news, asyncio.Event()
        if self._is_closing:
            self._news.set()
        news.set()


def wanted_of(given: Mapping[str, str]) -> Wanted | str:
    """What the query of a request asks for, or what is wrong with it."""
    unknown = given.keys() - {"room", "app", "types", "last_event_id"}
    if unknown:
        return f"there is no {sorted(unknown)[0]}; room, app, types and last_event_id are understood"
    types = frozenset(filter(None, given.get("types", "").split(",")))
    if not types <= TYPES:
        return f"there is no event {sorted(types - TYPES)[0]}; there are {', '.join(sorted(TYPES))}"
    room = room_name(given["room"]) if given.get("room") else RoomName("")
    if room is None:
        return "room is 'room' or 'app/room'"
    return Wanted(room, given.get("app", ""), types)


def _block(told: Told) -> bytes:
    if not told.type:
        return b": %b\n\n" % told.encoded
    # JSON has no line breaks of its own here, so that nobody's name can end a field.
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (told.id.encode(), told.type.encode(), told.encoded)


async def _write(response: web.StreamResponse, piece: bytes) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT):
        await response.write(piece)
