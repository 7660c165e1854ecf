"""The kinds of networks in the lab: what their routers do, and what must be found out about them. Pure.

A router has two interfaces, ``lan`` and ``wan``. nftables knows masquerading only, which filters by port;
what lets more in is made of a map that outgoing packets fill. One host per binding is assumed there.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from peer.nat.report import Filtering, Mapping

Nat = Literal["full-cone", "address", "port", "random", "naive", "symmetric", "address-mapping"]

OUT = 'iifname "lan"'
IN = 'iifname "wan"'
TO_BINDING = "dnat ip to udp dport map @bindings"
# Where the port is a function of the source only, or of the destination's address too.
HASH = "mod 20000 seed 7 offset 20000"


class Router(msgspec.Struct, frozen=True, kw_only=True):
    """One NAT, and a firewall. ``forbids``: packets of these nft matches do not leave."""

    nat: Nat = "port"
    forbids: tuple[str, ...] = ()
    hairpins: bool = False
    drops_fragments: bool = False
    lies: bool = False
    """It rewrites MAPPED-ADDRESS in answers of STUN servers, as an ALG does."""
    lifetime: int = 300
    """Seconds that a silent mapping lives."""


def ruleset(router: Router, wan: str) -> str:
    """All that nftables needs to know, for a router with this outer IPv4 address."""
    has_map = router.nat in ("full-cone", "address") or router.hairpins
    lines = ["table inet router {"]
    if has_map:
        lines += [
            "map bindings { type inet_service : ipv4_addr . inet_service; flags dynamic, timeout;",
            f"  timeout {router.lifetime}s; size 4096; }}",
            "set contacts { type inet_service . ipv4_addr; flags dynamic, timeout;",
            f"  timeout {router.lifetime}s; size 4096; }}",
        ]
    lines += chain("dstnat", "nat hook prerouting priority dstnat", inwards(router, wan))
    lines += chain("srcnat", "nat hook postrouting priority srcnat", outwards(router, wan))
    lines += chain("local", "filter hook input priority filter", for_itself(router))
    lines += chain("through", "filter hook forward priority filter; policy drop", through(router, has_map))
    if router.drops_fragments:
        # Before the kernel puts them together, at -400.
        fragments = ["ip frag-off & 0x3fff != 0 drop"]
        lines += chain("fragments", "filter hook prerouting priority -450", fragments)
    return "\n".join([*lines, "}", ""])


def chain(name: str, kind: str, rules: list[str]) -> list[str]:
    return [f"chain {name} {{ type {kind};", *(f"  {rule}" for rule in rules), "}"]


def inwards(router: Router, wan: str) -> list[str]:
    rules = []
    if router.nat == "full-cone":
        rules.append(f"{IN} meta l4proto udp {TO_BINDING}")
    if router.nat == "address":
        rules.append(f"{IN} meta l4proto udp udp dport . ip saddr @contacts {TO_BINDING}")
    if router.hairpins:
        rules.append(f"{OUT} ip daddr {wan} meta l4proto udp {TO_BINDING}")
    return rules


def outwards(router: Router, wan: str) -> list[str]:
    out = 'oifname "wan" meta nfproto ipv4'
    rules = []
    if router.hairpins:
        rules.append(f'{OUT} oifname "lan" ct status dnat snat ip to {wan}')
    if router.nat == "random":
        rules.append(f"{out} meta l4proto udp snat ip to {wan} : jhash ip saddr . udp sport {HASH}")
    if router.nat == "address-mapping":
        key = "ip saddr . udp sport . ip daddr"
        rules.append(f"{out} meta l4proto udp snat ip to {wan} : jhash {key} {HASH}")
    rules.append(f"{out} masquerade{' fully-random' if router.nat == 'symmetric' else ''}")
    return rules


def for_itself(router: Router) -> list[str]:
    """A packet that is let in here and belongs to nobody leaves a mark: that is what "naive" is."""
    if router.nat == "naive":
        return []
    return ["ct state established,related accept", f"{IN} meta l4proto {{ tcp, udp }} drop"]


def through(router: Router, has_map: bool) -> list[str]:
    rules = [f"{OUT} {match} drop" for match in router.forbids]
    if has_map:
        # NAT chains see only the first packet of a flow, so it is here that bindings are kept alive.
        rules += [
            f"{OUT} meta l4proto udp update @bindings {{ udp sport : ip saddr . udp sport }}",
            f"{OUT} meta l4proto udp update @contacts {{ udp sport . ip daddr }}",
        ]
    if router.lies:
        rules.append(f"{IN} udp sport {{ 3478, 3479 }} @th,384,32 set 0x0a010002")
    return [*rules, "ct state established,related accept", f"{OUT} accept", "ct status dnat accept"]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Routers from the client outwards, and what ``peerlane nat check`` must say of them over IPv4."""

    name: str
    routers: tuple[Router, ...] = ()
    mapping: Mapping = "endpoint-independent"
    filtering: Filtering = "address-and-port-dependent"
    is_stable: bool | None = True
    """Whether a mapping stays when somebody knocks first; None: cannot be asked there."""
    ipv4: bool = True
    ipv6: bool = False
    mtu: int = 1500


