"""Notices when the event loop does not turn, and says what holds it up: nobody else would know where."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback

from signaling.metrics import Metrics

log = logging.getLogger("signaling.stalls")

PATIENCE = 0.25
"""Seconds that the loop may be late."""
INTERVAL = 0.1
MAX_FRAMES = 12


class Stalls:
    """A thread that watches one loop, from ``start`` to ``stop``.

    While the whole process is halted (a laptop asleep, a virtual machine moved) the thread is too: that
    is told as what it is, and not counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._turned = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        self._watched = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call it on the thread of the loop."""
        self._loop = loop
        self._watched = threading.get_ident()
        self._turn()
        threading.Thread(target=self._watch, name="stalls", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        assert self._loop is not None
        self._turned = time.monotonic()
        self._timer = self._loop.call_later(INTERVAL, self._turn)

    def _watch(self) -> None:
        told = 0.0
        looked = awake = time.monotonic()
        worked = time.process_time()
        while not self._stopped.wait(INTERVAL):
            now, turned = time.monotonic(), self._turned
            late, before = now - looked - INTERVAL, worked
            looked, worked = now, time.process_time()
            if late > PATIENCE:
                # Nobody could look. Either something in C held the interpreter, or nothing ran at all.
                awake = now
                if worked - before > late / 2:
                    self._tell(late)
                else:
                    log.warning("! the process was halted for %.1f s", late, extra={"event": "halted"})
            elif now - max(turned, awake) - INTERVAL > PATIENCE and turned != told:
                told = turned
                self._tell(now - turned)

    def _tell(self, seconds: float) -> None:
        self._metrics.loop_stalls += 1
        log.warning(
            "! the loop has not turned for %.2f s; it is in %s",
            seconds,
            self._where(),
            extra={"event": "loop-stall"},
        )

    def _where(self) -> str:
        frame = sys._current_frames().get(self._watched)
        found = traceback.extract_stack(frame)[-MAX_FRAMES:] if frame is not None else []
        return " < ".join(f"{each.name} ({each.filename}:{each.lineno})" for each in reversed(found))
