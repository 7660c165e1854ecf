"""Writes the log beside the loop: a disk that is full or slow costs lines of the log, and nobody's time."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque

MAX_WAITING = 1_000
"""Lines; what comes when so many wait is dropped and counted."""
LAST_WORDS = 1.0
"""Seconds at the end of the process for what still waits."""


class LogWriter(logging.Handler):
    """Lines to an open file, by a thread of its own.

    ``dropped`` counts those that could not be written. When it works again, the log says how many.
    """

    def __init__(self, file: int) -> None:
        super().__init__()
        self.dropped = 0
        self._file = file
        self._waiting: deque[bytes] = deque()
        self._news = threading.Condition()
        self._is_writing = False
        self._is_cut = False
        """The last line is not whole."""
        self._told = 0
        self._thread: threading.Thread | None = None
        atexit.register(self.flush)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
        except Exception:  # noqa: BLE001  # as every handler: a record that cannot be written ends nothing
            self.handleError(record)
            return
        with self._news:
            if self._thread is None:
                # Not before the first line: a thread does not survive a fork.
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            if len(self._waiting) >= MAX_WAITING:
                self.dropped += 1
                return
            self._waiting.append(line.encode("utf-8", "backslashreplace"))
            self._news.notify_all()

    def flush(self) -> None:
        """Wait until everything is written, for a second at the most."""
        with self._news:
            self._news.wait_for(lambda: not self._waiting and not self._is_writing, LAST_WORDS)

    def _run(self) -> None:
        while True:
            with self._news:
                self._is_writing = False
                self._news.notify_all()
                self._news.wait_for(lambda: self._waiting)
                line = self._waiting.popleft()
                self._is_writing = True
            self._write(line)

    def _write(self, line: bytes) -> None:
        before = self.dropped
        if before > self._told and self._put(self._apology(before - self._told)):
            self._told = before
        if not self._put(line):
            self.dropped += 1

    def _put(self, line: bytes) -> bool:
        """Whether it was written whole."""
        rest = b"\n" + line if self._is_cut else line
        try:
            while rest:
                written = os.write(self._file, rest)
                self._is_cut = written < len(rest)
                rest = rest[written:]
        except OSError:
            return False
        return True

    def _apology(self, count: int) -> bytes:
        text = "! %d lines of the log could not be written: the disk was full, or slow"
        record = logging.LogRecord("signaling.logs", logging.WARNING, "", 0, text, (count,), None)
        record.event, record.dropped = "log-dropped", count
        return (self.format(record) + "\n").encode()
