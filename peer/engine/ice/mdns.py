"""The address behind a browser's mDNS name (``….local``): a question to the local network. Never raises.

See draft-ietf-mmusic-mdns-ice-candidates.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any
from weakref import WeakKeyDictionary

from aioice.mdns import MDNS_PORT, MDnsProtocol, is_mdns_hostname

log = logging.getLogger(__name__)

ASK_AGAIN_AFTER = (0.3, 0.7, 1.0)
"""Seconds for an answer to each question: over Wi-Fi, what goes to many is lost more than other things."""


async def resolve(name: str) -> str | None:
    """The IPv4 address of a ``.local`` name; None when nobody answers, or nobody can be asked."""
    if not is_mdns_hostname(name):
        return None
    resolver = _resolvers.setdefault(asyncio.get_running_loop(), _Resolver())
    return await resolver.resolve(name)


class _Questions(MDnsProtocol):
    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        try:
            super().datagram_received(data, addr)
        except Exception:
            # The whole local network talks here, and the parser raises many things.
            log.debug("a datagram could not be read", exc_info=True)


class _Resolver:
    """One socket for each event loop, as long as somebody asks."""

    def __init__(self) -> None:
        self._opening: asyncio.Task[_Questions | None] | None = None
        self._users = 0

    async def resolve(self, name: str) -> str | None:
        self._users += 1
        try:
            if self._opening is None:
                self._opening = asyncio.create_task(_open())
            # Shared: whoever is cancelled must not take it away from the others.
            protocol = await asyncio.shield(self._opening)
            return None if protocol is None else await _ask(protocol, name)
        finally:
            self._users -= 1
            if self._users == 0 and self._opening is not None:
                opening, self._opening = self._opening, None
                await asyncio.shield(asyncio.create_task(_close(opening)))


_resolvers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Resolver] = WeakKeyDictionary()


async def _open() -> _Questions | None:
    try:
        bound = _bind()
    except OSError:
        log.debug("nobody can be asked for names here", exc_info=True)
        return None
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(_Questions, sock=bound)
    return protocol


def _bind() -> socket.socket:
    """Raises OSError when another program keeps the port for itself."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("", MDNS_PORT))
    except OSError:
        bound.close()
        raise
    return bound


async def _ask(protocol: _Questions, name: str) -> str | None:
    for patience in ASK_AGAIN_AFTER:
        try:
            address = await protocol.resolve(name, patience)
        except Exception:
            # No multicast here, or a socket that has gone.
            log.debug("a name could not be asked for", exc_info=True)
            return None
        if address is not None:
            return address
    return None


async def _close(opening: asyncio.Task[_Questions | None]) -> None:
    await asyncio.wait([opening])
    protocol = None if opening.cancelled() else opening.result()
    if protocol is not None:
        await protocol.close()
