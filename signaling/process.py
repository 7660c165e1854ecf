"""What a server asks of the process it runs in: a fast loop, enough files, a strict parser."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import http_parser

# Besides links: listening sockets, the log, the loop's own, pages being read.
OTHER_FILES = 200


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
