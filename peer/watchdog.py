"""Names what holds up the event loop: a connection whose owner does not come round looks dead to its peer."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from time import monotonic
from types import TracebackType

log = logging.getLogger(__name__)

LIMIT = 0.5
"""A loop that does not come round for so long is blocked."""
PAUSE = LIMIT / 4
"""Between two questions; what blocks for 5/4 of the limit is found for certain."""
MAX_FRAMES = 20
JOIN_TIMEOUT = 1.0
"""The thread ends within microseconds, unless what it writes its log to is slow."""


class Watchdog:
    """``async with Watchdog():`` or :meth:`start` and :meth:`stop`, on the loop's own thread.

    All of one loop share one thread. Each block is logged once, as a warning, with the Python stack that
    it was caught in; when it has ended, how long it took is logged too.
    """

    def __init__(self) -> None:
        self._watch: _Watch | None = None
        self._blocks_before = 0

    @property
    def blocks(self) -> int:
        """How often the loop was blocked since the start."""
        return 0 if self._watch is None else self._watch.blocks - self._blocks_before

    def start(self) -> None:
        if self._watch is None:
            self._watch = _watch_of(asyncio.get_running_loop())
            self._watch.users += 1
            self._blocks_before = self._watch.blocks

    def stop(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.users -= 1
            if watch.users == 0:
                watch.end()

    async def __aenter__(self) -> Watchdog:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Watch:
    """The thread that asks one loop again and again whether it still comes round."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.users = 0
        self.blocks = 0
        self._loop = loop
        self._watched = threading.get_ident()
        self._ended = threading.Event()
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._run, name="peer-watchdog", daemon=True)
        self._thread.start()

    def end(self) -> None:
        _watches.pop(self._loop, None)
        self._ended.set()
        self._answered.set()
        self._thread.join(JOIN_TIMEOUT)

    def _run(self) -> None:
        while True:
            began = monotonic()
            if self._ended.wait(PAUSE) or not self._ask():
                break
            is_answered = self._answered.wait(LIMIT)
            seconds = monotonic() - began
            # Between two calls of run_until_complete nobody waits for the loop.
            if not is_answered and self._loop.is_running():
                self._report(seconds - PAUSE)
                self._wait_answered()
                log.info("= the event loop was blocked for %.1f s", monotonic() - began - PAUSE)
            elif not is_answered:
                self._wait_answered()
            elif seconds > LIMIT + 2 * PAUSE:
                self.blocks += 1
                log.warning("! no thread ran for %.1f s: the machine, or the interpreter's lock", seconds)
        # A loop that was closed before anybody stopped this leaves nothing behind either.
        if _watches.get(self._loop) is self:
            del _watches[self._loop]

    def _ask(self) -> bool:
        self._answered.clear()
        # What end() does in the other order cannot be missed between the two.
        if self._ended.is_set():
            return False
        try:
            self._loop.call_soon_threadsafe(self._answered.set)
        except RuntimeError:
            return False
        return True

    def _wait_answered(self) -> None:
        while not self._answered.wait(LIMIT) and not self._loop.is_closed():
            pass

    def _report(self, seconds: float) -> None:
        self.blocks += 1
        frame = sys._current_frames().get(self._watched)
        stack = "".join(traceback.format_stack(frame, MAX_FRAMES)) if frame is not None else ""
        log.warning("! the event loop has not come round for %.1f s; it is here:\n%s", seconds, stack)


_watches: dict[asyncio.AbstractEventLoop, _Watch] = {}


def _watch_of(loop: asyncio.AbstractEventLoop) -> _Watch:
    if loop not in _watches:
        _watches[loop] = _Watch(loop)
    return _watches[loop]
