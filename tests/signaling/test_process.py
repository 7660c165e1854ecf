"""What the process offers a server."""

from __future__ import annotations

import asyncio
import resource

from signaling.process import has_compiled_parser, new_loop, raise_open_files


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
