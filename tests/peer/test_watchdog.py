from __future__ import annotations

import asyncio
import ctypes
import logging
import threading
import time

import pytest

from peer.watchdog import LIMIT, Watchdog

LOGGER = "peer.watchdog"
BLOCK = 0.7


def hold_everything_up(seconds: float = BLOCK) -> None:
    time.sleep(seconds)


def hold_every_thread_up(seconds: float) -> None:
    """As an extension does that keeps the interpreter's lock."""
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))


def watchdog_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "peer-watchdog"]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == LOGGER and record.levelno == logging.WARNING
    ]


async def test_what_blocks_the_loop_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    async with Watchdog() as watchdog:
        hold_everything_up()
        assert watchdog.blocks == 1
    (said,) = warnings(caplog)
    assert "in hold_everything_up" in said
    assert "in test_what_blocks_the_loop_is_named_once" in said


async def test_a_block_that_stops_the_watchdog_too_is_told_afterwards() -> None:
    loop = asyncio.get_running_loop()
    said: asyncio.Queue[str] = asyncio.Queue()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            loop.call_soon_threadsafe(said.put_nowait, record.getMessage())

    listener = Listener(logging.WARNING)
    logging.getLogger(LOGGER).addHandler(listener)
    try:
        async with asyncio.timeout(5), Watchdog() as watchdog:
            hold_every_thread_up(0.95)
            assert "for 0.9 s" in (first := await said.get()) or "for 1." in first
            assert watchdog.blocks == 1
    finally:
        logging.getLogger(LOGGER).removeHandler(listener)


async def test_a_loop_that_comes_round_is_not_talked_about(caplog: pytest.LogCaptureFixture) -> None:
    async with Watchdog() as watchdog:
        until = time.monotonic() + 1.5 * LIMIT
        while time.monotonic() < until:
            hold_everything_up(LIMIT / 50)
            await asyncio.sleep(0)
        assert watchdog.blocks == 0
    assert warnings(caplog) == []


async def test_ten_owners_have_one_thread_which_ends_with_the_last_of_them() -> None:
    watchdogs = [Watchdog() for _ in range(10)]
    for watchdog in watchdogs:
        watchdog.start()
        watchdog.start()
    assert len(watchdog_threads()) == 1
    for watchdog in watchdogs[1:]:
        watchdog.stop()
        watchdog.stop()
    assert len(watchdog_threads()) == 1
    watchdogs[0].stop()
    assert watchdog_threads() == []


async def test_many_starts_and_stops_leave_no_thread_and_take_no_time() -> None:
    began = time.monotonic()
    for _ in range(200):
        async with Watchdog():
            await asyncio.sleep(0)
    assert time.monotonic() - began < LIMIT
    assert watchdog_threads() == []


async def test_it_may_be_started_again() -> None:
    watchdog = Watchdog()
    for _ in range(2):
        async with watchdog:
            assert len(watchdog_threads()) == 1
    assert watchdog_threads() == []


def test_each_loop_has_its_own_and_a_loop_that_is_gone_leaves_none() -> None:
    async def forget() -> None:
        Watchdog().start()

    for _ in range(2):
        asyncio.run(forget())
    for thread in watchdog_threads():
        thread.join(LIMIT * 2)
    assert watchdog_threads() == []


def test_a_loop_that_nobody_runs_is_not_blocked(caplog: pytest.LogCaptureFixture) -> None:
    async def begin(watchdog: Watchdog) -> None:
        watchdog.start()

    async def end(watchdog: Watchdog) -> None:
        watchdog.stop()

    watchdog = Watchdog()
    with asyncio.Runner() as runner:
        runner.run(begin(watchdog))
        hold_everything_up()
        runner.run(end(watchdog))
    assert warnings(caplog) == []
    assert watchdog_threads() == []
