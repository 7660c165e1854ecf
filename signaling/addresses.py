"""Which addresses this machine has. Asks the operating system; nothing is sent anywhere."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import ifaddr


def lan_addresses() -> list[str]:
    """Addresses other machines may reach this one at, IPv4 first; no loopback, no link-local ones."""
    found = {
        str(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    }
    usable = [
        address
        for address in map(ip_address, found)
        if not (
            address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
        )
    ]
    return [str(address) for address in sorted(usable, key=lambda each: (each.version, int(each)))]


def certificate_names(addresses: list[str]) -> list[str]:
    """Everything a browser may call this machine: localhost, its own name, and these addresses."""
    hostname = socket.gethostname()
    names = ["localhost", "127.0.0.1", "::1", *addresses]
    if hostname.isascii() and hostname not in names:
        # Machines on one network find each other as NAME.local (RFC 6762).
        names += [hostname] if "." in hostname else [hostname, f"{hostname}.local"]
    return names


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def url_host(host: str) -> str:
    """A host as it stands in a URL: IPv6 addresses in brackets (RFC 3986 §3.2.2)."""
    return f"[{host}]" if ":" in host else host