NO_UDP = "meta l4proto udp"
SYMMETRIC: Mapping = "address-and-port-dependent"

NETWORKS: tuple[Network, ...] = (
    Network(name="open", filtering="endpoint-independent"),
    Network(name="full-cone", routers=(Router(nat="full-cone"),), filtering="endpoint-independent"),
    Network(name="address-restricted", routers=(Router(nat="address"),), filtering="address-dependent"),
    Network(name="port-restricted", routers=(Router(),)),
    Network(name="random-ports", routers=(Router(nat="random"),)),
    Network(name="naive", routers=(Router(nat="naive"),), is_stable=False),
    Network(name="symmetric", routers=(Router(nat="symmetric"),), mapping=SYMMETRIC, is_stable=None),
    Network(name="cgnat", routers=(Router(), Router())),
    Network(
        name="symmetric-cgnat",
        routers=(Router(), Router(nat="symmetric")),
        mapping=SYMMETRIC,
        is_stable=None,
    ),
    Network(name="only-udp-3478", routers=(Router(forbids=("udp dport != { 53, 3478 }",)),), is_stable=None),
    Network(
        name="udp-blocked",
        routers=(Router(forbids=(NO_UDP,)),),
        mapping="unknown",
        filtering="unknown",
        is_stable=None,
    ),
    Network(
        name="only-tcp-443",
        routers=(Router(forbids=(NO_UDP, "tcp dport != 443")),),
        mapping="unknown",
        filtering="unknown",
        is_stable=None,
    ),
)
"""Each is joined with each."""

SPECIAL: tuple[Network, ...] = (
    Network(
        name="address-mapping",
        routers=(Router(nat="address-mapping"),),
        mapping="address-dependent",
        is_stable=None,
    ),
    Network(
        name="hairpin",
        routers=(Router(nat="address", hairpins=True),),
        filtering="address-dependent",
    ),
    Network(name="fragments-dropped", routers=(Router(drops_fragments=True),)),
    Network(name="small-packets", routers=(Router(),), mtu=1280),
    Network(name="meddling", routers=(Router(lies=True),)),
    Network(
        name="symmetric-dual-stack",
        routers=(Router(nat="symmetric"),),
        mapping=SYMMETRIC,
        is_stable=None,
        ipv6=True,
    ),
    Network(name="only-ipv6", routers=(Router(),), ipv4=False, ipv6=True),
)


def network(name: str) -> Network:
    """Raises LookupError for a name that there is not."""
    for each in (*NETWORKS, *SPECIAL):
        if each.name == name:
            return each
    raise LookupError(f"there is no network {name}; there are {', '.join(each.name for each in NETWORKS)}")


MOVES = ("symmetric", "symmetric-cgnat")
KNOWS_PORTS = ("port-restricted", "random-ports", "naive", "cgnat", *MOVES)
"""Only exactly whom they have sent to gets in."""
WITHOUT_UDP = ("only-udp-3478", "udp-blocked", "only-tcp-443")


def is_direct(offerer: str, answerer: str) -> bool:
    """Whether these two of :data:`NETWORKS` need no relay. The answerer knocks first."""
    if offerer in WITHOUT_UDP or answerer in WITHOUT_UDP:
        return False
    if offerer == "naive" and answerer in KNOWS_PORTS:
        return False
    return not (
        (offerer in MOVES and answerer in KNOWS_PORTS) or (answerer in MOVES and offerer in KNOWS_PORTS)
    )
