"""The whole in one sentence, a code and an exit code, and what to do.

Precedence: nothing answers (4), then credentials or a token that are refused while nobody else relays (5),
then nobody can be reached (4), then only by relay or not everybody (3), then direct (0).
``web/lib/nat/verdict.js`` is the twin.
"""

from __future__ import annotations

from typing import Literal

from peer.nat.advice import advice
from peer.nat.behaviour import DEPENDENT
from peer.nat.expectations import outcome_with
from peer.nat.layers import is_near
from peer.nat.observations import Observations
from peer.nat.reach import Relaying, is_anything_outside, is_empty, is_untrusted, relaying, relays, udp
from peer.nat.report import Behaviour, Expectation, Verdict
from peer.nat.words import RELAYING, STANDSTILLS, TRANSPORTS, WAYS

Way = Literal[
    "near",
    "everywhere",
    "most",
    "likely",
    "first",
    "few",
    "few-without-ipv6",
    "only-ipv6",
    "some-ports",
    "blocked",
    "silent",
    "untold",
    "not-asked",
]
"""How this network connects without a relay."""

GOOD: tuple[Way, ...] = ("near", "everywhere", "most", "likely")
NEVER: tuple[Way, ...] = ("some-ports", "blocked", "silent")
UNKNOWN: tuple[Way, ...] = ("untold", "not-asked")

EXIT_CODES = {
    "direct": 0,
    "direct-without-relay": 0,
    "only-near": 0,
    "relay-needed": 3,
    "relay-only": 3,
    "some-unreachable": 3,
    "nothing-asked": 3,
    "no-ice-servers": 3,
    "nobody-reachable": 4,
    "no-connectivity": 4,
    "captive-portal": 4,
    "untrusted": 4,
    "refused": 5,
}


def verdict(observations: Observations, found: list[Behaviour], expected: list[Expectation]) -> Verdict:
    code = _standstill(observations)
    if code:
        sentence = STANDSTILLS[code]
    else:
        way, relay = _way(observations, found, expected), relaying(observations)
        code = _code(way, relay)
        sentence = f"{WAYS[way]}; {RELAYING[relay].format(transports=transports(observations))}"
    return Verdict(code, sentence, advice(observations, found, code), EXIT_CODES[code])


def transports(observations: Observations) -> str:
    """Over which TURN works: ``UDP, TCP and TLS``."""
    working = {relay.transport for relay in relays(observations)}
    names = [name for transport, name in TRANSPORTS.items() if transport in working]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _standstill(observations: Observations) -> str:
    """Why there is nothing to say of ways to others; empty if there is."""
    if is_empty(observations):
        return "nothing-asked"
    if not is_anything_outside(observations):
        if any(it.is_portal for it in observations.signaling):
            return "captive-portal"
        told = [it.trouble for it in observations.signaling] + [it.trouble for it in observations.turn]
        return "untrusted" if any(map(is_untrusted, told)) else "no-connectivity"
    is_refused = any(it.refused for it in observations.signaling)
    if not (observations.stun or observations.mapping or observations.turn or is_refused):
        return "no-ice-servers"
    return ""


def _way(observations: Observations, found: list[Behaviour], expected: list[Expectation]) -> Way:
    passing = udp(observations)
    if passing != "works":
        return passing
    if not found:
        return "untold"
    if is_near(observations) and not any(each.mapping in DEPENDENT for each in found):
        return "near"
    has_ipv6 = any(each.family == 6 and each.mapping not in DEPENDENT for each in found)
    if all(each.family == 6 for each in found):
        return "only-ipv6" if has_ipv6 else "few"
    home, symmetric = outcome_with(expected, "port-restricted"), outcome_with(expected, "symmetric")
    if home == "direct":
        return "everywhere" if symmetric == "direct" else "most"
    if home == "sometimes":
        is_unstable = any(each.family == 4 and each.is_stable is False for each in found)
        return "first" if is_unstable else "likely"
    return "few-without-ipv6" if has_ipv6 else "few"


def _code(way: Way, relay: Relaying) -> str:
    if relay in ("refused", "token"):
        return "refused"
    if relay == "works":
        if way in GOOD:
            return "only-near" if way == "near" else "direct"
        return "relay-only" if way in NEVER + UNKNOWN else "relay-needed"
    if way in NEVER:
        return "nobody-reachable"
    if way not in GOOD or relay != "not-asked":
        return "some-unreachable"
    return "only-near" if way == "near" else "direct-without-relay"
