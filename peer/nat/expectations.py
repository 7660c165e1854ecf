"""What a connection to a peer in each kind of network will be, with the same servers on both sides.

A direct way needs UDP on both sides, and one side that lets in what comes from where it was not told: a NAT
that uses another port for everybody ("moves") meets neither another such NAT nor one that filters by port.
What is not known is tried both ways; where that makes a difference, the answer is "sometimes".
``web/lib/nat/expectations.js`` is the twin.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Literal

import msgspec

from peer.nat.behaviour import DEPENDENT
from peer.nat.layers import is_near
from peer.nat.observations import Observations
from peer.nat.reach import (
    Udp,
    is_anything_outside,
    is_empty,
    lets_two_meet,
    port_of_relay,
    relaying,
    relays,
    udp,
)
from peer.nat.report import Behaviour, Expectation, Filtering, Outcome
from peer.nat.words import NETWORKS, REASONS, WITHOUT_RELAY


class Network(msgspec.Struct, frozen=True):
    """How a network treats what goes out and comes in; ``moves``: another port for everybody."""

    code: str
    moves: bool = False
    filtering: Filtering = "address-and-port-dependent"
    yields: bool = False
    """The port moves for whoever knocks before anything was sent to him."""
    passes: Literal["all", "udp-3478", "tcp", "tcp-443"] = "all"


PORT: Filtering = "address-and-port-dependent"
PEERS = (
    Network("open", filtering="endpoint-independent"),
    Network("full-cone", filtering="endpoint-independent"),
    Network("address-restricted", filtering="address-dependent"),
    Network("port-restricted"),
    Network("random-ports"),
    Network("naive", yields=True),
    Network("symmetric", moves=True),
    Network("cgnat"),
    Network("symmetric-cgnat", moves=True),
    Network("only-udp-3478", passes="udp-3478"),
    Network("udp-blocked", passes="tcp"),
    Network("only-tcp-443", passes="tcp-443"),
)
IPV6_PEER = Network("ipv6")
"""Nobody translates; a firewall lets in only what was asked for."""

LETS_IN = {"open": "open", "full-cone": "lets-all-in", "address-restricted": "lets-address-in"}
BLOCKED_HERE = {"some-ports": "your-ports", "blocked": "your-udp", "silent": "your-silence"}
BLOCKED_THERE = {"udp-3478": "their-ports", "tcp": "their-udp", "tcp-443": "their-443"}
FITTING = {"udp-3478": "UDP on port 3478, TCP or TLS", "tcp": "TCP or TLS", "tcp-443": "TLS on port 443"}


def expectations(observations: Observations, found: list[Behaviour]) -> list[Expectation]:
    """One for each kind of network; none where nothing was asked, or nothing has answered."""
    if is_empty(observations) or not is_anything_outside(observations) or not _is_ice_known(observations):
        return []
    expected = [_expectation(observations, found, peer) for peer in PEERS]
    if any(each.family == 6 for each in found):
        expected.append(_expectation(observations, found, IPV6_PEER))
    return expected


def outcome_with(expected: list[Expectation], network: str) -> Outcome | None:
    return next((each.outcome for each in expected if each.network == network), None)


def _is_ice_known(observations: Observations) -> bool:
    return bool(observations.stun or observations.mapping or observations.turn)


def _expectation(observations: Observations, found: list[Behaviour], peer: Network) -> Expectation:
    outcome, reason = _path(udp(observations), found, peer, is_near=is_near(observations))
    name, why = NETWORKS[peer.code], REASONS[reason]
    if outcome == "direct":
        return Expectation(peer.code, name, outcome, why)
    missing = _missing_relay(observations, peer)
    if outcome == "relay" and missing:
        outcome = "none"
    return Expectation(peer.code, name, outcome, f"{why} {missing}".rstrip())


def _path(passing: Udp, found: list[Behaviour], peer: Network, *, is_near: bool) -> tuple[Outcome, str]:
    if peer.passes != "all":
        return "relay", BLOCKED_HERE.get(passing) or BLOCKED_THERE[peer.passes]
    if passing in BLOCKED_HERE:
        return "relay", BLOCKED_HERE[passing]
    family = 6 if peer is IPV6_PEER else 4
    own = next((each for each in found if each.family == family), None)
    if own is None and found:
        return "relay", "no-ipv4"
    if is_near and own is not None and own.mapping not in DEPENDENT:
        # Servers nearby have not seen what the NAT on the way out does.
        own = None
    return _combined([_meeting(guess, peer) for guess in _guesses(own)], own)


def _guesses(own: Behaviour | None) -> Iterator[Network]:
    """All that our own network may be, as far as is known. A knock is harmless unless it was seen to harm."""
    mapping = own.mapping if own is not None else "unknown"
    filtering = own.filtering if own is not None else "unknown"
    filters: tuple[Filtering, ...] = ("endpoint-independent", "address-dependent", PORT)
    for moves, filters_by in product(
        (False, True) if mapping == "unknown" else (mapping in DEPENDENT,),
        filters if filtering == "unknown" else (filtering,),
    ):
        yields = own is not None and own.is_stable is False and not moves
        yield Network("own", moves, filters_by, yields)


def _meeting(own: Network, peer: Network) -> tuple[Outcome, str]:
    if own.moves and peer.moves:
        return "relay", "both-move"
    if own.moves and peer.filtering == PORT:
        return "relay", "yours-moves"
    if peer.moves:
        return ("relay", "theirs-moves") if own.filtering == PORT else ("direct", "you-let-in")
    own_fails, theirs_fails = own.yields and peer.filtering == PORT, peer.yields and own.filtering == PORT
    if own_fails and theirs_fails:
        return "sometimes", "both-yield"
    if own_fails or theirs_fails:
        return "sometimes", "yours-yields" if own_fails else "theirs-yields"
    return "direct", LETS_IN.get(peer.code, "both-send")


def _combined(met: list[tuple[Outcome, str]], own: Behaviour | None) -> tuple[Outcome, str]:
    if len({outcome for outcome, _ in met}) == 1:
        return met[0]
    if not any(outcome == "relay" for outcome, _ in met):
        return next(each for each in met if each[0] == "sometimes")
    is_mapping_known = own is not None and own.mapping != "unknown"
    return "sometimes", "filtering-unknown" if is_mapping_known else "mapping-unknown"


def _missing_relay(observations: Observations, peer: Network) -> str:
    """Why nobody relays to such a peer; empty when somebody does."""
    working = relays(observations)
    if not working:
        return WITHOUT_RELAY[relaying(observations)]
    fitting = [relay for relay in working if _fits(relay.transport, port_of_relay(relay), peer)]
    if not fitting:
        return WITHOUT_RELAY["unfit"].format(transports=FITTING[peer.passes])
    is_needed_twice = peer.passes != "all" and udp(observations) in BLOCKED_HERE
    return WITHOUT_RELAY["apart"] if is_needed_twice and not any(map(lets_two_meet, fitting)) else ""


def _fits(transport: str, port: int, peer: Network) -> bool:
    """Whether somebody in such a network gets through to a TURN server."""
    match peer.passes:
        case "all":
            return True
        case "udp-3478":
            return transport != "udp" or port == 3478
        case "tcp":
            return transport != "udp"
        case "tcp-443":
            return transport != "udp" and port == 443
