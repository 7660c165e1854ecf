"""Channels that have ended, and what the other side has not been told of it yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from peer.wire import Close

Key = TypeVar("Key")
Value = TypeVar("Value")

MAX_REMEMBERED = 256
"""Of each sort; the oldest leaves. It may come back then, which is a nuisance and no harm."""


class Ended:
    """``say`` speaks over the control channel, or says False when it cannot."""

    def __init__(self, say: Callable[[Close], bool]) -> None:
        self._say = say
        self._ids: dict[str, None] = {}
        self._unsaid: dict[Close, None] = {}
        self._unnamed: dict[str, int] = {}
        """How often a label was closed before its id was known, and the other side has not said it yet."""

    def __contains__(self, channel_id: str) -> bool:
        return channel_id in self._ids

    def remember(self, channel_id: str) -> None:
        if channel_id:
            _put(self._ids, channel_id, None)

    def close(self, label: str, channel_id: str) -> None:
        """Say that it is closed, now or when that is possible."""
        self.remember(channel_id)
        if not channel_id:
            _put(self._unnamed, label, self._unnamed.get(label, 0) + 1)
            self._say(Close(label))
        elif not self._say(Close(label, channel_id)):
            _put(self._unsaid, Close(label, channel_id), None)

    def is_unnamed(self, label: str) -> bool:
        """Whether the next lane of this label may still be that of a channel which was closed."""
        return label in self._unnamed

    def named(self, label: str) -> None:
        """The other side has answered one of those."""
        unanswered = self._unnamed.pop(label, 1) - 1
        if unanswered:
            self._unnamed[label] = unanswered

    def say_all(self) -> None:
        """The other side can hear us now."""
        unsaid, self._unsaid = self._unsaid, {}
        for message in unsaid:
            self._say(message)
        # What was said before has been lost, or its answer has.
        self._unnamed = dict.fromkeys(self._unnamed, 1)
        for label in self._unnamed:
            self._say(Close(label))


def _put(items: dict[Key, Value], key: Key, value: Value) -> None:
    items[key] = value
    if len(items) > MAX_REMEMBERED:
        del items[next(iter(items))]
