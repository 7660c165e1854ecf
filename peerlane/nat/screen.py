"""Where a report is shown: how wide that is, whether it has colours, and what may be drawn there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

import msgspec

PIPED_WIDTH = 100
NARROWEST, WIDEST = 50, 120


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    width: int = PIPED_WIDTH
    is_coloured: bool = False
    is_unicode: bool = True
    """Whether more than ASCII can be drawn."""


def screen_of(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Screen:
    """Colours only on a terminal, and without NO_COLOR (https://no-color.org)."""
    is_terminal = stream.isatty()
    width = shutil.get_terminal_size((PIPED_WIDTH, 24)).columns if is_terminal else PIPED_WIDTH
    return Screen(
        width=min(max(width, NARROWEST), WIDEST),
        is_coloured=is_terminal
        and not environment.get("NO_COLOR")
        and environment.get("TERM", "dumb") != "dumb",
        is_unicode=(stream.encoding or "ascii").lower().replace("-", "") == "utf8",
    )


def show(text: str) -> None:
    """To stdout, whatever its encoding; a reader that has gone is no error."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Nothing more will be written there; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
