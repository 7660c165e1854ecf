"""What a well-behaved server answers, to be changed in one place at a time."""

from __future__ import annotations

from typing import Any

import msgspec

from peer.nat.audit.evidence import (
    Binding,
    Door,
    Evidence,
    Login,
    Permission,
    Quota,
    Relay,
    Tls,
)
from peer.nat.audit.plan import addresses_for
from peer.nat.observations import Family

UDP, TLS = "turn:turn.example.org?transport=udp", "turns:turn.example.org:5349"
OWN: dict[Family, str] = {4: "198.51.100.7", 6: "2001:db8::7"}
NOW = 1_800_000_000.0
DAY = 86_400.0
FAMILIES: tuple[Family, ...] = (4, 6)


def refusals(family: Family, code: int | None = 403) -> list[Permission]:
    addresses = addresses_for(family, set(OWN.values()), is_whole=True)
    return [
        Permission(url=UDP, family=family, address=address, how=how, code=code)
        for address in addresses
        for how in ("permission", "channel")
    ]


def grant(*addresses: str, family: Family = 4) -> list[Permission]:
    return [Permission(url=UDP, family=family, address=each, how="permission", code=0) for each in addresses]


def relay(family: Family, **changed: Any) -> Relay:
    endpoint = f"[{OWN[family]}]:50000" if family == 6 else f"{OWN[family]}:50000"
    given = Relay(url=UDP, family=family, code=0, relayed=endpoint, lifetime=3600)
    return msgspec.structs.replace(given, **changed)


def evidence(**changed: Any) -> Evidence:
    good = Evidence(
        server="turn.example.org",
        unix_now=NOW,
        has_credentials=True,
        has_secret=True,
        doors=[
            Door(url=UDP, transport="udp", address="198.51.100.7:3478", is_turn=True),
            Door(url=TLS, transport="tls", address="198.51.100.7:5349", is_turn=True),
        ],
        logins=[Login("nobody", 401), Login("wrong-password", 401), Login("expired", 401)],
        relays=[relay(4), relay(6)],
        permissions=[each for family in FAMILIES for each in refusals(family)],
        tcp_relay=442,
        quota=Quota(12, 486),
        binding=Binding(asked=20, answered=40, answers_elsewhere=False),
        tls=[Tls(url=TLS, valid_until=NOW + 60 * DAY)],
    )
    return msgspec.structs.replace(good, **changed)


def permissions(*granted: Permission) -> list[Permission]:
    """All refused but these."""
    others = [each for family in FAMILIES for each in refusals(family)]
    given = {(each.family, each.address, each.how) for each in granted}
    return [*granted, *(each for each in others if (each.family, each.address, each.how) not in given)]
