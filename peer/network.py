"""Tells when this machine's addresses change: another network, a cable pulled, a machine that woke up."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from weakref import WeakKeyDictionary

import ifaddr

log = logging.getLogger(__name__)

Addresses = frozenset[str]
Listener = Callable[[Addresses], object]

LOOK_EVERY = 2.0
"""Where the system does not tell. Reading the addresses takes less than a millisecond."""
SETTLE = 0.02
"""Changes come in bursts: the address, its route, its flags. Those within this time are one."""
RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x40, 0x100
"""From linux/rtnetlink.h: what Linux is asked to tell."""
READ_BYTES = 65536


def addresses() -> Addresses:
    """The addresses of all interfaces, loopback included."""
    return frozenset(
        ip.ip if isinstance(ip.ip, str) else ip.ip[0]
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    )


class NetworkWatch:
    """One for each event loop, shared by all who listen; made by :func:`watch`."""

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}
        self._known: Addresses = frozenset()
        self._netlink: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call it with all addresses after each change; returns what ends that. A listener may not wait."""
        key = object()
        if not self._listeners:
            self._start()
        self._listeners[key] = listener

        def stop() -> None:
            if self._listeners.pop(key, None) is not None and not self._listeners:
                self._stop()

        return stop

    def _start(self) -> None:
        self._known = addresses()
        self._netlink = _open_netlink()
        if self._netlink is not None:
            asyncio.get_running_loop().add_reader(self._netlink, self._told)
        else:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._netlink is not None:
            asyncio.get_running_loop().remove_reader(self._netlink)
            self._netlink.close()
            self._netlink = None

    def _told(self) -> None:
        assert self._netlink is not None
        try:
            while self._netlink.recv(READ_BYTES):
                pass
        except OSError:
            pass  # all is read, or so much came that some was dropped: either way we look for ourselves
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE, self._look)

    def _look(self) -> None:
        self._timer = (
            None
            if self._netlink is not None
            else asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)
        )
        known, self._known = self._known, addresses()
        # A route that comes or goes counts too: Linux is the only one that tells.
        if self._netlink is None and known == self._known:
            return
        for listener in list(self._listeners.values()):
            try:
                listener(self._known)
            except Exception:
                log.exception("! whoever was told of a change of the network failed")


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, NetworkWatch] = WeakKeyDictionary()


def watch() -> NetworkWatch:
    """The watch of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _watches.get(loop)
    if found is None:
        found = _watches[loop] = NetworkWatch()
    return found


def _open_netlink() -> socket.socket | None:
    if sys.platform != "linux":
        return None
    try:
        netlink = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        netlink.bind((0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR))
    except OSError:
        # A sandbox may forbid it; then we look from time to time.
        return None
    return netlink
