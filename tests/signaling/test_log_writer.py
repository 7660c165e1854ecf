"""Lines reach their file in order; what cannot be written is counted, and told when it can be again."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterator

import pytest

from signaling.log_writer import MAX_WAITING, LogWriter

Emit = Callable[[str], None]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def say(writer: LogWriter, text: str) -> None:
    writer.emit(logging.LogRecord("signaling.x", logging.INFO, "", 0, text, (), None))


def test_lines_come_in_order(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    for number in range(50):
        say(writer, str(number))
    writer.flush()
    assert os.read(pipe[0], 10_000).decode().split() == [str(number) for number in range(50)]
    assert writer.dropped == 0


def test_a_full_disk_costs_lines_and_then_the_log_says_how_many(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, is_full = os.write, True

    def write_or_fail(file: int, data: bytes) -> int:
        if is_full and file == pipe[1]:
            raise OSError(errno.ENOSPC, "no space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", write_or_fail)
    writer = LogWriter(pipe[1])
    for number in range(3):
        say(writer, f"lost {number}")
    writer.flush()
    assert writer.dropped == 3
    is_full = False
    say(writer, "whole")
    writer.flush()
    told, line = os.read(pipe[0], 10_000).decode().splitlines()
    assert told.startswith("! 3 lines of the log could not be written")
    assert line == "whole"
    assert writer.dropped == 3


def test_a_line_that_was_cut_does_not_run_into_the_next(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, left = os.write, 4

    def write_some(file: int, data: bytes) -> int:
        nonlocal left
        if left == 0:
            left = 1_000
            raise OSError(errno.ENOSPC, "no space left on device")
        count = write(file, data[:left])
        left -= count
        return count

    monkeypatch.setattr(os, "write", write_some)
    writer = LogWriter(pipe[1])
    say(writer, "first line")
    say(writer, "second line")
    writer.flush()
    lines = os.read(pipe[0], 10_000).decode().splitlines()
    assert [lines[0], lines[-1]] == ["firs", "second line"]
    assert writer.dropped == 1


def test_nobody_waits_for_a_disk_that_does_not_write(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    # More than a pipe holds: the thread waits in its write.
    for _ in range(MAX_WAITING + 200):
        say(writer, "x" * 1_000)
    assert writer.dropped > 0
    seen = bytearray()

    def read() -> None:
        while b"last" not in seen:
            seen.extend(os.read(pipe[0], 65_536))

    reader = threading.Thread(target=read)
    reader.start()
    writer.flush()
    say(writer, "last")
    reader.join(10.0)
    assert f"! {writer.dropped} lines" in seen.decode()
