"""A bus inside one process: for a single node, and for tests of several."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from weakref import WeakValueDictionary

from signaling.backplane.base import BusAway, BusFigures, Changed, Heard, check_body


class MemoryBus:
    """Where several backplanes of one process meet. ``usable`` may be turned off, as if a broker had gone."""

    def __init__(self) -> None:
        self._nodes: list[MemoryBackplane] = []
        self._usable = True

    @property
    def usable(self) -> bool:
        return self._usable

    @usable.setter
    def usable(self, usable: bool) -> None:
        self._usable = usable
        for node in self._nodes:
            node.tell(usable)

    def join(self, node: MemoryBackplane) -> None:
        self._nodes.append(node)
        node.tell(self._usable)

    def leave(self, node: MemoryBackplane) -> None:
        self._nodes.remove(node)
        node.tell(False)

    def say(self, sender: MemoryBackplane, subject: str, body: bytes) -> int:
        """How many hear it: all who listen now, each in a turn of its own."""
        listening = [each for each in self._nodes if each is not sender and subject in each.subjects]
        for each in listening:
            asyncio.get_running_loop().call_soon(each.deliver, subject, body)
        return len(listening)


class MemoryBackplane:
    """A backplane on a bus of this process."""

    def __init__(self, bus: MemoryBus) -> None:
        self.figures = BusFigures()
        self.subjects: set[str] = set()
        self._bus = bus
        self._heard: Heard | None = None
        """Only while it runs."""
        self._changed: Changed | None = None
        self._is_usable = False

    async def run(self, subjects: Collection[str], heard: Heard, changed: Changed) -> None:
        self.subjects.update(subjects)
        self._heard, self._changed = heard, changed
        self._bus.join(self)
        try:
            await asyncio.Event().wait()
        finally:
            self._bus.leave(self)
            self._heard = None

    def publish(self, subject: str, body: bytes, reached: asyncio.Future[bool] | None = None) -> None:
        check_body(body)
        if self._is_usable:
            count = self._bus.say(self, subject, body)
            if reached is not None:
                reached.set_result(count > 0)
        else:
            self.figures.dropped += 1

    async def open(self, subject: str, question: bytes) -> bool:
        check_body(question)
        self.subjects.add(subject)
        if not self._is_usable:
            raise BusAway("the bus is away")
        return self._bus.say(self, subject, question) > 0

    def close(self, subject: str) -> None:
        self.subjects.discard(subject)

    def tell(self, usable: bool) -> None:
        """The bus is usable now, or is not."""
        if self._changed is not None and usable != self._is_usable:
            self._is_usable = usable
            self._changed(usable)

    def deliver(self, subject: str, body: bytes) -> None:
        if self._is_usable and self._heard is not None and subject in self.subjects:
            self._heard(subject, body)


_BUSES: WeakValueDictionary[str, MemoryBus] = WeakValueDictionary()


def memory_bus(name: str) -> MemoryBus:
    """The bus of this name in this process; gone when nobody holds it any more."""
    bus = _BUSES.get(name)
    if bus is None:
        bus = _BUSES[name] = MemoryBus()
    return bus
