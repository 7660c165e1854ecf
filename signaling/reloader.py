"""Makes a running server what its settings say now: no client notices more than what has changed for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from signaling import logs
from signaling.config import Config
from signaling.key_sets import UnusableKeys
from signaling.node import Node
from signaling.reloading import loses_tickets, plan
from signaling.settings import SettingsError

log = logging.getLogger("signaling.reloader")


class Reloader:
    """``reread`` makes the configuration anew, ``key_of`` finds the ticket key that goes with it.

    Whatever is wrong with the new one is told in the log, and the former one holds.
    """

    def __init__(self, node: Node, reread: Callable[[], Config], key_of: Callable[[Config], bytes]) -> None:
        self._node = node
        self._reread = reread
        self._key_of = key_of
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have it done; several in a row are one."""
        self._asked.set()

    async def run(self) -> None:
        """Do it whenever asked, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._reload()
            except SettingsError as error:
                for problem in error.problems:
                    log.error("! %s", problem)
                log.error("! the settings of before hold", extra={"event": "not-reloaded"})
            except (OSError, UnusableKeys) as error:
                log.error("! %s; the settings of before hold", error, extra={"event": "not-reloaded"})
            except Exception:
                # A mistake of ours here is no reason to be deaf to the next signal.
                log.exception("! the settings could not be read again; those of before hold")

    async def _reload(self) -> None:
        node = self._node
        # In a thread: files may be far away.
        wanted = await asyncio.to_thread(self._reread)
        key = await asyncio.to_thread(self._key_of, wanted)
        planned = plan(node.config, wanted)
        authority = await asyncio.to_thread(node.renewed_authority, planned.config)
        if loses_tickets(node.config, wanted):
            log.warning("! server.ticket_key is another one, and the last is not among former_ticket_keys")
        node.use(planned.config, key, authority)
        if any(each.startswith("log.") for each in planned.changed):
            logs.configure(planned.config.log)
        log.info(
            "~ settings read again, changed: %s",
            ", ".join(planned.changed) or "none",
            extra={"event": "reloaded", "changed": planned.changed},
        )
        for key_name in planned.need_restart:
            log.warning("! %s has changed; restart the server for that", key_name)
