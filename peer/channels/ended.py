"""Channels that have ended, and what the other side has not been told of it yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from peer.wire import Close

Item = TypeVar("Item")

MAX_REMEMBERED = 256
"""Of each sort; the oldest leaves. It may come back then, which is a nuisance and no harm."""


class Ended:
    """``say`` speaks over the control channel, or says False when it cannot."""

    def __init__(self, say: Callable[[Close], bool]) -> None:
        self._say = say
        self._ids: dict[str, None] = {}
        self._unsaid: dict[Close, None] = {}
        self._unnamed: dict[str, None] = {}
        """Labels that were closed before their id was known; the other side will say it."""

    def __contains__(self, channel_id: str) -> bool:
        return channel_id in self._ids

    def remember(self, channel_id: str) -> None:
        if channel_id:
            _put(self._ids, channel_id)

    def close(self, label: str, channel_id: str) -> None:
        """Say that it is closed, now or when that is possible."""
        self.remember(channel_id)
        if not channel_id:
            _put(self._unnamed, label)
            self._say(Close(label))
        elif not self._say(Close(label, channel_id)):
            _put(self._unsaid, Close(label, channel_id))

    def is_unnamed(self, label: str) -> bool:
        """Whether the other side's next word about this label is about the one that was closed."""
        return label in self._unnamed

    def named(self, label: str) -> None:
        self._unnamed.pop(label, None)

    def say_all(self) -> None:
        """The other side can hear us now."""
        unsaid, self._unsaid = self._unsaid, {}
        for message in unsaid:
            self._say(message)
        for label in self._unnamed:
            self._say(Close(label))


def _put(items: dict[Item, None], item: Item) -> None:
    items[item] = None
    if len(items) > MAX_REMEMBERED:
        del items[next(iter(items))]
