"""What the commands for people share: safe text, JSON lines, the event loop, exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import unicodedata
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from peer.errors import PeerlaneError
from peer.room import RemotePeer

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
SERVER_TIMEOUT = 5.0
"""Who has mistyped an address wants to hear it soon."""
MAX_LINE_BYTES = 262_144
"""Longer lines of stdin are refused: that is a file, not something one says."""

# Joins the parts of one emoji; every other format character can reorder or hide text.
ZERO_WIDTH_JOINER = "\u200d"
UNSAFE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def printable(text: str) -> str:
    """Text from others on one line, with nothing in it that moves a terminal's cursor or reverses letters."""
    return "".join(_printable_character(character) for character in text.replace("\r\n", "\n"))


def _printable_character(character: str) -> str:
    if character == "\n":
        return " ⏎ "
    if character == "\t":
        return " "
    if character != ZERO_WIDTH_JOINER and unicodedata.category(character) in UNSAFE:
        return "\ufffd"
    return character


def shown(peer: RemotePeer) -> str:
    """What to call a peer: its name, or the beginning of its id."""
    return printable(peer.name) or peer.id[:6]


def note(text: str) -> None:
    """Say something beside the data: on stderr, one line."""
    print(text, file=sys.stderr, flush=True)


def say_json(**values: Any) -> None:
    """One JSON object on a line of its own; everything but ASCII is escaped, so terminals are safe too."""
    print(json.dumps(values), flush=True)


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run a command to its exit code; what went wrong is told in one line, not in a traceback.

    Ctrl-C and SIGTERM end it as its own end would: goodbyes are said, files are finished.
    """
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        try:
            return runner.run(_until_terminated(main))
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
        except PeerlaneError as error:
            note(f"peerlane: {error}")
        except BaseExceptionGroup as group:
            known, unknown = group.split(PeerlaneError)
            if known is None or unknown is not None:
                raise
            note(f"peerlane: {_first(known)}")
    return EXIT_ERROR


async def _until_terminated(main: Coroutine[Any, Any, int]) -> int:
    task = asyncio.current_task()
    assert task is not None
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        task.cancel()

    try:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    except (NotImplementedError, ValueError):
        pass  # Windows has no such signal, and only the main thread hears one
    try:
        return await main
    except asyncio.CancelledError:
        if terminated:
            return EXIT_TERMINATED
        raise


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # as on Windows
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def stdin_lines(descriptor: int = 0) -> AsyncIterator[str]:
    """Lines of standard input, whatever it is: terminal, pipe or file. Bounded: who does not read, waits."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue(maxsize=100)

    def put(line: str | None) -> bool:
        try:
            asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
        except (RuntimeError, asyncio.CancelledError):
            return False  # the loop has ended before the input
        return True

    def read() -> None:
        # os.read and not sys.stdin: a daemon thread that holds the lock of sys.stdin aborts the exit.
        waiting, skipping = b"", False
        while piece := _read(descriptor):
            *whole, waiting = (waiting + piece).split(b"\n")
            if skipping and whole:
                skipping, whole = False, whole[1:]
            if skipping:
                waiting = b""
            elif len(waiting) > MAX_LINE_BYTES:
                note(f"peerlane: a line of more than {MAX_LINE_BYTES:,} bytes was not sent")
                waiting, skipping = b"", True
            if not all(put(line.decode(errors="replace").rstrip("\r")) for line in whole):
                return
        if waiting:
            put(waiting.decode(errors="replace"))
        put(None)

    # A daemon: nothing can wake a thread that waits for a keyboard, and the command must end all the same.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:
        return b""  # closed, or a terminal we may not read in the background
