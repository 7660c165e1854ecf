"""Who is really asking, when a proxy stands in front: told by headers that only trusted proxies may set.

``X-Forwarded-For`` and ``X-Forwarded-Host`` are read and nothing else: a proxy that sets one kind of header
and passes on another, as its client wrote it, would let the client choose its own address. ``Forwarded``
(RFC 7239) is therefore left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

MAX_HOPS = 16
"""Longer rows are not of this world, and each would be parsed."""
MAX_HEADER_CHARACTERS = 1_024

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class TrustedProxies:
    """The networks of ``server.trusted_proxies``. Raises ValueError for one that is none."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: list[Network] = [ip_network(network) for network in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Whether this is a proxy whose headers are believed."""
        parsed = parse_address(address)
        return parsed is not None and self._holds(parsed)

    def client(self, remote: str, forwarded_for: Sequence[str]) -> str:
        """The address of whoever asks: of the nearest hop that is no proxy of ours.

        ``remote`` is the other end of the connection, ``forwarded_for`` all headers of that name in order.
        Each proxy adds the address that it sees at the end, so the row is read from there, and what is before
        a hop that is not trusted is anybody's invention.
        """
        if not self._networks or not self.trusts(remote):
            return remote
        row = ",".join(forwarded_for)
        if len(row) > MAX_HEADER_CHARACTERS:
            # What our proxies have added is at the end, whatever a client has put before it.
            row = row[-MAX_HEADER_CHARACTERS:].partition(",")[2]
        nearest = remote
        for text in reversed(row.split(",")[-MAX_HOPS:]):
            parsed = parse_address(text.strip())
            if parsed is None:
                return nearest
            nearest = str(parsed)
            if not self._holds(parsed):
                return nearest
        return nearest

    def host(self, remote: str, host: str, forwarded_host: str | None) -> str:
        """What the client calls this server: the ``Host`` header, or what a trusted proxy says it was."""
        return forwarded_host if forwarded_host and self._networks and self.trusts(remote) else host

    def _holds(self, address: Address) -> bool:
        return any(address in network for network in self._networks if network.version == address.version)


def parse_address(text: str) -> Address | None:
    """An address as headers write it, with a port or without; None when it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
