"""What is fed: a function of bytes that raises only when the product is wrong, and what leads into it."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple

MOST_CPU_SECONDS = 1.0
"""Of one input of at most 256 KiB: what takes longer holds up everybody else of that process."""

Plain = Callable[[bytes], bytes]
"""Changes some bytes, whatever they mean."""
Mutate = Callable[[bytes, Random, Plain], bytes]
"""Makes another input out of one that keeps something of its form; see ``mutation.py``."""


def any_bytes(data: bytes, chance: Random, plain: Plain) -> bytes:
    return plain(data)


class Target(NamedTuple):
    """``seeds`` are honest inputs and known traps; ``words`` are what a form is made of."""

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    mutate: Mutate = any_bytes
    at_least: int = 0
    """Inputs, however long it takes."""
    max_bytes: int = 2_048
    stretched_bytes: int = 65_536
    """How long an input is made that is repeated in itself, to see what grows faster than it does."""

    def judge(self, data: bytes) -> None:
        """Raises what is wrong, which may be the time that it takes."""
        started = time.thread_time()
        self.run(data)
        if time.thread_time() - started < MOST_CPU_SECONDS:
            return
        # Once may be somebody else's garbage.
        started = time.thread_time()
        self.run(data)
        spent = time.thread_time() - started
        assert spent < MOST_CPU_SECONDS, f"{len(data):,} bytes took {spent:.1f} s of a processor"
