"""What the NAT does, in the words of RFC 4787, out of what was seen.

An answer is a proof, silence is none: a packet that is lost must not make a NAT stricter than it is. So
"filtered" is said only where the same server did answer the plain question. ``web/lib/nat/behaviour.js``
is the twin; tests/vectors/nat.json binds both.
"""

from __future__ import annotations

from collections.abc import Iterable

from peer.nat.endpoints import Endpoint, endpoint_of, host_of, port_of, scope_of
from peer.nat.observations import Family, MappingTest, Observations
from peer.nat.report import Behaviour, Filtering, Mapping

DEPENDENT: tuple[Mapping, ...] = ("address-dependent", "address-and-port-dependent", "endpoint-dependent")
"""Whoever is sent to sees another endpoint, so what a STUN server saw is of no use to a peer."""


def behaviours(observations: Observations) -> list[Behaviour]:
    """One for each family in which a server told an endpoint; the others have none to speak of."""
    return [behaviour(observations, family) for family in families(observations)]


def families(observations: Observations) -> list[Family]:
    """Those in which an answer came over UDP."""
    both: tuple[Family, Family] = (4, 6)
    return [family for family in both if seen(observations, family)]


def behaviour(observations: Observations, family: Family) -> Behaviour:
    is_translated = _is_translated(observations, family)
    mapping = _mapping(observations, family, is_translated)
    return Behaviour(
        family=family,
        is_translated=is_translated,
        mapping=mapping,
        filtering=_filtering(observations, family),
        is_stable=None if mapping in DEPENDENT else _is_stable(observations, family),
        is_port_preserved=_is_port_preserved(observations, family),
        hairpins=None if is_translated is False else _hairpins(observations, family),
    )


def seen(observations: Observations, family: Family) -> list[tuple[str, str]]:
    """Local endpoint (empty: hidden) and the endpoint that a server saw, of every answer."""
    answers = [(it.local, it.mapped) for it in observations.stun if it.family == family and it.mapped]
    tests = (it for it in observations.mapping if it.family == family)
    return answers + [(test.local, mapped) for test in tests for mapped in test.mapped.values() if mapped]


def _is_translated(observations: Observations, family: Family) -> bool | None:
    own = {it.address.lower() for it in observations.interfaces or ()}
    known = [_differ(local, mapped, own) for local, mapped in seen(observations, family)]
    return _any_of(known)


def _differ(local: str, mapped: str, own: set[str]) -> bool | None:
    if scope_of(host_of(local)) is not None:
        return endpoint_of(local) != endpoint_of(mapped)
    # The socket listened at every address, or a browser hides it.
    return host_of(mapped) not in own if own else None


def _mapping(observations: Observations, family: Family, is_translated: bool | None) -> Mapping:
    if is_translated is False:
        return "endpoint-independent"
    said = [_mapping_of(test) for test in observations.mapping if test.family == family]
    ranked: tuple[Mapping, ...] = (
        "address-and-port-dependent",
        "address-dependent",
        "endpoint-dependent",
        "endpoint-independent",
    )
    return next((mapping for mapping in ranked if mapping in said), "unknown")


def _mapping_of(test: MappingTest) -> Mapping:
    views = {endpoint_of(asked): endpoint_of(mapped) for asked, mapped in test.mapped.items() if mapped}
    by_host: dict[str, set[Endpoint]] = {}
    for (host, _), view in views.items():
        by_host.setdefault(host, set()).add(view)
    if any(len(each) > 1 for each in by_host.values()):
        return "address-and-port-dependent"
    if len(by_host) < 2:
        # One address alone, at whatever ports, does not tell what another one would see.
        return "unknown"
    if len(set(views.values())) == 1:
        return "endpoint-independent"
    return "address-dependent" if len(views) > len(by_host) else "endpoint-dependent"


def _filtering(observations: Observations, family: Family) -> Filtering:
    if not seen(observations, family):
        return "unknown"
    tests = [test for test in observations.filtering if test.family == family]
    from_other_address = _any_of(test.from_other_address for test in tests)
    from_other_port = _any_of(test.from_other_port for test in tests)
    match from_other_address, from_other_port:
        case True, _:
            return "endpoint-independent"
        case False, True:
            return "address-dependent"
        case _, False:
            return "address-and-port-dependent"
    return "unknown"


def _is_stable(observations: Observations, family: Family) -> bool | None:
    moved = _any_of(
        endpoint_of(test.before) != endpoint_of(test.after)
        for test in observations.knock
        if test.family == family and test.before and test.after
    )
    return None if moved is None else not moved


def _is_port_preserved(observations: Observations, family: Family) -> bool | None:
    changed = _any_of(
        port_of(local) != port_of(mapped) for local, mapped in seen(observations, family) if port_of(local)
    )
    return None if changed is None else not changed


def _hairpins(observations: Observations, family: Family) -> bool | None:
    return _any_of(test.came_back for test in observations.hairpin if test.family == family)


def _any_of(known: Iterable[bool | None]) -> bool | None:
    """True as soon as one says so; None when nobody knows."""
    answers = set(known)
    if True in answers:
        return True
    return False if False in answers else None
