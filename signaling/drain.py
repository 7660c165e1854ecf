"""How a node leaves: who is told when, and how long to stay away. Time and chance come in.

To be told costs each client its link, and some of them more, so each is told at its own moment:

- who comes back by itself, at a point of chance within a window, so that the others do not get all at once;
- who has to be brought back by its application, when nothing is under way to it any more;
- whose game ends with its link, as late as possible.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from enum import Enum, auto
from math import inf
from typing import NamedTuple

from signaling.effects import LinkHandle
from signaling.protocol.errors import DRAINING

ASK_PATIENCE = 1.0
"""Seconds for a client to confirm what it has had, before it is told all the same."""


class Turn(Enum):
    """When those who speak a protocol are told."""

    NATIVE = auto()
    """They come back by themselves, and when they are told to."""
    SPREAD = auto()
    """They come back by themselves."""
    QUIET = auto()
    """The connections between peers stay, but only the application dials again."""
    LAST = auto()
    """The connections between peers end with the link, and nobody dials again."""


class Times(NamedTuple):
    """How much time there is, in seconds."""

    window: float
    """At most so long the goodbyes are spread."""
    rate: float
    """And no longer than so many a second need."""
    left: float
    """Until the node ends, whatever has been said."""
    is_alone: bool
    """No other node takes them: they come back to this address, once it is there again."""


class UnderWay(NamedTuple):
    """What has not arrived yet at one client, as far as is known."""

    queued: int
    """Messages that are not written yet."""
    unconfirmed: int = 0
    """Events that it has not confirmed; 0 for a protocol that confirms nothing."""


class Ask(NamedTuple):
    """Ask this client to confirm what it has had."""

    link: LinkHandle


class Tell(NamedTuple):
    """Say goodbye on this link; the client is to stay away for so many seconds."""

    link: LinkHandle
    after: float


class Goodbye:
    """One that is to be said ``at`` some time, and at the ``latest`` at another."""

    __slots__ = ("after", "at", "is_asked", "latest", "link")

    def __init__(self, link: LinkHandle, at: float, latest: float, after: float) -> None:
        self.link = link
        self.at = at
        self.latest = latest
        self.after = after
        self.is_asked = False


def plan(
    links: Collection[tuple[LinkHandle, Turn]], now: float, times: Times, random: Callable[[], float]
) -> list[Goodbye]:
    """Every goodbye, in the order of their times. ``random`` gives fractions from 0 up to 1."""
    count = sum(turn in (Turn.NATIVE, Turn.SPREAD) for _, turn in links)
    window = max(0.0, min(times.window, count / times.rate))
    end = now + max(0.0, times.left)
    goodbyes = []
    for link, turn in links:
        point = random() * window
        if turn is Turn.LAST:
            goodbyes.append(Goodbye(link, end, end, 0.0))
        elif turn is Turn.QUIET:
            goodbyes.append(Goodbye(link, min(now + window, end), end, 0.0))
        elif times.is_alone and turn is Turn.NATIVE:
            # Nothing is gained by staying for them, and they can be told when to come.
            goodbyes.append(Goodbye(link, now, min(now + ASK_PATIENCE, end), DRAINING.after + point))
        else:
            at = min(now + point, end)
            after = now + point - at if turn is Turn.NATIVE else 0.0
            goodbyes.append(Goodbye(link, at, min(at + ASK_PATIENCE, end), after))
    return sorted(goodbyes, key=lambda goodbye: goodbye.at)


class Drain:
    """Says what to do as time passes, until nobody is left to be told."""

    def __init__(self, goodbyes: Iterable[Goodbye]) -> None:
        self._coming = deque(goodbyes)
        self._due: list[Goodbye] = []

    @property
    def is_over(self) -> bool:
        return not self._coming and not self._due

    @property
    def wake_at(self) -> float:
        """When :meth:`wake` has something new to say, unless a client confirms something before."""
        next_to_come = self._coming[0].at if self._coming else inf
        return min([next_to_come, *(goodbye.latest for goodbye in self._due)])

    def hurry(self, now: float) -> None:
        """There is no more time: the next :meth:`wake` tells everybody, to stay away for what was left."""
        for goodbye in [*self._due, *self._coming]:
            goodbye.after += max(0.0, goodbye.at - now)
            goodbye.at = goodbye.latest = now

    def wake(self, now: float, under_way: Callable[[LinkHandle], UnderWay | None]) -> list[Ask | Tell]:
        """Whom to tell now, and whom to ask. ``under_way`` is None for a link that has ended meanwhile."""
        while self._coming and self._coming[0].at <= now:
            self._due.append(self._coming.popleft())
        steps: list[Ask | Tell] = []
        waiting = []
        for goodbye in self._due:
            rest = under_way(goodbye.link)
            if rest is None:
                continue
            if now >= goodbye.latest or (not rest.queued and not rest.unconfirmed):
                steps.append(Tell(goodbye.link, goodbye.after))
                continue
            if rest.unconfirmed and not goodbye.is_asked:
                goodbye.is_asked = True
                steps.append(Ask(goodbye.link))
            waiting.append(goodbye)
        self._due = waiting
        return steps
