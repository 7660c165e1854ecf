"""What the benchmarks with thousands of members share: nodes, plans, and looking at a node while it works."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager

import msgspec

from benchmarks import processes
from peerlane.bench.plan import Plan, problems
from peerlane.bench.report import live_line
from peerlane.bench.run import Run, running
from peerlane.bench.server import limit_of_open_files, usual_sources

NODE_FILES = 19_700
"""Of 20,000 that a process may open on the machine the figures are from."""


class Node:
    """One ``peerlane serve`` that can be killed, and started again at the same port with the same keys."""

    def __init__(self, port: int, folder: str, settings: dict[str, object]) -> None:
        self.port = port
        self._environment = {f"PEERLANE_{name.upper()}": str(value) for name, value in settings.items()}
        self._environment |= {"PEERLANE_SERVER_STATE_DIR": folder, "PEERLANE_LOG_LEVEL": "error"}
        self._running = self._start()
        self.process = self._running.__enter__()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/ws"

    def kill_and_restart(self) -> None:
        """As kill -9 does it; returns when it listens again."""
        self.process.kill()
        self._running.__exit__(None, None, None)
        self._running = self._start()
        self.process = self._running.__enter__()

    def close(self) -> None:
        self._running.__exit__(None, None, None)

    def _start(self) -> AbstractContextManager[processes.Process]:
        command = [sys.executable, "-m", "peerlane", "serve", "--dev", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--stun-port", "0"]
        return processes.running("ours", command, self.port, self._environment)


@contextmanager
def node(**settings: object) -> Iterator[Node]:
    """With room for as many members as it can have files; everything else is as usual."""
    settings = {"limits_max_sessions": NODE_FILES, "limits_max_rooms_per_app": NODE_FILES, **settings}
    with tempfile.TemporaryDirectory() as folder:
        one = Node(processes.free_port(), folder, settings)
        try:
            yield one
        finally:
            one.close()


def plan_of(urls: list[str], **values: object) -> Plan:
    """A plan that keeps below the limits per address. Raises RuntimeError when this machine cannot do it."""
    plan = msgspec.convert({"urls": urls, "run": f"bench-{secrets.token_hex(4)}", **values}, Plan)
    plan = msgspec.structs.replace(plan, sources=usual_sources(plan))
    if found := problems(plan, limit_of_open_files()):
        raise RuntimeError("; ".join(found))
    return plan


@asynccontextmanager
async def crowd(plan: Plan) -> AsyncIterator[Run]:
    """The processes of a plan; tells now and then how it goes, since all of this takes minutes."""
    told_at = 0.0

    def say(run: Run) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > 10:
            told_at = time.monotonic()
            elapsed = 0.0 if run.began is None else told_at - run.began
            tally = run.tally
            why = f" {tally.close_reasons}" if tally.closed else ""
            print(live_line(plan, run.phase, tally, elapsed) + why, file=sys.stderr, flush=True)

    async with running(plan, say) as run:
        yield run
        tally = run.tally
        for what, counts in (("closed", tally.close_reasons), ("failed", tally.failures)):
            if counts:
                print(f"{what}: {counts}", file=sys.stderr, flush=True)
