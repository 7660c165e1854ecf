"""What gets out of this network: over UDP, through relays, at all. ``web/lib/nat/reach.js`` is the twin."""

from __future__ import annotations

from typing import Literal

from peer.facts import NAMELESS, QUOTA, REFUSED
from peer.nat.behaviour import families
from peer.nat.endpoints import endpoint_of, host_of
from peer.nat.observations import Observations, SignalingAnswer, TurnAnswer

Udp = Literal["works", "some-ports", "blocked", "silent", "not-asked"]
"""``silent``: nothing answers, and the servers may be to blame."""
Relaying = Literal["works", "refused", "token", "broken", "not-asked"]
"""``token``: a Peerlane server did not tell its TURN servers, because of the token."""

STUN_ERRORS = range(300, 700)


def is_empty(observations: Observations) -> bool:
    return not (observations.stun or observations.mapping or observations.turn or observations.signaling)


def is_anything_outside(observations: Observations) -> bool:
    return has_udp(observations) or bool(_hosts_over_streams(observations))


def has_udp(observations: Observations) -> bool:
    return (
        any(it.rtt is not None for it in observations.stun)
        or bool(families(observations))
        or any(it.transport == "udp" and has_answered(it) for it in observations.turn)
    )


def udp(observations: Observations) -> Udp:
    if has_udp(observations):
        return "some-ports" if closed_ports(observations) else "works"
    silent = _silent_hosts(observations)
    if not silent:
        return "not-asked"
    streams = _hosts_over_streams(observations)
    return "blocked" if streams and (len(silent) > 1 or silent & streams) else "silent"


def _silent_hosts(observations: Observations) -> set[str]:
    """Of the servers that were asked over UDP; those whose names nobody knows were not."""
    stun = {host_of(it.url) for it in observations.stun if it.rtt is None and not is_nameless(it.trouble)}
    return stun | {
        host_of(it.url)
        for it in observations.turn
        if it.transport == "udp" and not has_answered(it) and not is_nameless(it.trouble)
    }


def _hosts_over_streams(observations: Observations) -> set[str]:
    relays = {host_of(it.url) for it in observations.turn if it.transport != "udp" and has_answered(it)}
    return relays | {
        host_of(it.url) for it in observations.signaling if it.http_rtt is not None and not it.is_portal
    }


def open_ports(observations: Observations) -> list[int]:
    """Ports of servers that have answered over UDP."""
    stun = [it.address or it.url for it in observations.stun if it.rtt is not None]
    mapping = [asked for test in observations.mapping for asked in test.mapped]
    return _ports([*stun, *mapping])


def closed_ports(observations: Observations) -> list[int]:
    """Ports that answered nowhere, of servers that answered at others: as a firewall would have it."""
    if any(test.after for test in observations.knock):
        return []
    heard = [endpoint_of(asked) for test in observations.mapping for asked in test.mapped]
    hosts = {host for host, _ in heard}
    silent = [asked for test in observations.mapping for asked in test.silent if host_of(asked) in hosts]
    passing = open_ports(observations)
    return [port for port in _ports(silent) if port not in passing]


def _ports(endpoints: list[str]) -> list[int]:
    return sorted({port for _, port in map(endpoint_of, endpoints) if port})


# Relays


def has_answered(answer: TurnAnswer) -> bool:
    """Also an error is an answer."""
    return answer.allocated is not None or answer.code in STUN_ERRORS


def is_relaying(answer: TurnAnswer) -> bool:
    """As far as it was tried. A relay that may not send to itself still relays to others."""
    if answer.allocated is None:
        return False
    return answer.echo_rtt is not None or answer.permitted is False or answer.trouble == ""


def relays(observations: Observations) -> list[TurnAnswer]:
    return [answer for answer in observations.turn if is_relaying(answer)]


def relaying(observations: Observations) -> Relaying:
    if relays(observations):
        return "works"
    if any(map(is_refused, observations.turn)):
        return "refused"
    if any(it.refused for it in observations.signaling):
        return "token"
    return "broken" if observations.turn else "not-asked"


def is_refused(answer: TurnAnswer) -> bool:
    """Its credentials are; a permission that is refused is another thing."""
    return answer.allocated is None and answer.code in REFUSED


def lets_two_meet(answer: TurnAnswer) -> bool:
    """Whether two who both need it reach each other: one relay then sends to another of the same server."""
    return answer.permitted is not False


def has_no_room(answer: TurnAnswer) -> bool:
    return answer.code in QUOTA


def is_untrusted(trouble: str) -> bool:
    return "certificate" in trouble.lower()


def is_nameless(trouble: str) -> bool:
    """The server was never asked, because nobody knows its name."""
    return any(word in trouble.lower() for word in (*NAMELESS, "name resolution", "nodename nor servname"))


def is_stranger(answer: SignalingAnswer) -> bool:
    """Something answers over HTTP, but no Peerlane server."""
    return answer.http_status >= 400 or "no peerlane server" in answer.trouble.lower()


def port_of_relay(answer: TurnAnswer) -> int:
    """At which the server itself is reached."""
    _, port = endpoint_of(answer.url)
    return port or (5349 if answer.url.lower().startswith("turns:") else 3478)
