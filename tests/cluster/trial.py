"""One scenario, from an empty cluster to exact counts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import msgspec

from tests.cluster.house import BUS_AWAY, House, Kind, running
from tests.cluster.members import ROOM_SIZE, Counts, Crowd, Presence
from tests.cluster.scenarios import Entry

BEFORE = 3.0
"""Seconds of talk before the fault: how it is without one."""
SETTLED_WITHIN = 40.0
ZERO_GIVEN_UP = ("F1", "F2", "F4", "F6", "F7", "F22")
"""With these nobody is away for longer than his neighbours believe in him."""
HALT = 2.0
"""So many seconds late, a timer says that this machine has stood still, with all nodes and clients."""
DEPARTURES = 20
"""One of so many clients leaves for good in the middle of the fault."""


class Trial(msgspec.Struct, frozen=True):
    """What was seen. Times are seconds."""

    id: str
    bus: Kind
    fault: str
    clients: int
    rooms: int
    seconds: float
    """From the first signal to the last."""
    counts: Counts
    noticed: list[float | None]
    """After which time each node that had no bus said so; None: it did not."""
    presence_after: Presence
    """When no ghosts may be left: ten seconds after most faults."""
    right_after: float | None
    """When everybody saw who was there, counted from the end of the fault; None: never."""
    backs: int
    back_p50: float
    back_p99: float
    back_max: float
    fresh: int
    """Sessions that could not be resumed whole."""
    most_backs_a_second: int
    renamed: int
    ended: int
    """Clients that were told not to come back."""
    local_p99_before: float
    local_p99: float
    """During the fault, in rooms whose members were all at one node that was not the victim."""
    figure: str
    faults: list[str]
    """Lines of the logs about mistakes of ours."""
    halts: list[float]
    """Seconds that this machine has stood still, each time, as virtual ones do: that is another fault."""

    @property
    def problems(self) -> list[str]:
        """What was promised and is not so."""
        found = [
            f"{count} {what}"
            for count, what in (
                (self.counts.lost, "lost"),
                (self.counts.doubled, "doubled"),
                (self.counts.reordered, "out of order"),
                (self.counts.astray, "astray"),
                (self.counts.given_up if self.id in ZERO_GIVEN_UP else 0, "given up"),
                (self.presence_after.ghosts, "ghosts"),
                (self.ended, "clients sent away"),
                (self.renamed, "clients renamed"),
                (len(self.faults), "faults in the logs"),
            )
            if count
        ]
        if self.right_after is None:
            found.append("rosters stay wrong")
        if any(after is None or after > 6.0 for after in self.noticed):
            found.append(f"a bus that is away noticed after {self.noticed}")
        if self.id == "F1" and (self.back_p50 > 1.0 or self.back_p99 > 5.0):
            found.append(f"back after {self.back_p50:.1f} s (p50) and {self.back_p99:.1f} s (p99)")
        if found and self.halts:
            found.append(f"this machine stood still for {max(self.halts):.1f} s")
        return found


def homes(house: House, rooms: int) -> list[list[str]]:
    """The first half of the rooms is each at one node, the members of the others are at all of them."""
    urls = house.urls
    found = []
    for room in range(rooms):
        for place in range(ROOM_SIZE):
            first = room if room < rooms // 2 else room + place
            found.append([urls[(first + shift) % len(urls)] for shift in range(len(urls))])
    return found


async def trial(entry: Entry, kind: Kind, rooms: int, rate: float, **settings: str) -> Trial:
    """Play one scenario with so many rooms of four, and so many signals a second.

    ``settings`` are those of the nodes, by the names of their environment.
    """
    halts: list[float] = []
    watching = asyncio.create_task(_note_halts(halts))
    try:
        return await _play(entry, kind, rooms, rate, settings, halts)
    finally:
        watching.cancel()


async def _note_halts(halts: list[float]) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.1)
        late = time.monotonic() - before - 0.1
        if late > HALT:
            halts.append(late)


async def _play(
    entry: Entry, kind: Kind, rooms: int, rate: float, settings: dict[str, str], halts: list[float]
) -> Trial:
    async with running(kind, **settings) as house:
        crowd = Crowd(homes(house, rooms))
        try:
            await crowd.enter()
            await crowd.settled(SETTLED_WITHIN)
            assert crowd.presence().is_right, f"before any fault: {crowd.presence()}"
            return await _watch(entry, house, crowd, rate, halts)
        finally:
            await crowd.leave()


async def _watch(entry: Entry, house: House, crowd: Crowd, rate: float, halts: list[float]) -> Trial:
    began = time.monotonic()
    talking = asyncio.create_task(crowd.talk(rate))
    await asyncio.sleep(BEFORE)
    unix_fault_at, fault_at = time.time(), time.monotonic()
    departing = asyncio.create_task(_depart(crowd, entry.seconds / 2))
    fault = await entry.run(house, entry.seconds)
    over_at = time.monotonic()
    right_after = await _until_right(crowd, over_at, entry.ghosts_within)
    await asyncio.sleep(max(0.0, over_at + entry.watch - time.monotonic()))
    presence_after = crowd.presence()
    if right_after is None or not presence_after.is_right:
        right_after = await _until_right(crowd, over_at, SETTLED_WITHIN)
    talking.cancel()
    await departing
    ended_at = time.monotonic()
    await crowd.settled(SETTLED_WITHIN)
    away = sorted(back.away for back in crowd.backs) or [0.0]
    rates = Counter(int(back.at) for back in crowd.backs)
    victims = [house.nodes.index(node) for node in fault.victims]
    local = {room for room in range(len(crowd.members) // ROOM_SIZE // 2) if room % 3 not in victims}
    return Trial(
        id="F6" if entry.id == "F4" and house.kind == "nats" else entry.id,
        bus=house.kind,
        fault=(entry.run.__doc__ or "").strip(),
        clients=len(crowd.members),
        rooms=len(crowd.members) // ROOM_SIZE,
        seconds=ended_at - began,
        counts=crowd.counts(),
        noticed=[node.said(BUS_AWAY, unix_fault_at) for node in fault.deaf],
        presence_after=presence_after,
        right_after=right_after,
        backs=len(crowd.backs),
        back_p50=away[len(away) // 2],
        back_p99=away[min(len(away) - 1, int(len(away) * 0.99))],
        back_max=away[-1],
        fresh=sum(not back.resumed for back in crowd.backs),
        most_backs_a_second=max(rates.values(), default=0),
        renamed=crowd.renamed,
        ended=sum(bool(member.ended) for member in crowd.members),
        local_p99_before=crowd.delay(0.99, began, fault_at, local),
        local_p99=crowd.delay(0.99, fault_at, over_at, local),
        figure=fault.figure,
        faults=[line for node in house.nodes for line in node.faults],
        halts=halts,
    )


async def _depart(crowd: Crowd, after: float) -> None:
    """While the nodes cannot tell each other, some leave whose neighbours are elsewhere."""
    await asyncio.sleep(after)
    first = len(crowd.members) // 2
    leaving = [member for member in crowd.members[first::DEPARTURES] if member.is_open]
    await asyncio.gather(*(member.depart() for member in leaving))


async def _until_right(crowd: Crowd, since: float, within: float) -> float | None:
    while not crowd.presence().is_right:
        if time.monotonic() > since + within:
            return None
        await asyncio.sleep(0.1)
    return time.monotonic() - since
