"""Starts the processes that serve together, starts those again that end, and ends all of them.

It serves nobody itself: every link is between a client and one worker, whichever the system gave it to, and
what goes from one worker to another goes over the bus, as between any nodes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Collection

from msgspec.structs import replace

from peerlane.workers.orders import ANSWERS, Order, line
from signaling.app import Listening, ServerError, Sharing, ticket_key_of
from signaling.config import Config
from signaling.settings import SettingsError

log = logging.getLogger("peerlane.workers")

START_TIMEOUT = 30.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Before a worker that has ended is started again; doubled each time that it did not live for as long."""


class Supervisor:
    """``run`` it; ``reload`` has the settings read again."""

    def __init__(self, config: Config, movable: Collection[str], reread: Callable[[], Config]) -> None:
        self._config = config
        self._movable = list(movable)
        self._reread = reread
        self._processes: dict[int, Process] = {}
        self._where: Listening | None = None
        self._is_leaving = False

    async def run(self, announce: Callable[[Listening], None], asked_to_stop: asyncio.Event) -> None:
        """Until asked to stop, and all have left. Raises ServerError when they cannot begin."""
        try:
            # The first one finds the ports, the others are told which.
            self._where = await self._start(0)
            others = range(1, self._config.server.workers)
            await asyncio.gather(*(self._start(number) for number in others))
            announce(self._where)
            async with asyncio.TaskGroup() as tasks:
                keepers = [tasks.create_task(self._keep(number)) for number in list(self._processes)]
                await asked_to_stop.wait()
                await self._end_all()
                for keeper in keepers:
                    keeper.cancel()
        finally:
            await self._end_all()

    def reload(self) -> None:
        """Read the settings again, and have all workers use them."""
        try:
            self._config = self._reread()
        except SettingsError as error:
            for problem in error.problems:
                log.error("! %s", problem)
            log.error("! the settings of before hold", extra={"event": "not-reloaded"})
            return
        except OSError as error:
            log.error("! %s; the settings of before hold", error, extra={"event": "not-reloaded"})
            return
        for process in self._processes.values():
            _say(process, line(self._config))

    def kill(self) -> None:
        """At once, whatever is under way."""
        for process in self._processes.values():
            if process.returncode is None:
                process.kill()

    async def _start(self, number: int) -> Listening:
        known = self._where
        sharing = Sharing(
            finds_ports=known is None,
            answers_stun=number == 0,
            stun_port=None if known is None else known.stun_port,
            own_port=self._config.server.worker_port + number if self._config.server.worker_port else None,
        )
        config = self._config if known is None else _with_ports(self._config, known)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "peerlane.workers.worker", stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        self._processes[number] = process
        assert process.stdout is not None
        _say(process, line(Order(config, sharing, self._movable if known is None else [])))
        try:
            async with asyncio.timeout(START_TIMEOUT):
                answer = await process.stdout.readline()
        except TimeoutError:
            process.kill()
            raise ServerError(f"worker {number} does not listen after {START_TIMEOUT:g} s") from None
        if not answer:
            await process.wait()
            raise ServerError(f"worker {number} has ended before it listened, as it says above")
        log.info("= worker %d listens", number, extra={"event": "worker", "pid": process.pid})
        return ANSWERS.decode(answer)

    async def _keep(self, number: int) -> None:
        """Start it again whenever it ends."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            began = loop.time()
            code = await self._processes[number].wait()
            if self._is_leaving:
                return
            pause = FIRST_PAUSE if loop.time() - began > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
            log.error("! worker %d has ended with %d; again in %g s", number, code, pause)
            await asyncio.sleep(pause)
            try:
                await self._start(number)
            except ServerError as error:
                log.error("! %s", error)

    async def _end_all(self) -> None:
        """They have ``server.grace`` to say goodbye, and some time for the goodbye itself."""
        self._is_leaving = True
        living = [process for process in self._processes.values() if process.returncode is None]
        for process in living:
            process.send_signal(signal.SIGTERM)
        waiting = [asyncio.ensure_future(process.wait()) for process in living]
        if waiting:
            await asyncio.wait(waiting, timeout=self._config.server.grace + 1.0)
        self.kill()
        await asyncio.gather(*waiting)


def _with_ports(config: Config, where: Listening) -> Config:
    """At the same ports as the first."""
    https_port = config.server.https_port if where.https_port is None else where.https_port
    return replace(config, server=replace(config.server, port=where.port, https_port=https_port))


def _say(process: Process, text: bytes) -> None:
    assert process.stdin is not None
    if process.returncode is None:
        process.stdin.write(text)


async def supervise(
    config: Config,
    movable: Collection[str],
    announce: Callable[[Listening], None],
    reread: Callable[[], Config],
) -> None:
    """Run ``server.workers`` processes until SIGTERM or SIGINT; SIGHUP has the settings read again.

    A second signal ends all at once. Raises ServerError when they cannot begin.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ServerError("several processes cannot share a port on this system; set server.workers = 1")
    # Made by the first who asks: several at a time would make several.
    ticket_key_of(config, os.environ)
    asked_to_stop = asyncio.Event()
    supervisor = Supervisor(config, movable, reread)

    def leave() -> None:
        if asked_to_stop.is_set():
            supervisor.kill()
        asked_to_stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    loop.add_signal_handler(signal.SIGHUP, supervisor.reload)
    await supervisor.run(announce, asked_to_stop)
    log.info("x stopped", extra={"event": "stopped"})
