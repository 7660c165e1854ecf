"""All load members of one process: they gather, do what the pattern says, and wait for what is on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from peerlane.bench import words
from peerlane.bench.club import Club
from peerlane.bench.member import Member
from peerlane.bench.plan import STORM_AT, VISITOR_STAY, VISITORS_PER_CUT, Share
from peerlane.bench.schedule import EVERYBODY, Pace, route

ENTERING_AT_ONCE = 32
"""Where the server sets the pace: so many attempts are under way in a process."""
ACKNOWLEDGE_EVERY = 0.05
LOOK_EVERY = 1.0
SLEPT = 2.0
"""When a look is so late, this process had no time to read either: what was said may still be waiting."""
CHECK_EVERY = 0.02


class Crowd:
    def __init__(self, share: Share, club: Club) -> None:
        self._share = share
        self._club = club
        self._sources = share.sources()
        self._rooms = [
            [self._member(room, place) for place in range(share.plan.peers)] for room in share.rooms
        ]
        club.tally.members = len(self.members)

    @property
    def members(self) -> list[Member]:
        return [member for room in self._rooms for member in room]

    async def keep(self, report: Callable[[], None]) -> None:
        """Do what members owe to the server, until cancelled; ``report`` once a second."""
        club = self._club
        looked_at = club.now()
        while True:
            await asyncio.sleep(ACKNOWLEDGE_EVERY)
            for member in list(club.owing):
                member.acknowledge()
            since, looked_at = club.now() - looked_at, club.now()
            if since < LOOK_EVERY:
                looked_at -= since
                continue
            if since < LOOK_EVERY + SLEPT:
                for member in self.members:
                    member.look_at_silence()
            report()

    async def gather(self) -> None:
        """Until each is in its room, or has given up."""
        plan = self._share.plan
        if plan.ramp == 0:
            coming = iter(self.members)
            async with asyncio.TaskGroup() as doors:
                for _ in range(ENTERING_AT_ONCE):
                    doors.create_task(self._let_in(coming))
            return
        start = self._club.now()
        rate = self._share.part(plan.ramp)
        members = self.members
        pace = Pace(rate, start, start + len(members) / rate)
        async with asyncio.TaskGroup() as entering:
            while not pace.is_over:
                await self._until(pace.next_at)
                for count in pace.due(self._club.now()):
                    entering.create_task(members[count].enter(pace.time_of(count)))

    async def act(self, start: float) -> None:
        """What the pattern says, for its duration from ``start`` on."""
        plan = self._share.plan
        self._club.began = start
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._talk(start, start + plan.duration))
            if plan.pattern == "churn":
                parts.create_task(self._churn(start, start + plan.duration))
            if plan.pattern == "storm" and plan.cuts:
                parts.create_task(self._storm(start + STORM_AT * plan.duration))
            await self._until(start + plan.duration)

    async def rest(self) -> None:
        """Wait for what is on the way, and for who is; no longer than the plan says."""
        club, tally = self._club, self._club.tally
        until = club.now() + self._share.plan.wait
        able = sum(not member.has_given_up for member in self.members)
        while club.now() < until:
            if club.ledger.arrived >= club.ledger.expected and tally.joined >= able:
                return
            await asyncio.sleep(CHECK_EVERY)

    def leave(self) -> None:
        self._club.is_over = True
        for member in self.members:
            member.leave()

    # Inside

    def _member(self, room: int, place: int) -> Member:
        plan = self._share.plan
        number = room * plan.peers + place
        url = plan.urls[number % len(plan.urls)]
        return Member(self._club, number, self._name(room), url, next(self._sources))

    def _name(self, room: int) -> str:
        return f"{self._share.plan.run}-{room}"

    async def _until(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - self._club.now()))

    async def _let_in(self, coming: Iterator[Member]) -> None:
        for member in coming:
            await member.enter(self._club.now())

    async def _talk(self, start: float, end: float) -> None:
        pace = Pace(self._share.part(self._share.plan.rate), start, end)
        while not pace.is_over:
            await self._until(pace.next_at)
            for count in pace.due(self._club.now()):
                self._say(count, pace.time_of(count))

    def _say(self, count: int, planned: float) -> None:
        """Message number ``count``; it was to be sent at ``planned``, and that is when its time begins."""
        plan, club = self._share.plan, self._club
        club.tally.lateness.add(club.now() - planned)
        room, place, aim = route(plan.pattern, count, len(self._rooms), plan.peers)
        members = self._rooms[room]
        sender = members[place]
        said = (
            self._broadcast(members, planned)
            if aim == EVERYBODY
            else self._signal(sender, members[aim], planned)
        )
        club.tally.sent += said
        club.tally.unsent += not said

    def _signal(self, sender: Member, target: Member, planned: float) -> bool:
        assert sender.number is not None
        assert target.number is not None
        if sender.has_given_up or target.has_given_up or not (sender.id and target.id):
            return False
        ledger = self._club.ledger
        number = ledger.next_signal(sender.number, target.number)
        message = words.Said(sender.number, number, planned)
        if not sender.signal(target, words.payload(message, self._share.plan.payload_bytes)):
            return False
        ledger.signalled(sender.number, target.number)
        return True

    def _broadcast(self, room: list[Member], planned: float) -> bool:
        sender = room[0]
        assert sender.number is not None
        ledger = self._club.ledger
        message = words.Said(sender.number, ledger.next_broadcast(sender.number), planned)
        payload = words.payload(message, self._share.plan.payload_bytes)
        if not sender.is_in or not sender.broadcast(payload):
            return False
        ledger.broadcasted(sender.number, range(sender.number, sender.number + len(room)))
        return True

    async def _churn(self, start: float, end: float) -> None:
        pace = Pace(self._share.part(self._share.plan.churn), start, end)
        async with asyncio.TaskGroup() as visitors:
            while not pace.is_over:
                await self._until(pace.next_at)
                for count in pace.due(self._club.now()):
                    visitors.create_task(self._visit(count, pace.time_of(count)))

    async def _visit(self, count: int, planned: float) -> None:
        """Somebody comes, stays for a while, and goes."""
        plan, tally = self._share.plan, self._club.tally
        room = self._share.rooms[count % len(self._rooms)]
        visitor = Member(
            self._club, None, self._name(room), plan.urls[count % len(plan.urls)], next(self._sources)
        )
        try:
            if not await visitor.enter(planned):
                tally.stayed_out += 1
                return
            tally.came += 1
            await asyncio.sleep(VISITOR_STAY / 2)
            if count % VISITORS_PER_CUT == 0:
                visitor.cut()
            await asyncio.sleep(VISITOR_STAY / 2)
            tally.went += 1
        finally:
            visitor.leave()

    async def _storm(self, moment: float) -> None:
        await self._until(moment)
        for member in self.members:
            member.cut()
