"""Two clients in situations that no network makes alone: one router for both, other families, less room.

``python -m tests.natlab.nat.matrix`` runs them after the pairs of networks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from tests.natlab.nat.internet import Client, Internet
from tests.natlab.nat.meetings import Meeting, meet
from tests.natlab.nat.networks import Network, Router, network
from tests.natlab.nat.places import World, place_in, world

DIRECT = ("direct", "reflexive")
RELAYED = ("relayed",)
PORT_RESTRICTED = network("port-restricted")
HAIRPINNING = Router(nat="address", hairpins=True)


class Situation(msgspec.Struct, frozen=True):
    """``build`` plugs both clients in; their networks say which families they have."""

    name: str
    build: Callable[[Internet], tuple[Client, Client]]
    paths: tuple[str, ...]
    networks: tuple[Network, Network] = (PORT_RESTRICTED, PORT_RESTRICTED)


def apart(name: str, one: str, other: str, paths: tuple[str, ...]) -> Situation:
    """Each in a network of its own."""
    networks = network(one), network(other)
    return Situation(name, lambda it: (it.place(networks[0]), it.place(networks[1])), paths, networks)


def neighbours(name: str, router: Router, paths: tuple[str, ...], *, isolated: bool = False) -> Situation:
    """Both in the same home."""

    def build(internet: Internet) -> tuple[Client, Client]:
        home = internet.carrier((router,), PORT_RESTRICTED)
        return home.client("one", isolated=isolated), home.client("other", isolated=isolated)

    return Situation(name, build, paths)


def customers(name: str, router: Router, paths: tuple[str, ...]) -> Situation:
    """Two homes of one provider, which has this router for both."""

    def build(internet: Internet) -> tuple[Client, Client]:
        provider = internet.carrier((router,), PORT_RESTRICTED, is_shared=True)
        one, other = (provider.router(Router(), PORT_RESTRICTED) for _ in range(2))
        return one.client("one"), other.client("other")

    return Situation(name, build, paths)


SITUATIONS = (
    neighbours("same home", Router(), DIRECT),
    neighbours("same home, kept apart", Router(), RELAYED, isolated=True),
    neighbours("same home, kept apart, hairpinning", HAIRPINNING, DIRECT, isolated=True),
    customers("one CGNAT", Router(), RELAYED),
    customers("one symmetric CGNAT", Router(nat="symmetric"), RELAYED),
    customers("one CGNAT, hairpinning", HAIRPINNING, DIRECT),
    apart("IPv6 only, both", "only-ipv6", "only-ipv6", DIRECT),
    apart("IPv6 only and IPv4 only", "only-ipv6", "port-restricted", RELAYED),
    apart("symmetric, with IPv6", "symmetric-dual-stack", "symmetric-dual-stack", DIRECT),
    apart("packets of 1,280 bytes", "small-packets", "small-packets", DIRECT),
    apart("fragments dropped", "fragments-dropped", "fragments-dropped", DIRECT),
    apart("address mapping × port filtering", "address-mapping", "port-restricted", RELAYED),
    apart("address mapping × address filtering", "address-mapping", "address-restricted", DIRECT),
)  # fmt: skip


@asynccontextmanager
async def met(lab: World, situation: Situation) -> AsyncIterator[Meeting]:
    """The two of this situation, in the lab for the length of the block."""
    async with AsyncExitStack() as stack:
        clients = situation.build(lab.internet)
        places = [
            await place_in(stack, lab, each, client)
            for each, client in zip(situation.networks, clients, strict=True)
        ]
        for place in places:
            await place.peer.do("ready")
        yield await meet(lab, places[0], places[1])


async def run_all() -> list[dict[str, Any]]:
    """What became of each, and whether that is as it must be."""
    told = []
    async with world([]) as lab:
        for situation in SITUATIONS:
            async with met(lab, situation) as meeting:
                told.append(_row(situation, meeting))
    return told


def _row(situation: Situation, meeting: Meeting) -> dict[str, Any]:
    return {
        "situation": situation.name,
        "wanted": "direct" if situation.paths == DIRECT else "relayed",
        "path": meeting.path,
        "protocols": list(meeting.protocols),
        "milliseconds": round(meeting.milliseconds, 1) if meeting.path else None,
        "outcome": "connected" if meeting.path else "failed",
        "ok": meeting.path in situation.paths,
        "why": meeting.why,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """A line for each; !: not as it must be."""
    return "\n".join(map(_line, rows))


def _line(row: dict[str, Any]) -> str:
    took = "–" if row["milliseconds"] is None else f"{row['milliseconds']:.0f} ms"
    mark = "" if row["ok"] else f"  ! {row['wanted']} was expected {row['why']}"
    return f"{row['situation']:<38}{row['path'] or 'not connected':<15}{took:>8}{mark}"
