"""Targets with faults in them, to see that the machinery finds what is there."""

from __future__ import annotations

import time

from tests.fuzz.target import Target


def faulty(data: bytes) -> None:
    if data[:1] == b"{" and b"}" in data:
        raise ZeroDivisionError("a planted fault")


def slow(data: bytes) -> None:
    end = time.thread_time() + (1.2 if len(data) > 20_000 else 0.0)
    while time.thread_time() < end:
        pass


def sound(data: bytes) -> None:
    pass


TARGETS = [
    Target("planted_fault", faulty, (b"{a", b"b"), (b"}",)),
    Target("planted_slowness", slow, (b"a line\nanother\nand one more\n",)),
    Target("planted_nothing", sound, (b"a",), at_least=3_000),
]
