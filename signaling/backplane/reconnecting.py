"""A bus that is connected to again and again, and listened to through itself."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Coroutine
from secrets import token_bytes

from signaling.backplane.base import BusAway, BusFigures, Changed, Heard, check_body
from signaling.backplane.frames import SENDER_BYTES, Frames
from signaling.backplane.line import Line, LineLost, Outgoing, Saying, heed_cancelling

log = logging.getLogger("signaling.backplane")

BEAT = 1.0
"""A message goes through the bus and back this often: nothing else tells a frozen server from a quiet one."""
MISSED_BEATS = 3
DIAL_TIMEOUT = 3.0
OPEN_TIMEOUT = 1.0
LAST_WORDS_TIMEOUT = 1.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Between attempts, before chance is added so that not all nodes come at once."""
LISTEN_AT_ONCE = 1000
"""Subscriptions that are made at once before others of this process have a turn."""


class ReconnectingBackplane(ABC):
    """All of a backplane except the connection, which :meth:`_new_line` makes."""

    def __init__(self) -> None:
        self.figures = BusFigures()
        self._frames = Frames(token_bytes(SENDER_BYTES))
        self._subjects: dict[str, None] = {}
        self._outgoing = Outgoing()
        self._line: Line | None = None
        """From when it is dialled to its end."""
        self._is_usable = False
        self._told = False
        self._heard: Heard = _nobody
        self._changed: Changed = _nobody
        self._trouble = asyncio.Event()
        self._unanswered = 0
        self._times_usable = 0
        self._has_complained = False

    @abstractmethod
    def _new_line(self) -> Line:
        """A connection that has yet to be dialled; it hands what arrives to :meth:`_hear`."""

    async def run(self, subjects: Collection[str], heard: Heard, changed: Changed) -> None:
        self._subjects.update(dict.fromkeys(subjects))
        self._heard, self._changed = heard, changed
        pause = FIRST_PAUSE
        while True:
            known = self._times_usable
            error = await self._outcome(self._live(self._new_line()))
            if error is not None:
                self._complain(error)
            if self._times_usable > known:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE)

    def publish(self, subject: str, body: bytes, reached: asyncio.Future[bool] | None = None) -> None:
        check_body(body)
        if self._is_usable:
            self._say(Saying(subject, self._frames.write(body), reached))
        else:
            self.figures.dropped += 1

    async def open(self, subject: str, question: bytes) -> bool:
        check_body(question)
        self._subjects[subject] = None
        placed = self._line.listen([subject]) if self._line is not None else None
        if not self._is_usable or placed is None:
            raise BusAway("the bus is away")
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                await placed
                if not self._is_usable:
                    raise BusAway("the bus has just gone")
                self._say(Saying(subject, self._frames.write(question), answer, is_for_us_too=True))
                return await answer
        except TimeoutError:
            raise BusAway("the bus does not answer") from None

    def close(self, subject: str) -> None:
        self._subjects.pop(subject, None)
        if self._line is not None:
            self._line.ignore(subject)

    def listens_to(self, subject: str) -> bool:
        return subject in self._subjects

    async def _live(self, line: Line) -> None:
        """Use one connection until it is over; raises what has ended it."""
        self._frames.begin_life()
        self._trouble.clear()
        self._unanswered = 0
        try:
            await self._dial(line)
            self._line = line
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(line.serve())
                tasks.create_task(self._write(line))
                tasks.create_task(self._end_on_trouble())
                tasks.create_task(self._start(line))
        finally:
            self._give_up()
            await line.cut()

    async def _outcome(self, life: Coroutine[None, None, None]) -> BaseException | None:
        """What has ended it, whatever that is: a fault of a library ends a connection, not the node."""
        # A task of its own: a task group does not tell that it was cancelled if other errors come meanwhile.
        task = asyncio.create_task(life)
        try:
            await asyncio.wait([task])
        finally:
            if not task.done():
                await self._say_the_rest()
                task.cancel()
                await asyncio.wait([task])
        return None if task.cancelled() else task.exception()

    async def _say_the_rest(self) -> None:
        """Wait until all that was said before we stop has reached the bus, if it is there."""
        if self._line is None or not self._is_usable:
            return
        through = asyncio.Event()
        # What comes back was behind everything else.
        self._say(self._line.beat(through.set))
        try:
            async with asyncio.timeout(LAST_WORDS_TIMEOUT):
                await through.wait()
        except TimeoutError:
            pass  # it is dropped, as while the bus is away

    async def _dial(self, line: Line) -> None:
        try:
            async with asyncio.timeout(DIAL_TIMEOUT):
                await line.dial()
        except TimeoutError:
            raise LineLost("the server does not answer") from None

    async def _start(self, line: Line) -> None:
        """Listen to what was listened to before, then send beats."""
        subjects = list(self._subjects)
        for first in range(0, len(subjects), LISTEN_AT_ONCE):
            # Some may have been closed while others were placed.
            some = [each for each in subjects[first : first + LISTEN_AT_ONCE] if each in self._subjects]
            if some:
                async with asyncio.timeout(DIAL_TIMEOUT):
                    await line.listen(some)
        while True:
            if self._unanswered:
                self.figures.missed += 1
            if self._unanswered >= MISSED_BEATS:
                raise LineLost(f"{MISSED_BEATS} beats have not come back")
            self._unanswered += 1
            self._beat(line)
            await asyncio.sleep(BEAT)

    def _beat(self, line: Line) -> None:
        sent = time.perf_counter()

        def back() -> None:
            if self._line is not line or self._trouble.is_set():
                return
            self._unanswered = 0
            self.figures.rtt_seconds = time.perf_counter() - sent
            self.figures.on_rtt(self.figures.rtt_seconds)
            if not self._is_usable:
                self._be_usable()

        self._say(line.beat(back))

    async def _write(self, line: Line) -> None:
        while True:
            await line.write(await self._outgoing.take())
            heed_cancelling()

    async def _end_on_trouble(self) -> None:
        await self._trouble.wait()
        raise LineLost("more is waiting than the bus takes")

    def _say(self, saying: Saying) -> None:
        if not self._outgoing.put(saying):
            self.figures.dropped += 1 + self._outgoing.clear()
            # The line ends, and is said to have ended, from outside of this call.
            self._is_usable = False
            self._trouble.set()

    def _hear(self, subject: str, frame: bytes) -> None:
        """Something has arrived, perhaps from ourselves."""
        if self._frames.is_own(frame) or subject not in self._subjects:
            return
        body = self._frames.read(frame)
        if body is None:
            self.figures.late += 1
            return
        try:
            self._heard(subject, body)
        except Exception:
            log.exception("! a message of the bus could not be handled")

    def _be_usable(self) -> None:
        self._is_usable = True
        self._times_usable += 1
        if self._times_usable > 1:
            self.figures.reconnects += 1
        if self._has_complained:
            self._has_complained = False
            log.warning("= the bus is usable again")
        self._tell(True)

    def _give_up(self) -> None:
        self._line = None
        self._is_usable = False
        self.figures.dropped += self._outgoing.clear()
        self._tell(False)

    def _tell(self, usable: bool) -> None:
        if usable == self._told:
            return
        self._told = usable
        try:
            self._changed(usable)
        except Exception:
            log.exception("! that the bus has changed could not be handled")

    def _complain(self, error: BaseException) -> None:
        """Once for each time that the bus goes away; what it says holds no password."""
        if self._has_complained:
            return
        self._has_complained = True
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        log.warning("! the bus is away: %s: %s", type(error).__name__, error)


def _nobody(*_: object) -> None:
    pass
