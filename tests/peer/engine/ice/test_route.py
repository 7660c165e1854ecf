from __future__ import annotations

import pytest
from aioice import Candidate
from aioice.ice import CandidatePair

from peer.engine.ice.route import Route, route_of

OWN = ("192.0.2.1", 1001)
MAPPED = ("203.0.113.1", 1002)
THEIRS = ("198.51.100.1", 2001)


def candidate(address: tuple[str, int], type_: str) -> Candidate:
    return Candidate("f", 1, "udp", 1, *address, type_)


class Socket:
    def __init__(self, type_: str, address: tuple[str, int] = OWN) -> None:
        self.local_candidate = candidate(address, type_)


def route(
    local: str,
    remote: str,
    *,
    mapped: tuple[str, int] | None = None,
    known: list[Candidate] | None = None,
    announced: list[Candidate] | None = None,
    theirs: tuple[str, int] = THEIRS,
) -> Route:
    pair = CandidatePair(Socket(local), candidate(theirs, remote))  # type: ignore[arg-type] # all that is read
    return route_of(
        pair,
        mapped=mapped,
        local_candidates=known or [],
        remote_candidates=announced or [],
        relay_protocol="tls" if local == "relay" else None,
        rtt=0.25,
    )


def test_two_hosts_are_direct() -> None:
    assert route("host", "host", mapped=OWN) == Route("direct", "udp", "host", "host", 0.25, 4)


def test_whoever_is_seen_under_another_address_is_behind_a_nat() -> None:
    known = [candidate(MAPPED, "srflx")]
    assert route("host", "host", mapped=MAPPED, known=known) == Route(
        "reflexive", "udp", "srflx", "host", 0.25, 4
    )
    assert route("host", "host", mapped=MAPPED).local == "prflx"


@pytest.mark.parametrize("remote", ["srflx", "prflx"])
def test_a_nat_on_the_other_side_counts_too(remote: str) -> None:
    assert route("host", remote, mapped=OWN).kind == "reflexive"


@pytest.mark.parametrize(("local", "remote"), [("relay", "host"), ("host", "relay"), ("relay", "relay")])
def test_a_relay_on_either_side_is_a_relay(local: str, remote: str) -> None:
    assert route(local, remote, mapped=OWN).kind == "relayed"


def test_how_this_machine_speaks_with_its_relay_is_told() -> None:
    assert route("relay", "host").protocol == "tls"


def test_an_address_that_was_learned_may_be_that_of_a_relay() -> None:
    announced = [candidate((THEIRS[0], 9999), "relay")]
    assert route("host", "prflx", announced=announced) == Route("relayed", "udp", "host", "relay", 0.25, 4)


def test_the_family_is_that_of_the_addresses() -> None:
    assert route("host", "host", theirs=("2001:db8::1", 5)).family == 6
