"""What the processes of a load run tell the one that has started them."""

from __future__ import annotations

from typing import Literal

import msgspec

from peerlane.bench.tally import Tally

Phase = Literal["gathering", "ready", "running", "waiting", "done"]

PHASES: tuple[Phase, ...] = ("gathering", "ready", "running", "waiting", "done")
MAX_LINE_BYTES = 1024 * 1024


class Progress(msgspec.Struct):
    """One line."""

    phase: Phase
    tally: Tally
