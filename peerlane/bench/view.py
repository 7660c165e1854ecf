"""What is shown while a run goes on, on standard error: one line that changes, or plain lines."""

from __future__ import annotations

import time
from typing import TextIO

from peerlane.nat.screen import screen_of

ERASE = "\r\x1b[K"
PLAIN_EVERY = 2.0
"""Seconds between two lines where they stay."""


class View:
    """A terminal has one line, which is gone at the end; anything else a line now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_live = stream.isatty()
        self._width = screen_of(stream).width
        self._shown_at = 0.0
        self._phase = ""

    def show(self, phase: str, line: str) -> None:
        if self._is_live:
            self._write(ERASE + line[: self._width - 1])
            return
        now = time.monotonic()
        if phase != self._phase or now - self._shown_at >= PLAIN_EVERY:
            self._phase, self._shown_at = phase, now
            self._write(line + "\n")

    def clear(self) -> None:
        if self._is_live:
            self._write(ERASE)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
