"""Which way the data goes: the selected pair of candidates in words."""

from __future__ import annotations

import ipaddress
from typing import Literal

import msgspec
from aioice import Candidate
from aioice.ice import CandidatePair

Kind = Literal["direct", "reflexive", "relayed"]


class Route(msgspec.Struct, frozen=True):
    """``direct``: both use their own addresses; ``reflexive``: through a NAT; ``relayed``: by a server."""

    kind: Kind
    protocol: Literal["udp", "tcp", "tls"]
    """How this machine speaks with its relay; ``udp`` without one."""
    local: str
    """The type of our candidate: ``host``, ``srflx``, ``prflx`` or ``relay``."""
    remote: str
    rtt: float | None
    """Seconds; None: not measured yet."""
    family: Literal[4, 6]


def route_of(
    pair: CandidatePair,
    *,
    mapped: tuple[str, int] | None,
    local_candidates: list[Candidate],
    remote_candidates: list[Candidate],
    relay_protocol: Literal["udp", "tcp", "tls"] | None,
    rtt: float | None,
) -> Route:
    """``mapped``: how the other side sees us; ``relay_protocol``: how we speak with our relay, if any."""
    local = local_type(pair, mapped, local_candidates)
    remote = remote_type(pair.remote_candidate, remote_candidates)
    kind: Kind = "direct" if (local, remote) == ("host", "host") else "reflexive"
    return Route(
        "relayed" if "relay" in (local, remote) else kind,
        relay_protocol or "udp",
        local,
        remote,
        rtt,
        6 if ipaddress.ip_address(pair.remote_addr[0]).version == 6 else 4,
    )


def local_type(pair: CandidatePair, mapped: tuple[str, int] | None, candidates: list[Candidate]) -> str:
    """Of our side of a pair, given how the other side sees us."""
    # aioice pairs sockets, not candidates: a socket behind a NAT is a host candidate for it.
    own = pair.local_candidate
    if own.type != "host" or mapped is None or mapped == (own.host, own.port):
        return own.type
    return next((each.type for each in candidates if (each.host, each.port) == mapped), "prflx")


def remote_type(remote: Candidate, candidates: list[Candidate]) -> str:
    """One that was learned from its checks may stand at the address of a relay that was announced."""
    if remote.type != "prflx":
        return remote.type
    relays = {each._network_host for each in candidates if each.type == "relay"}
    return "relay" if remote._network_host in relays else "prflx"
