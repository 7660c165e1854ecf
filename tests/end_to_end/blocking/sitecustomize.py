"""On ``PYTHONPATH`` of a server: SIGUSR1 holds up its loop for half a second, as a mistake of ours would."""

from __future__ import annotations

import signal
import time
from types import FrameType


def hold_up_the_loop(number: int, frame: FrameType | None) -> None:
    time.sleep(0.5)


signal.signal(signal.SIGUSR1, hold_up_the_loop)
