"""What the process offers a server."""

from __future__ import annotations

import asyncio
import gc
import resource

from signaling.process import (
    YOUNG_OBJECTS,
    calm_collector,
    has_compiled_parser,
    new_loop,
    raise_open_files,
)


def test_the_compiled_parser_is_installed() -> None:
    assert has_compiled_parser()


def test_a_new_loop_runs() -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(asyncio.sleep(0, "ran")) == "ran"


def test_the_limit_of_open_files_is_raised_and_never_lowered() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert raise_open_files(10) == before[0] - 200
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        assert raise_open_files(1_000) == 1_000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_what_is_here_at_the_start_is_not_looked_at_again() -> None:
    before = gc.get_threshold()
    try:
        calm_collector()
        assert gc.get_freeze_count() > 1_000
        assert gc.get_threshold()[0] == YOUNG_OBJECTS
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_tasks_of_a_broadcast_to_thousands_are_gone_before_anybody_looks_at_all_there_is() -> None:
    before = gc.get_threshold()
    looks: list[int] = []

    def look(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            looks.append(info["generation"])

    async def broadcasts() -> None:
        for _ in range(10):
            await asyncio.gather(*(asyncio.create_task(asyncio.sleep(0)) for _ in range(5_000)))

    gc.callbacks.append(look)
    try:
        calm_collector()
        looks.clear()
        asyncio.run(broadcasts())
        assert looks.count(2) <= 1
    finally:
        gc.callbacks.remove(look)
        gc.unfreeze()
        gc.set_threshold(*before)
