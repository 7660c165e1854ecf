"""Endpoints and addresses as text: taken apart, and what kind of address it is.

Reads pseudonyms (``public-1:40000``) as it reads addresses, so that a report without names says the same.
``web/lib/nat/endpoints.js`` is the twin.
"""

from __future__ import annotations

import re

from peer.nat.observations import Family, Scope

PSEUDONYMS: dict[Scope, str] = {
    "global": "public",
    "private": "private",
    "shared": "shared",
    "link-local": "link-local",
    "loopback": "loopback",
}
"""How an address of each scope is called when it is not to be told: ``public-1``, ``public-v6-1``, and
``private-1.2`` for the second address of the first private network."""

_ENDPOINT = re.compile(
    r"(?:(?:stun|turn|http|ws)s?:(?://)?)?(?:[^@/]*@)?"
    r"(?:\[([^\[\]]*)\]|([^:/?\[\]]*))(?::([0-9]{1,5}))?(?:[/?].*)?",
    re.I | re.S | re.A,
)
_IPV4 = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})")
PSEUDONYM = re.compile(r"(public|private|shared|link-local|loopback)(-v6)?-[0-9]+(?:\.[0-9]+)?")
_FIRST_GROUP = re.compile(r"([0-9a-f]{1,4}):")

Endpoint = tuple[str, int]
"""Host in small letters and without brackets; port, 0 where none is told."""


def endpoint_of(text: str) -> Endpoint:
    """What an endpoint or a ``stun:`` or ``turn:`` url names. Text that is neither is a host of its own."""
    parts = _ENDPOINT.fullmatch(text)
    if parts is None:
        return text.lower(), 0
    bracketed, plain, port = parts.groups()
    return (plain if bracketed is None else bracketed).lower(), int(port or 0)


def host_of(text: str) -> str:
    return endpoint_of(text)[0]


def port_of(text: str) -> int:
    return endpoint_of(text)[1]


def family_of(host: str) -> Family | None:
    """None: it is a name."""
    name = PSEUDONYM.fullmatch(host)
    if name is not None:
        return 6 if name[2] else 4
    if _octets(host) is not None:
        return 4
    return 6 if re.fullmatch(r"[0-9a-f:.]*:[0-9a-f:.]*(%.*)?", host, re.I | re.S | re.A) else None


def scope_of(host: str) -> Scope | None:
    """By RFC 1918, RFC 6598, RFC 3927 and RFC 4291. None: it is a name, or no address that anybody has."""
    name = PSEUDONYM.fullmatch(host)
    if name is not None:
        return next(scope for scope, pseudonym in PSEUDONYMS.items() if pseudonym == name[1])
    octets = _octets(host.lower().removeprefix("::ffff:"))
    if octets is not None:
        return _scope_of_four(octets)
    return _scope_of_six(host.lower()) if family_of(host) == 6 else None


def _octets(host: str) -> list[int] | None:
    parts = _IPV4.fullmatch(host)
    octets = [int(part) for part in parts.groups()] if parts is not None else []
    return octets if octets and max(octets) <= 255 else None


def _scope_of_four(octets: list[int]) -> Scope | None:
    match octets:
        case [0, *_]:
            return None
        case [127, *_]:
            return "loopback"
        case [10, *_] | [192, 168, *_]:
            return "private"
        case [172, second, *_] if 16 <= second < 32:
            return "private"
        case [100, second, *_] if 64 <= second < 128:
            return "shared"
        case [169, 254, *_]:
            return "link-local"
    return "global"


def _scope_of_six(host: str) -> Scope | None:
    if host == "::":
        return None
    if host == "::1":
        return "loopback"
    first = _FIRST_GROUP.match(host)
    bits = int(first[1], 16) if first is not None else 0
    if bits & 0xFE00 == 0xFC00:
        return "private"
    return "link-local" if bits & 0xFFC0 == 0xFE80 else "global"
