"""What lies between this machine and the internet: NATs in a row, a VPN, several public addresses.

``web/lib/nat/layers.js`` is the twin.
"""

from __future__ import annotations

import re
from typing import Literal

from peer.nat.behaviour import behaviour, families, seen
from peer.nat.endpoints import endpoint_of, family_of, host_of, scope_of
from peer.nat.observations import Family, Hop, Interface, Observations

Layers = Literal["none", "one", "perhaps-two", "two", "carrier", "unknown"]
"""NATs over IPv4. ``carrier``: one of them is the provider's (CGNAT, RFC 6598)."""

# Of WireGuard, OpenVPN, Tailscale, ZeroTier and those who build on them.
_VPN = re.compile(
    r"(?:tun|utun|tap|wg|ipsec|tailscale|zt|nordlynx|proton|mullvad|cscotun|gpd|vpn)", re.I | re.A
)


def layers(observations: Observations) -> Layers:
    mapped = {host_of(view) for _, view in seen(observations, 4)}
    if mapped and behaviour(observations, 4).is_translated is False:
        return "none"
    external = [
        it.external.lower() for it in observations.port_mappers or () if family_of(it.external.lower()) == 4
    ]
    inside = [host for host in external if host not in mapped]
    if _has_carrier(observations, inside):
        return "carrier"
    if inside and (mapped or any(scope_of(host) == "private" for host in inside)):
        return "two"
    if external and not inside:
        return "one"
    return _by_hops(observations.hops or [])


def _has_carrier(observations: Observations, external: list[str]) -> bool:
    own = (it.scope for it in observations.interfaces or () if it.family == 4 and not is_vpn(it))
    hops = (it.scope for it in observations.hops or ())
    return "shared" in (*own, *hops, *map(scope_of, external))


def _by_hops(hops: list[Hop]) -> Layers:
    """Private routers in two networks: a NAT behind a NAT, or a company's or provider's inner network."""
    known = [hop for hop in hops if hop.scope is not None]
    networks = {hop.address.rpartition(".")[0] or hop.address for hop in known if hop.scope == "private"}
    if len(networks) > 1:
        return "perhaps-two"
    return "one" if any(hop.scope == "global" for hop in known) and networks else "unknown"


def public_addresses(observations: Observations, family: Family) -> list[str]:
    """At which servers have seen this machine, in the order in which they were seen."""
    return list(dict.fromkeys(host_of(mapped) for _, mapped in seen(observations, family)))


def is_near(observations: Observations) -> bool:
    """All servers that have told an endpoint are in our own network, and saw nothing of what lies beyond."""
    hosts = [host for family in families(observations) for host in public_addresses(observations, family)]
    return bool(hosts) and all(scope_of(host) not in ("global", None) for host in hosts)


def is_vpn(interface: Interface) -> bool:
    return _VPN.match(interface.name) is not None


def vpns(observations: Observations) -> list[Interface]:
    """Interfaces that look like a VPN's, and that have an address of use."""
    return [
        it
        for it in observations.interfaces or ()
        if is_vpn(it) and it.scope not in ("link-local", "loopback")
    ]


def vpn_in_use(observations: Observations) -> Interface | None:
    """The one through which the servers were asked."""
    local = {host_of(it.local) for it in observations.stun} | {
        host_of(it.local) for it in observations.mapping
    }
    return next((it for it in vpns(observations) if it.address.lower() in local), None)


def is_tampered(observations: Observations) -> bool | None:
    """Somebody on the way rewrites addresses inside of packets (ALG). None: no server can tell."""
    told = [it for it in observations.stun if it.mapped and it.plain_mapped]
    if not told:
        return None
    return any(endpoint_of(it.plain_mapped or "") != endpoint_of(it.mapped) for it in told)
