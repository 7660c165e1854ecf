"""A TURN server next to a signaling server: begun with it, ended with it, and begun again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

import msgspec

from peer.backoff import delay
from peerlane.turn.coturn import TurnError, installed, running, version
from peerlane.turn.here import here
from peerlane.turn.local import kept_secret, local_settings, local_urls
from peerlane.turn.settings import Settings
from signaling.state_dir import StateDir

PORT = 3480
"""Past those of the embedded STUN responder."""
STEADY = 60.0
"""One that has run this long and then dies is begun again as soon as the first time."""

log = logging.getLogger("peerlane.turn")


class Relay(msgspec.Struct, frozen=True):
    """What clients are told of the TURN server."""

    urls: list[str]
    secrets: list[str]
    port: int


class Beside:
    """A TURN server for the clients of a server at ``host``.

    ``start`` it, and ``stop`` it when it has started.
    """

    def __init__(self, host: str, state: StateDir) -> None:
        self._host = host
        self._state = state
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> Relay:
        """Returns when it gives relays; from now on it is kept running. Raises TurnError and OSError."""
        program = installed()
        if program is None:
            raise TurnError("coturn is not installed")
        settings = local_settings(here(self._host), PORT, kept_secret(self._state), await version(program))
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeping = asyncio.create_task(_keep(program, settings, started))
        try:
            await started
        except BaseException:
            await self.stop()
            raise
        return Relay(local_urls(settings), settings.secrets, settings.port)

    async def stop(self) -> None:
        """End it."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping


async def _keep(program: str, settings: Settings, started: asyncio.Future[None]) -> None:
    """Run it for ever; how the first start went is told to ``started``."""
    loop = asyncio.get_running_loop()
    attempt = 0
    while True:
        begun = loop.time()
        try:
            async with running(program, settings) as coturn:
                if started.done():
                    log.info("= the TURN server runs again", extra={"event": "turn-restarted"})
                else:
                    started.set_result(None)
                why = await coturn.ended()
        except (TurnError, OSError) as error:
            if not started.done():
                started.set_exception(error)
                return
            why = str(error)
        attempt = 0 if loop.time() - begun > STEADY else attempt + 1
        pause = delay(attempt, random.random())
        # The rest of what it said has addresses in it.
        log.warning(
            "! %s; trying again in %.1f s", why.partition(";")[0], pause, extra={"event": "turn-ended"}
        )
        log.debug("! %s", why)
        await asyncio.sleep(pause)
