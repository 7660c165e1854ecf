from __future__ import annotations

import asyncio
import time

import pytest

from peer.testing.time import ManualClock, run


def test_a_manual_clock_goes_forward_only() -> None:
    clock = ManualClock(5.0)
    assert clock.advance(1.5) == clock.now == 6.5
    with pytest.raises(ValueError, match="back"):
        clock.advance(-0.1)


def test_hours_of_waiting_take_no_time_and_end_in_order() -> None:
    async def main() -> list[str]:
        woken: list[str] = []

        async def sleep(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append(f"{name} {asyncio.get_running_loop().time():.0f}")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sleep("ben", 7200))
            tasks.create_task(sleep("ada", 3600))
        return woken

    started = time.monotonic()
    assert run(main()) == ["ada 3600", "ben 7200"]
    assert time.monotonic() - started < 5


def test_a_timeout_is_one_in_virtual_time() -> None:
    async def main() -> None:
        async with asyncio.timeout(1000):
            await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        run(main())


def test_a_deadlock_is_named() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="deadlock"):
        run(main())
