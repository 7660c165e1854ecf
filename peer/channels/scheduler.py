"""Who goes first: real-time before reliable before bulk, and lanes of a class in turns."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec

from peer.channels.kinds import BULK, RELIABLE, Kind
from peer.channels.window import Window

TURN_BYTES = 64 * 1024
"""BULK of one connection in one turn of the event loop, so that other connections get theirs."""


Key = TypeVar("Key", bound=Hashable)


class Marks(msgspec.Struct, frozen=True):
    """How much may lie in the buffers of all lanes together."""

    realtime_bytes: int
    """UNRELIABLE and LATEST go out up to this, it included."""
    ordered_bytes: int
    """RELIABLE and BULK go out below this."""


class Scheduler(Generic[Key]):
    """One for each connection. ``key`` stands for a channel; what waits stays there."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._realtime: dict[Key, int] = {}
        self._reliable: dict[Key, int] = {}
        self._bulk: dict[Key, int] = {}
        self._turn_left = TURN_BYTES
        self.window = Window()

    def waits(self, key: Key, kind: Kind, next_bytes: int) -> None:
        """So long is the next data-channel message of this channel; 0: none is there."""
        waiting = self._class_of(kind)
        if next_bytes:
            waiting[key] = next_bytes
        else:
            waiting.pop(key, None)

    def begin_turn(self) -> None:
        """The event loop has come round."""
        self._turn_left = TURN_BYTES

    @property
    def has_begun_turn(self) -> bool:
        """Whether BULK was handed over in this turn, so that the next one must be told."""
        return self._turn_left < TURN_BYTES

    @property
    def has_bulk(self) -> bool:
        """Whether BULK waits."""
        return bool(self._bulk)

    def next(self, buffered_bytes: int, bulk_in_flight_bytes: int, *, is_paced: bool = False) -> Key | None:
        """Whose data-channel message to hand over now; None: nobody's. What waits after it is to be told.

        ``is_paced``: BULK has gone out as fast as it may.
        """
        if self._realtime:
            return _first(self._realtime)[0] if buffered_bytes <= self._marks.realtime_bytes else None
        if buffered_bytes >= self._marks.ordered_bytes:
            return None
        if self._reliable:
            return _first(self._reliable)[0]
        if not self._bulk or self._turn_left <= 0 or not self.window.has_room(bulk_in_flight_bytes):
            return None
        if is_paced:
            return None
        key, next_bytes = _first(self._bulk)
        self._turn_left -= next_bytes
        return key

    def _class_of(self, kind: Kind) -> dict[Key, int]:
        if kind is RELIABLE:
            return self._reliable
        return self._bulk if kind is BULK else self._realtime


def _first(waiting: dict[Key, int]) -> tuple[Key, int]:
    """The one that has waited longest; it leaves."""
    key = next(iter(waiting))
    return key, waiting.pop(key)
