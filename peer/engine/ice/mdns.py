"""The address behind a browser's mDNS name (draft-ietf-mmusic-mdns-ice-candidates): one question to the
local network. Never raises."""

from __future__ import annotations

import asyncio
import logging
from weakref import WeakKeyDictionary

from aioice.mdns import MDnsProtocol, create_mdns_protocol

log = logging.getLogger(__name__)

RESOLVE_TIMEOUT = 2.0


class _Resolver:
    """One socket for each event loop, as long as somebody asks."""

    def __init__(self) -> None:
        self._opening: asyncio.Task[MDnsProtocol] | None = None
        self._users = 0

    async def resolve(self, name: str) -> str | None:
        self._users += 1
        try:
            if self._opening is None:
                self._opening = asyncio.create_task(create_mdns_protocol())
            # Shared: whoever is cancelled must not take it away from the others.
            protocol = await asyncio.shield(self._opening)
            return await asyncio.wait_for(protocol.resolve(name), RESOLVE_TIMEOUT)
        except Exception:
            # No multicast here, or the port is taken for good. Other candidates may do.
            log.debug("a name could not be resolved", exc_info=True)
            return None
        finally:
            self._users -= 1
            if self._users == 0 and self._opening is not None:
                opening, self._opening = self._opening, None
                await asyncio.shield(asyncio.create_task(_close(opening)))


async def _close(opening: asyncio.Task[MDnsProtocol]) -> None:
    await asyncio.wait([opening])
    if opening.exception() is None:
        await opening.result().close()


_resolvers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Resolver] = WeakKeyDictionary()


async def resolve(name: str) -> str | None:
    """The IPv4 address of a ``.local`` name; None when nobody answers, or nobody can be asked."""
    resolver = _resolvers.setdefault(asyncio.get_running_loop(), _Resolver())
    return await resolver.resolve(name)
