"""Which addresses, ports and paths a connection may use. Pure."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

import msgspec

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = (
    "169.254.169.254/32",  # most of them
    "169.254.170.2/32",  # containers of Amazon
    "169.254.170.23/32",
    "fd00:ec2::254/128",
    "fd00:ec2::23/128",
    "169.254.0.23/32",  # Tencent
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure
    "192.0.0.192/32",  # Oracle
    "fd20:ce::254/128",  # Google
    "fe80::a9fe:a9fe/128",  # OpenStack
)
"""Where clouds tell a machine its secrets. No peer has such an address."""
PRIVATE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
"""Addresses that mean another machine in every network (RFC 1918, 6598, 3927, 4193)."""
UNICAST = ipaddress.IPv6Network("2000::/3")
"""All public addresses of IPv6 there are."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
COMPATIBLE = ipaddress.IPv6Network("::/96")


class IcePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """By default all that works, direct paths first. Raises ValueError for what cannot be meant."""

    relay_only: bool = False
    """Only through TURN servers: the other side does not learn this machine's addresses."""
    port_range: tuple[int, int] | None = None
    """The first and the last UDP port of host candidates."""
    interfaces: tuple[str, ...] = ()
    """Names of those that may be used; empty: all."""
    addresses: tuple[str, ...] = ()
    """Networks that this machine's addresses must be in, as ``10.0.0.0/8``; empty: all."""
    public_addresses: dict[str, str] = {}
    """Own address → the public one that a provider maps to it one to one, which is told in its place."""
    ipv6: bool = True
    loopback: bool | None = None
    """None: where this machine has no other address."""
    allow_private: bool = True
    """Whether private addresses of the other side are tried. Say no on a server, where a peer could
    have it send into the provider's own network."""
    deny: tuple[str, ...] = ()
    """Networks that nothing is sent to. The addresses at which clouds tell secrets are always in it,
    unless they are in ``allow``."""
    allow: tuple[str, ...] = ()
    """Networks that are tried, whatever else is said."""
    tls: ssl.SSLContext | None = None
    """What ``turns:`` servers are trusted by; None: the certificates that this machine knows."""
    max_remote_candidates: int = 64
    max_candidates_per_second: float = 100.0

    def __post_init__(self) -> None:
        for network in (*self.addresses, *self.deny, *self.allow):
            ipaddress.ip_network(network, strict=False)
        for local, public in self.public_addresses.items():
            if ipaddress.ip_address(local).version != ipaddress.ip_address(public).version:
                raise ValueError(f"{local} and {public} are addresses of different kinds")
        if self.port_range is not None and not 0 < self.port_range[0] <= self.port_range[1] < 65536:
            raise ValueError(f"{self.port_range} is no range of ports")
        if self.max_remote_candidates < 1 or not self.max_candidates_per_second > 0:
            raise ValueError("without a candidate of the other side there is no connection")

    def public_address(self, local: str) -> str:
        """How others are told to reach this address of ours."""
        same = ipaddress.ip_address(local)
        public = (each for own, each in self.public_addresses.items() if ipaddress.ip_address(own) == same)
        return next(public, local)


class Address(Protocol):
    """As ifaddr has it: text for IPv4, (text, flow, scope) for IPv6."""

    @property
    def ip(self) -> str | tuple[str, int, int]: ...


class Adapter(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def nice_name(self) -> str: ...
    @property
    def ips(self) -> Iterable[Address]: ...


def local_addresses(adapters: Iterable[Adapter], policy: IcePolicy) -> list[str]:
    """This machine's addresses that may be used, each once; link-local ones never are."""
    allowed = _networks(tuple(policy.addresses))
    usual: list[str] = []
    loopback: list[str] = []
    for adapter in adapters:
        if policy.interfaces and not {adapter.name, adapter.nice_name} & set(policy.interfaces):
            continue
        for each in adapter.ips:
            text = each.ip if isinstance(each.ip, str) else each.ip[0]
            address = ipaddress.ip_address(text.partition("%")[0])
            is_usable = not address.is_link_local and (policy.ipv6 or address.version == 4)
            if is_usable and (not allowed or _is_in(address, allowed)):
                (loopback if address.is_loopback else usual).append(str(address))
    has_loopback = policy.loopback if policy.loopback is not None else not usual
    return list(dict.fromkeys([*usual, *(loopback if has_loopback else [])]))


def may_send_to(host: str, policy: IcePolicy) -> bool:
    """Whether an address that the other side has named may be tried. A name may not: resolve it first."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = _unwrapped(address)
    if _is_in(address, _networks(tuple(policy.allow))):
        return True
    if (
        address.is_unspecified
        or address.is_multicast
        or _is_in(address, _networks((*METADATA, *policy.deny)))
    ):
        return False
    if str(address) == "255.255.255.255":
        return False
    if policy.allow_private:
        return True
    return address.is_global and (address.version == 4 or address in UNICAST)


def may_relay_to(relay: str, remote: str) -> bool:
    """Whether a relay at this address can reach that one: a public relay and a private address cannot meet.

    It is also asked for nothing that some servers punish: one without a route to private networks gives up
    the whole allocation when it is to send there.
    """
    return not _is_in(_unwrapped(ipaddress.ip_address(remote)), _networks(PRIVATE)) or _is_in(
        _unwrapped(ipaddress.ip_address(relay)), _networks(PRIVATE)
    )


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for, so that no rule is gone around."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and (address in NAT64 or address in COMPATIBLE) and int(address) > 1:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return inner
    return address


@lru_cache
def _networks(texts: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(text, strict=False) for text in texts]


def _is_in(address: IPAddress, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
