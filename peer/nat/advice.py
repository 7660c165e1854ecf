"""What to do, the most important first. ``web/lib/nat/advice.js`` is the twin."""

from __future__ import annotations

from collections.abc import Iterator

from peer.facts import UNREACHABLE
from peer.nat.behaviour import DEPENDENT
from peer.nat.endpoints import host_of
from peer.nat.layers import is_near, is_tampered, layers, public_addresses, vpn_in_use
from peer.nat.observations import Observations, SignalingAnswer, StunAnswer, TurnAnswer
from peer.nat.quoting import quoted
from peer.nat.reach import (
    has_no_room,
    is_nameless,
    is_refused,
    is_relaying,
    is_stranger,
    is_untrusted,
    lets_two_meet,
    port_of_relay,
    relaying,
    relays,
    udp,
)
from peer.nat.report import Behaviour
from peer.nat.words import ADVICE, STANDSTILLS

MAX_ADVICE = 6
"""Whoever is told more does nothing of it."""

Hint = tuple[str, str]
"""A key of ADVICE, and the url or name that it speaks of."""


def advice(observations: Observations, found: list[Behaviour], code: str) -> list[str]:
    texts = [
        ADVICE[key].format(url=quoted(name), name=quoted(name))
        for key, name in _hints(observations, found, code)
    ]
    return list(dict.fromkeys(texts))[:MAX_ADVICE] or [ADVICE["nothing"]]


def _hints(observations: Observations, found: list[Behaviour], code: str) -> Iterator[Hint]:
    if code == "nothing-asked":
        yield "name-servers", ""
        return
    vpn = vpn_in_use(observations)
    if vpn is not None:
        yield "vpn", vpn.name
    if code == "no-connectivity":
        yield "network", ""
        if not observations.signaling and all(it.transport == "udp" for it in observations.turn):
            yield "ask-over-tcp", ""
    for asked in observations.signaling:
        yield from _about_signaling(asked, code)
    if code == "no-ice-servers":
        yield "add-ice", ""
    for relay in observations.turn:
        yield from _about_turn(relay, observations, code)
    yield from _about_relays(observations, code)
    for server in observations.stun:
        yield from _about_stun(server, observations, code)
    if not (observations.stun or observations.mapping) and code not in STANDSTILLS:
        yield "name-stun", ""
    yield from _about_udp(observations, found)
    yield from _about_the_way(observations)
    if observations.observer == "browser" and code != "no-connectivity":
        yield "use-the-command", ""


def _about_signaling(asked: SignalingAnswer, code: str) -> Iterator[Hint]:
    if asked.is_portal:
        yield ("log-in", "") if code == "captive-portal" else ("portal-too", asked.url)
    elif asked.refused:
        yield "token", asked.url
    elif is_nameless(asked.trouble):
        yield "name-unknown", asked.url
    elif is_untrusted(asked.trouble):
        yield "certificate", asked.url
    elif asked.http_rtt is None:
        if code != "no-connectivity":
            yield "signaling-silent", asked.url
    elif is_stranger(asked):
        yield "stranger", asked.url
    elif asked.websocket_rtt is None and asked.trouble:
        yield "websocket", asked.url


def _about_turn(relay: TurnAnswer, observations: Observations, code: str) -> Iterator[Hint]:
    if is_relaying(relay):
        if not lets_two_meet(relay):
            yield "no-permission", relay.url
        return
    if is_refused(relay):
        yield "credentials", relay.url
    elif has_no_room(relay):
        yield "no-room", relay.url
    elif is_untrusted(relay.trouble):
        yield "certificate", relay.url
    elif is_nameless(relay.trouble):
        yield "name-unknown", relay.url
    elif relay.allocated is not None:
        yield "no-echo", relay.url
    elif relay.code == 0:
        yield "turn-unusable", relay.url
    elif relay.code != UNREACHABLE:
        yield "turn-trouble", relay.url
    elif code not in STANDSTILLS and not _is_stopped_here(relay, observations):
        yield "turn-silent", relay.url


def _is_stopped_here(relay: TurnAnswer, observations: Observations) -> bool:
    """Not by the server: UDP as a whole is spoken of elsewhere, or the server relays over something else."""
    if relay.transport == "udp" and udp(observations) != "works":
        return True
    return any(host_of(it.url) == host_of(relay.url) for it in relays(observations))


def _about_relays(observations: Observations, code: str) -> Iterator[Hint]:
    if code in STANDSTILLS:
        return
    relay = relaying(observations)
    if relay == "not-asked":
        yield "add-turn", ""
    is_over_443 = any(it.transport != "udp" and port_of_relay(it) == 443 for it in observations.turn)
    if relay == "works" and not is_over_443:
        yield "add-turn-tls", ""


def _about_stun(server: StunAnswer, observations: Observations, code: str) -> Iterator[Hint]:
    if server.rtt is not None or code in STANDSTILLS:
        return
    if is_nameless(server.trouble):
        yield "name-unknown", server.url
    elif udp(observations) != "blocked" and not _answers_elsewhere(server, observations):
        yield "stun-silent", server.url


def _answers_elsewhere(server: StunAnswer, observations: Observations) -> bool:
    """Over the other family: then that, and not the server, is what is missing."""
    return any(it.url == server.url and it.rtt is not None for it in observations.stun)


def _about_udp(observations: Observations, found: list[Behaviour]) -> Iterator[Hint]:
    if udp(observations) in ("blocked", "some-ports"):
        yield "allow-udp", ""
    over_ipv4 = [each for each in found if each.family == 4]
    if any(each.mapping in DEPENDENT for each in over_ipv4):
        yield "symmetric", ""
    if any(each.is_stable is False for each in over_ipv4):
        yield "naive", ""
    if is_near(observations):
        yield "far-stun", ""
    elif any(each.mapping == "unknown" for each in over_ipv4):
        yield "second-stun", ""


def _about_the_way(observations: Observations) -> Iterator[Hint]:
    match layers(observations):
        case "carrier":
            yield "carrier", ""
        case "two":
            yield "two-nats", ""
    if len(public_addresses(observations, 4)) > 1:
        yield "addresses", ""
    if is_tampered(observations):
        yield "tampered", ""
    if any(it.fragments is False for it in observations.size):
        yield "fragments", ""
