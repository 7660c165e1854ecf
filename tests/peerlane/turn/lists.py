"""What coturn makes of the lists of peers in a configuration: its rules, written down once more."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


class Lists:
    """``allowed-peer-ip`` and ``denied-peer-ip`` of one configuration."""

    def __init__(self, conf: str) -> None:
        lines = [line.partition("=") for line in conf.splitlines() if not line.startswith("#")]
        self.allowed = [_range(value) for name, _, value in lines if name == "allowed-peer-ip"]
        self.denied = [_range(value) for name, _, value in lines if name == "denied-peer-ip"]

    def refuses(self, address: Address, *, bytewise: bool) -> bool:
        """``bytewise``: as versions before 4.16 compare IPv6 addresses."""
        within = _within_bytes if bytewise else _within
        if int(address) == 0:
            return True  # by all versions, without a list
        if any(within(address, *each) for each in self.allowed):
            return False
        return any(within(address, *each) for each in self.denied)


def _range(text: str) -> tuple[Address, Address]:
    first, dash, last = text.partition("-")
    return ip_address(first), ip_address(last if dash else first)


def _within(address: Address, first: Address, last: Address) -> bool:
    return address.version == first.version and int(first) <= int(address) <= int(last)


def _within_bytes(address: Address, first: Address, last: Address) -> bool:
    if address.version == 4 or first.version == 4:
        return _within(address, first, last)
    rows = zip(first.packed, address.packed, last.packed, strict=True)
    return all(low <= each <= high for low, each, high in rows)
