"""How the server's log reads: five marks for people, or one JSON object a line for programs.

``<`` in, ``>`` out, ``=`` state, ``!`` fault, ``x`` closing: the first character of a message says
which kind it is. Secrets and SDP are never in it, addresses of clients only where ``log.addresses`` says so.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Any

import msgspec
from aiohttp.http_exceptions import HttpProcessingError

from signaling.config import Log
from signaling.limits import TokenBucket
from signaling.log_writer import LogWriter
from signaling.redaction import redact, redact_value

MARKS = {"<": "in", ">": "out", "=": "state", "!": "fault", "x": "closing"}
HTTP_LOGGER = "aiohttp.server"
OURS = ("signaling", "peerlane")
AUDIT = "signaling.audit"

# A scanner sends thousands of bad requests; each would be one line.
BAD_REQUESTS_PER_SECOND = 0.1
BAD_REQUESTS_BURST = 5

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(log: Log, stream: IO[str] | None = None) -> None:
    """Send the log of the whole process to ``stream`` (stderr), as ``log`` asks; call it once."""
    handler = _to_stderr() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter((JsonLines if log.format == "json" else Marked)(log.addresses))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(log.level.upper())
    # Who asks for less to read still wants to know what administrators did.
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    quiet_bad_requests()


def dropped() -> int:
    """Lines that could not be written since the start, because the disk is full or slow."""
    return sum(each.dropped for each in logging.getLogger().handlers if isinstance(each, LogWriter))


def _to_stderr() -> logging.Handler:
    """The writer there is, or a new one; a plain handler where stderr is no file."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogWriter):
            return handler
    try:
        return LogWriter(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return logging.StreamHandler(sys.stderr)


def quiet_bad_requests() -> None:
    """Turn aiohttp's traceback for each unreadable request into one short line, now and then."""
    logger = logging.getLogger(HTTP_LOGGER)
    if not any(isinstance(each, BadRequests) for each in logger.filters):
        logger.addFilter(BadRequests())


class BadRequests(logging.Filter):
    """Lets faults of ours pass as they are; what a client did wrong is told briefly, and not each time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._bucket = TokenBucket(BAD_REQUESTS_PER_SECOND, BAD_REQUESTS_BURST)
        self._untold = 0

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        if not self._bucket.try_take(self._clock()):
            self._untold += 1
            return False
        # Neither aiohttp's message nor the exception: both quote the client.
        untold = f" (and {self._untold} more since the last one told)" if self._untold else ""
        record.msg, record.args = f"! answered an unreadable HTTP request with {error.code}{untold}", ()
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        self._untold = 0
        return True


class Marked(logging.Formatter):
    """``12:34:56.789 = message``: the time of day, the mark, and what happened, on one line."""

    def __init__(self, addresses: bool = False) -> None:
        super().__init__()
        self._addresses = addresses

    def format(self, record: logging.LogRecord) -> str:
        mark, text = split_mark(record)
        shows = self._addresses or _is_ours_alone(record)
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{clock}.{int(record.msecs):03d} {mark} {_one_line(redact(text, shows))}"
        if record.exc_info:
            line += "\n" + redact(self.formatException(record.exc_info), shows)
        return line


class JsonLines(logging.Formatter):
    """One object a line: ``ts`` (RFC 3339), ``level``, ``logger``, ``kind``, ``message``, extra fields."""

    def __init__(self, addresses: bool = False) -> None:
        super().__init__()
        self._addresses = addresses

    def format(self, record: logging.LogRecord) -> str:
        mark, text = split_mark(record)
        shows = self._addresses or _is_ours_alone(record)
        values: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "kind": MARKS[mark],
            "message": redact(text, shows),
        }
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        values |= redact_value(extra, shows)
        if record.exc_info:
            values["exception"] = redact(self.formatException(record.exc_info), shows)
        return _printable(msgspec.json.encode(values, enc_hook=str).decode())


def _is_ours_alone(record: logging.LogRecord) -> bool:
    """Where this server listens is what whoever starts it wants to read."""
    return getattr(record, "event", "") == "listening"


def split_mark(record: logging.LogRecord) -> tuple[str, str]:
    """A record's mark and the rest of its message; libraries' messages have none, and are told by level."""
    text = record.getMessage()
    if text[1:2] == " " and text[0] in MARKS:
        return text[0], text[2:]
    return ("!" if record.levelno >= logging.WARNING else "="), text


def _printable(written: str) -> str:
    """JSON may have line ends of Unicode and controls of terminals in its strings; ours has them escaped."""
    if written.isprintable():
        return written
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in written)


def _one_line(text: str) -> str:
    """Nothing in a message may look like another line, or move the cursor of a terminal."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
