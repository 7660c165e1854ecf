"""The log reads in one way, keeps to one line, and tells nothing about persons."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from signaling.config import Log
from signaling.logs import BadRequests, configure


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in ("signaling", "peerlane")]
    handlers, level, levels = root.handlers[:], root.level, [each.level for each in ours]
    yield
    root.handlers[:], root.level = handlers, level
    for logger, before in zip(ours, levels, strict=True):
        logger.setLevel(before)


def written(
    log: Log, *arguments: object, level: int = logging.INFO, name: str = "signaling.x", **more: object
) -> str:
    stream = io.StringIO()
    configure(log, stream)
    logging.getLogger(name).log(level, *arguments, **more)  # type: ignore[arg-type]  # as log takes them
    return stream.getvalue()


def test_a_line_for_people_has_the_time_the_mark_and_the_message() -> None:
    clock, mark, text = written(Log(), "= room %s opened", "default/a").split(" ", 2)
    assert len(clock) == len("12:34:56.789")
    assert (mark, text) == ("=", "room default/a opened\n")


def test_a_record_for_programs_is_one_object_with_its_fields() -> None:
    line = written(Log(format="json"), "= listening", extra={"event": "listening", "port": 8080})
    record = json.loads(line)
    assert line.count("\n") == 1
    assert record["message"] == "listening"
    assert record["kind"] == "state"
    assert (record["event"], record["port"]) == ("listening", 8080)
    assert record["level"] == "info"
    assert record["ts"].endswith("+00:00")


def test_a_message_without_a_mark_gets_one_by_its_level() -> None:
    assert " ! disk full" in written(Log(), "disk full", level=logging.ERROR)
    assert " = all is well" in written(Log(), "all is well")


@pytest.mark.parametrize(
    "text",
    [
        "a\nb",
        "a\r\n12:00:00.000 = forged",
        "\x1b[2Jgone",
        "a\u2028b",
        "\u202etfel",
        "\x9b2J\x85",
        "\U000e0001",
    ],
)
def test_no_text_from_outside_makes_a_second_line_or_moves_the_cursor(text: str) -> None:
    line = written(Log(), "< %s", text)
    assert line.count("\n") == 1
    assert line[:-1].isprintable()
    line = written(Log(format="json"), "< %s", text, extra={"room": text})
    assert line.count("\n") == 1
    assert line[:-1].isprintable()
    assert json.loads(line)["room"] == text


def test_an_exception_is_told_with_its_traceback() -> None:
    error = RuntimeError("broken")
    assert "RuntimeError: broken" in written(Log(), "! a link failed", exc_info=error, level=logging.ERROR)
    record = json.loads(written(Log(format="json"), "! a link failed", exc_info=error, level=logging.ERROR))
    assert "RuntimeError: broken" in record["exception"]


def test_what_is_below_the_level_is_not_told() -> None:
    assert written(Log(level="warning"), "= opened") == ""
    assert written(Log(), "< hello", level=logging.DEBUG) == ""
    assert written(Log(level="debug"), "< hello", level=logging.DEBUG)


def test_libraries_are_heard_only_when_something_is_wrong() -> None:
    assert written(Log(level="debug"), "chatter", name="aiohttp.access") == ""
    assert written(Log(), "trouble", name="asyncio", level=logging.WARNING)


def bad_request(error: Exception) -> logging.LogRecord:
    arguments = ("Error handling request from %s", ("203.0.113.9",), (type(error), error, None))
    return logging.LogRecord("aiohttp.server", logging.ERROR, "", 0, *arguments)


def test_an_unreadable_request_is_one_short_line_without_its_sender() -> None:
    record = bad_request(BadHttpMessage("GET /secret"))
    assert BadRequests(lambda: 0.0).filter(record)
    assert record.getMessage() == "! answered an unreadable HTTP request with 400"
    assert record.exc_info is None
    assert record.levelno == logging.WARNING


def test_a_flood_of_unreadable_requests_is_told_by_number() -> None:
    now = 0.0
    bad_requests = BadRequests(lambda: now)
    told = [bad_requests.filter(bad_request(LineTooLong(b"x" * 9_000, 8_190))) for _ in range(1_000)]
    assert sum(told) == 5
    now = 60.0
    record = bad_request(BadHttpMessage("again"))
    assert bad_requests.filter(record)
    assert "995 more" in record.getMessage()


def test_a_fault_of_ours_is_told_in_full() -> None:
    record = bad_request(ZeroDivisionError("ours"))
    assert BadRequests(lambda: 0.0).filter(record)
    assert record.exc_info is not None


def test_what_administrators_did_is_told_at_every_level() -> None:
    assert "kick" in written(Log(level="error"), "= kick by 0a1b2c3d: 204", name="signaling.audit")


@pytest.mark.parametrize("format", ["text", "json"])
def test_what_is_secret_is_in_no_line_no_field_and_no_exception(format: str) -> None:
    try:
        raise ValueError("token=Very-Secret from 192.0.2.7")
    except ValueError as error:
        exception = error
    said = written(
        Log(format=format),  # type: ignore[arg-type] # one of the two
        "! Bearer Very-Secret of %s",
        "192.0.2.7",
        exc_info=exception,
        extra={"told": {"password": "Very-Secret", "address": "192.0.2.7"}},
    )
    assert "[token]" in said
    assert "Very-Secret" not in said
    assert "192.0.2.7" not in said


def test_addresses_are_written_where_that_is_asked_for_and_where_the_server_listens() -> None:
    assert "192.0.2.7" in written(Log(addresses=True), "= a link from %s", "192.0.2.7")
    listening = {"event": "listening", "network": ["http://192.0.2.7:8080/"]}
    assert "192.0.2.7" in written(Log(format="json"), "= listening", extra=listening)
