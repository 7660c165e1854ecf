"""Which of this machine's addresses a relay is best on."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import NamedTuple

from signaling import addresses, listening

# Documentation's own: a route leads there as to everywhere else, and nothing is sent.
_ELSEWHERE = {4: (socket.AF_INET, "198.51.100.1"), 6: (socket.AF_INET6, "2001:db8::1")}
LOOPBACK = "127.0.0.1"


class Here(NamedTuple):
    """Where a TURN server of this machine listens, and where its relays are."""

    listening: list[str]
    relaying: list[str]


def here(host: str = "::") -> Here:
    """For the clients of a server at ``host``; the one with the widest reach of each family.

    Relays are not on loopback, even if only programs of this machine may ask for one: from there they would
    reach everything that trusts in being on loopback. It stays when there is no other address.
    Raises OSError when the host is a name that nobody knows.
    """
    own = primary(addresses.lan_addresses())
    if addresses.is_loopback(host):
        return Here([LOOPBACK], own[:1] or [LOOPBACK])
    if host in ("0.0.0.0", "::"):
        chosen = [address for address in own if host == "::" or ":" not in address] or [LOOPBACK]
        return Here(chosen, chosen)
    found = listening.bind_hosts(host)[:1]
    return Here(found, found)


def primary(candidates: Sequence[str]) -> list[str]:
    """Of IPv4 and IPv6 the address that leads out of here, otherwise the first; IPv4 first."""
    chosen = []
    for version, (family, elsewhere) in _ELSEWHERE.items():
        ours = [address for address in candidates if (":" in address) == (version == 6)]
        outward = _source(family, elsewhere)
        if outward in ours:
            chosen.append(outward)
        else:
            chosen += ours[:1]
    return chosen


def _source(family: socket.AddressFamily, elsewhere: str) -> str:
    """The address that packets to there come from; empty when there is no way."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((elsewhere, 9))
            return str(asking.getsockname()[0])
    except OSError:
        return ""
