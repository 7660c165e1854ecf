"""One line on standard error that says what is being done; only for people who look at a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

from peerlane.console import printable
from peerlane.nat.screen import screen_of

BAR = 24
ERASE = "\r\x1b[K"


class Progress:
    """Shows itself when called, and is gone at the end of the block."""

    def __init__(self, stream: TextIO | None = None, *, has_bar: bool = False) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._is_shown = self._stream.isatty()
        self._has_bar = has_bar
        self._screen = screen_of(self._stream)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            self._write(ERASE)

    def __call__(self, doing: str, fraction: float) -> None:
        """``fraction`` of the whole that is done, 0 to 1."""
        if not self._is_shown:
            return
        share = min(max(fraction, 0.0), 1.0)
        line = f"{share:4.0%}  {printable(doing)}"
        if self._has_bar:
            full, empty = ("█", "░") if self._screen.is_unicode else ("#", ".")
            done = round(share * BAR)
            line = f"{full * done}{empty * (BAR - done)} {line}"
        self._write(ERASE + line[: self._screen.width - 1])

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
