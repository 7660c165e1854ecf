"""What a server asks of the process it runs in: a fast loop, enough files, a strict parser."""

from __future__ import annotations

import asyncio
import gc
import sys

from aiohttp import http_parser

# Besides links: listening sockets, the log, the loop's own, pages being read.
OTHER_FILES = 200

# Of new objects, before the garbage collector looks at them. A broadcast to thousands makes a task for each,
# which is gone a moment later: with Python's own 700 many of them grow old on paper, and so make it look
# through all that the process has, again and again.
YOUNG_OBJECTS = 20_000


def new_loop() -> asyncio.AbstractEventLoop:
    """A uvloop where there is one, otherwise the loop of the standard library."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def has_compiled_parser() -> bool:
    """Whether aiohttp reads HTTP with its compiled parser; ``AIOHTTP_NO_EXTENSIONS`` switches it off."""
    return http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy


def calm_collector() -> None:
    """Let the garbage collector look at fewer things, and less often.

    What is here at the start stays; what comes and goes is seldom part of a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def raise_open_files(wanted: int) -> int | None:
    """Let this process open ``wanted`` links, if it may.

    How many it can have, or None where there is no limit.
    """
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return None if soft == resource.RLIM_INFINITY else soft - OTHER_FILES
