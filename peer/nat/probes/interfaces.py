"""Which addresses this machine has. Asks the operating system; nothing is sent anywhere."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import ifaddr

from peer.engine.ice.policy import Adapter
from peer.nat.endpoints import scope_of
from peer.nat.observations import Family, Interface


def probe_interfaces() -> list[Interface]:
    return interfaces_of(ifaddr.get_adapters())


def interfaces_of(adapters: Iterable[Adapter]) -> list[Interface]:
    """Those that lead somewhere else."""
    found = []
    for adapter in adapters:
        for each in adapter.ips:
            address = (each.ip if isinstance(each.ip, str) else each.ip[0]).partition("%")[0]
            scope = scope_of(address)
            if scope is not None and scope != "loopback":
                family: Family = 6 if ":" in address else 4
                found.append(Interface(name=adapter.nice_name, address=address, family=family, scope=scope))
    return found


def has_ipv6() -> bool:
    """Whether the operating system has it at all."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trying:
            trying.bind(("::1", 0))
    except OSError:
        return False
    return True
