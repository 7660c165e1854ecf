"""Tokens that end: a fresh one is fetched when the server asks for it, and before a link that needs it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger("peer")

TokenSource = Callable[[], Awaitable[str]]
"""Gives a token that is good now; called again whenever one is about to end."""
SOON = 60.0
RETRY_AFTER = 5.0


class Renewal:
    """``present`` is given each fresh token. ``stop`` it in any case."""

    def __init__(self, source: str | TokenSource, present: Callable[[str], None]) -> None:
        self._source = source
        self._present = present
        self._task: asyncio.Task[None] | None = None

    def renew(self) -> None:
        """Fetch a fresh one and present it, unless there is no source, or one is being fetched."""
        if not isinstance(self._source, str) and self._task is None:
            self._task = asyncio.create_task(self._renew(self._source))

    def link_lost(self, expires: float | None) -> None:
        """A link will be opened anew: with a token that ended meanwhile nobody would let it in."""
        if expires is not None and time.time() > expires - SOON:
            self.renew()

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _renew(self, source: TokenSource) -> None:
        try:
            while True:
                try:
                    token = await source()
                    break
                except Exception as error:  # noqa: BLE001 # the application's, which may raise anything
                    # The session has some time left, so that is not the end.
                    log.warning("! no fresh token could be fetched (%s); trying again", type(error).__name__)
                    await asyncio.sleep(RETRY_AFTER)
            self._present(token)
        finally:
            self._task = None
