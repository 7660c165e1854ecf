"""How a room tells what has happened: to handlers at once, and to whoever iterates over events."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

from peer.streams import Stream

log = logging.getLogger("peer")

EventT = TypeVar("EventT")
MAX_WAITING_EVENTS = 1000
"""Of one who iterates and does not keep up; then the oldest are dropped, and counted."""


class Listeners:
    """Handlers and streams of one source of events."""

    def __init__(self) -> None:
        self._handlers: dict[type[Any], list[Callable[[Any], object]]] = {}
        self._streams: WeakSet[Stream[Any]] = WeakSet()
        self._is_ended = False

    def on(self, kind: type[EventT]) -> Callable[[Callable[[EventT], object]], Callable[[EventT], object]]:
        """A decorator: call this function with each such event. Raises TypeError for an ``async def``."""

        def add(handler: Callable[[EventT], object]) -> Callable[[EventT], object]:
            if inspect.iscoroutinefunction(handler):
                raise TypeError("a handler cannot wait; iterate over events() in a task of your own instead")
            self._handlers.setdefault(kind, []).append(handler)
            return handler

        return add

    def stream(self) -> Stream[Any]:
        """All events from now on."""
        stream: Stream[Any] = Stream(MAX_WAITING_EVENTS)
        self._streams.add(stream)
        if self._is_ended:
            stream.end()
        return stream

    def tell(self, event: object) -> None:
        for stream in list(self._streams):
            stream.put(event)
        for handler in list(self._handlers.get(type(event), ())):
            try:
                handler(event)
            except Exception:
                # The handler's own fault must not cost the room.
                log.exception("! a handler of %s failed", type(event).__name__)

    def end(self) -> None:
        self._is_ended = True
        for stream in list(self._streams):
            stream.end()
