"""Addresses that are nobody's peer, why a relay must refuse them, and the lines of coturn that do.

After the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890), with the addresses at
which clouds keep the keys of a machine, and every way to write an IPv4 address in IPv6.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal

import msgspec

Severity = Literal["critical", "high", "medium", "low"]

BAD_IPV4 = ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0")
"""One of each kind, to be spelled in IPv6."""


class Group(msgspec.Struct, frozen=True):
    """What is found, or passed, as one."""

    code: str
    name: str
    severity: Severity
    why: str


class Block(msgspec.Struct, frozen=True):
    """One range, and the addresses in it that are asked for."""

    group: str
    first: str
    last: str
    addresses: tuple[str, ...]
    lines: tuple[str, ...]


GROUPS = (
    Group(
        "loopback", "loopback addresses", "critical",
        "Whoever has credentials reaches the programs on the server that trust everybody on it: databases, "
        "the console of coturn, local web servers.",
    ),
    Group(
        "this-network", "0.0.0.0 and ::", "critical",
        "On Linux they are other names of the machine itself, and get around a list that denies only "
        "loopback (CVE-2020-26262).",
    ),
    Group(
        "metadata", "metadata services of clouds", "critical",
        "They hand the keys of the machine to whoever asks from it.",
    ),
    Group(
        "private", "private networks", "critical",
        "Whoever has credentials gets through the firewall to the machines behind it.",
    ),
    Group(
        "shared", "shared addresses (100.64.0.0/10)", "high",
        "They belong to a provider's, a cloud's or a VPN's inner network.",
    ),
    Group(
        "link-local", "link-local addresses", "critical",
        "They reach the server's neighbours on its own wire, also by IPv6 addresses that nobody has "
        "configured.",
    ),
    Group(
        "unique-local", "private networks of IPv6", "critical",
        "Whoever has credentials gets through the firewall to the machines behind it.",
    ),
    Group(
        "ipv4-mapped", "IPv4 addresses written as ::ffff:a.b.c.d", "critical",
        "The system takes them for the IPv4 addresses that they spell, so they get around everything that "
        "is denied in IPv4 (CVE-2026-27624).",
    ),
    Group(
        "ipv4-compatible", "IPv4 addresses written as ::a.b.c.d", "high",
        "An old way to spell IPv4 addresses, which gets around what is denied in IPv4.",
    ),
    Group(
        "ipv4-translated", "IPv4 addresses written as ::ffff:0:a.b.c.d", "high",
        "A translator on the way makes IPv4 addresses of them, denied ones too (RFC 7915).",
    ),
    Group(
        "nat64", "IPv4 addresses written as 64:ff9b::a.b.c.d", "high",
        "Where the network has NAT64 they lead to the IPv4 addresses that they spell, denied ones too.",
    ),
    Group(
        "6to4", "IPv4 addresses written as 2002:…", "high",
        "6to4: packets for them are wrapped, and sent to the IPv4 address that they spell.",
    ),
    Group(
        "teredo", "IPv4 addresses written as 2001:0:…", "high",
        "Teredo: packets for them are wrapped, and sent to the IPv4 address that they spell.",
    ),
    Group(
        "isatap", "IPv4 addresses written as …:5efe:a.b.c.d", "high",
        "ISATAP: packets for them are wrapped, and sent to the IPv4 address that they spell.",
    ),
    Group(
        "site-local", "site-local addresses of IPv6", "high",
        "What private networks had before fc00::/7; some have it still.",
    ),
    Group(
        "multicast", "multicast and broadcast", "medium",
        "One datagram is answered by many, on the server's own network.",
    ),
    Group(
        "special", "addresses for documentation, benchmarks and protocols", "low",
        "No peer has them; networks use them inside because they believe that nobody else can reach them.",
    ),
)  # fmt: skip


def targets() -> dict[str, Block]:
    """Every address that is asked for, with the block that it stands for: the first that names it."""
    found: dict[str, Block] = {}
    for block in BLOCKS:
        for address in block.addresses:
            found.setdefault(address, block)
    return found


def _block(group: str, network: str, *addresses: str, lines: tuple[str, ...] = ()) -> Block:
    """``addresses`` beside the second and the last but one, which a rule must both reach."""
    found: IPv4Network | IPv6Network = ip_network(network)
    ends = (str(found[1]), str(found[-2])) if found.num_addresses > 2 else (str(found[0]),)
    first, last = str(found[0]), str(found[-1])
    line = f"denied-peer-ip={first}-{last}" if first != last else f"denied-peer-ip={first}"
    return Block(group, first, last, tuple(dict.fromkeys((*addresses, *ends))), lines or (line,))


def _within(prefix: str, of: tuple[str, ...] = BAD_IPV4) -> tuple[str, ...]:
    """IPv4 addresses behind a prefix of 96 bits."""
    return tuple(f"{prefix}{address}" for address in of)


def _by_6to4(address: str) -> str:
    number = int(IPv4Address(address))
    return str(ip_address(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1"))


def _by_teredo(address: str) -> str:
    """As server and, with every bit turned, as client (RFC 4380 section 4)."""
    number = int(IPv4Address(address))
    turned = number ^ 0xFFFFFFFF
    return f"2001:0:{number >> 16:x}:{number & 0xFFFF:x}:0:ffff:{turned >> 16:x}:{turned & 0xFFFF:x}"


BLOCKS = (
    _block("loopback", "127.0.0.0/8", "127.0.0.53"),
    _block("loopback", "::1/128", lines=("denied-peer-ip=::1-::ffff:ffff",)),
    _block("this-network", "0.0.0.0/8", "0.0.0.0"),
    _block(
        "this-network",
        "::/128",
        lines=("# Needs coturn 4.5.2 or later; denied-peer-ip=:: would refuse every peer.",),
    ),
    _block(
        "metadata",
        "169.254.169.254/32",
        "169.254.170.2",
        lines=("denied-peer-ip=169.254.0.0-169.254.255.255",),
    ),
    _block("metadata", "100.100.100.200/32", lines=("denied-peer-ip=100.64.0.0-100.127.255.255",)),
    _block("metadata", "192.0.0.192/32", lines=("denied-peer-ip=192.0.0.0-192.0.0.255",)),
    _block("metadata", "168.63.129.16/32", lines=("denied-peer-ip=168.63.129.16",)),
    _block(
        "metadata",
        "fd00:ec2::254/128",
        "fd20:ce::254",
        lines=("denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",),
    ),
    _block("private", "10.0.0.0/8"),
    _block("private", "172.16.0.0/12"),
    _block("private", "192.168.0.0/16"),
    _block("shared", "100.64.0.0/10"),
    _block("link-local", "169.254.0.0/16"),
    _block("link-local", "fe80::/10", "fe80::a9fe:a9fe"),
    _block("unique-local", "fc00::/8"),
    _block("unique-local", "fd00::/8", "fd00:1:2:3::1"),
    _block("ipv4-mapped", "::ffff:0:0/96", *_within("::ffff:")),
    # In coturn up to 4.15 each byte is compared by itself: one line alone leaves out those that end with 0.
    _block(
        "ipv4-compatible",
        "::/96",
        *_within("::", BAD_IPV4[:-1]),
        "::10.1.2.0",
        "::10.1.0.0",
        "::10.0.0.0",
        lines=(
            "denied-peer-ip=::1-::ffff:ffff",
            "denied-peer-ip=::100-::ffff:ffff",
            "denied-peer-ip=::1:0-::ffff:ffff",
            "denied-peer-ip=::100:0-::ffff:ffff",
        ),
    ),
    _block("ipv4-translated", "::ffff:0:0:0/96", *_within("::ffff:0:")),
    _block("nat64", "64:ff9b::/96", *_within("64:ff9b::")),
    _block("nat64", "64:ff9b:1::/48", *_within("64:ff9b:1::", BAD_IPV4[:2])),
    _block("6to4", "2002::/16", "2002:7f00:1::", *map(_by_6to4, BAD_IPV4)),
    _block("teredo", "2001::/32", *map(_by_teredo, BAD_IPV4)),
    _block(
        "isatap",
        "fe80::5efe:0:0/96",
        *_within("fe80::5efe:"),
        *_within("fe80::200:5efe:", BAD_IPV4[:2]),
        lines=("denied-peer-ip=fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",),
    ),
    _block("site-local", "fec0::/10"),
    _block(
        "multicast",
        "224.0.0.0/4",
        "239.255.255.250",
        "224.0.0.251",
        lines=("no-multicast-peers", "denied-peer-ip=224.0.0.0-239.255.255.255"),
    ),
    _block("multicast", "255.255.255.255/32", lines=("denied-peer-ip=240.0.0.0-255.255.255.255",)),
    _block(
        "multicast",
        "ff00::/8",
        "ff02::1",
        "ff05::2",
        "ff0e::1",
        lines=("no-multicast-peers", "denied-peer-ip=ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ),
    _block("special", "192.0.0.0/24"),
    _block("special", "192.0.2.0/24"),
    _block("special", "198.51.100.0/24"),
    _block("special", "203.0.113.0/24"),
    _block("special", "198.18.0.0/15"),
    _block("special", "192.31.196.0/24"),
    _block("special", "192.52.193.0/24"),
    _block("special", "192.88.99.0/24"),
    _block("special", "192.175.48.0/24"),
    _block("special", "240.0.0.0/4"),
    _block("special", "100::/64"),
    _block("special", "2001:2::/48"),
    _block("special", "2001:10::/28"),
    _block("special", "2001:20::/28"),
    _block("special", "2001:db8::/32"),
    _block("special", "3fff::/20"),
    _block("special", "5f00::/16"),
    _block("special", "2620:4f:8000::/48"),
)
