from __future__ import annotations

import asyncio
import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import Refused
from peerlane.console import EXIT_ERROR, EXIT_INTERRUPTED, MAX_LINE_BYTES, printable, run, stdin_lines


@given(st.text())
def test_printable_text_is_one_line_without_control_characters(text: str) -> None:
    shown = printable(text)
    assert "\n" not in shown
    assert all(unicodedata.category(character) != "Cc" for character in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hello", "hello"),
        ("one\r\ntwo", "one ⏎ two"),
        ("\x1b[2Jgone", "\ufffd[2Jgone"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("tab\there", "tab here"),
        ("👩\u200d👧", "👩\u200d👧"),
    ],
)
def test_what_moves_a_cursor_or_hides_letters_is_taken_out(text: str, shown: str) -> None:
    assert printable(text) == shown


async def lines_of(data: bytes) -> list[str]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        waiting = asyncio.create_task(_collect(reading))
        await asyncio.to_thread(pipe.write, data)
        await asyncio.to_thread(pipe.flush)
    lines = await waiting
    os.close(reading)
    return lines


async def _collect(descriptor: int) -> list[str]:
    return [line async for line in stdin_lines(descriptor)]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\r\n\nthe rest", ["one", "", "the rest"]),
        (b"\xff\n", ["\ufffd"]),
    ],
)
async def test_lines_come_as_they_were_typed(data: bytes, lines: list[str]) -> None:
    assert await lines_of(data) == lines


async def test_more_lines_than_the_queue_holds_wait_and_none_is_lost() -> None:
    assert await lines_of(b"".join(b"%d\n" % n for n in range(1000))) == [str(n) for n in range(1000)]


async def test_a_line_without_end_is_refused_in_words(capfd: pytest.CaptureFixture[str]) -> None:
    lines = await lines_of(b"x" * (MAX_LINE_BYTES * 2) + b"\nafter\n")
    assert lines == ["after"]
    assert "was not sent" in capfd.readouterr().err


def test_an_error_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    async def refuse() -> int:
        raise ExceptionGroup("tasks", [Refused("room-full", "the room is full")])

    assert run(refuse()) == EXIT_ERROR
    assert capsys.readouterr().err.count("\n") == 1


def test_an_interrupt_is_exit_code_130() -> None:
    async def interrupted() -> int:
        raise KeyboardInterrupt

    assert run(interrupted()) == EXIT_INTERRUPTED
