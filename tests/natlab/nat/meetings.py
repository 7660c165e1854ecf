"""Two peers meet: ours over our server, and bare ones of aiortc without any."""

from __future__ import annotations

import asyncio
import base64
import hmac
import itertools
import os
import time
from typing import Any

import msgspec

from tests.natlab.nat.internet import SERVERS, TURN
from tests.natlab.nat.places import Place, World
from tests.natlab.nat.services import SECRET, TURN_URLS

WITHIN = 20.0
BARE_WITHIN = 30.0

_rooms = itertools.count()


class Meeting(msgspec.Struct, frozen=True):
    """How it was for one pair of networks. ``path`` is empty when they did not meet."""

    offerer: str
    answerer: str
    path: str
    protocols: tuple[str, ...]
    """How each speaks with its relay; ``udp`` without one."""
    milliseconds: float
    """From when both are in the room until both have the other's first message."""
    why: str = ""
    first_offers: bool = True
    """Of the two that were told to meet."""
    first_path: str = ""
    """With the first message, where that is told apart."""


async def meet(world: World, one: Place, other: Place) -> Meeting:
    """Who offers is left to the server, which goes by their ids."""
    async with first_come(one, other):
        room = f"meeting-{os.getpid()}-{next(_rooms)}"
        here, there = await asyncio.gather(
            *(each.peer.do("meet", url=_url(world, each), room=room, within=WITHIN) for each in (one, other))
        )
    offerer, answerer = (one, other) if here["offers"] else (other, one)
    if here["first_at"] is None or there["first_at"] is None:
        why = f"{here['why'] or 'well'} | {there['why'] or 'well'}"
        return Meeting(offerer.network.name, answerer.network.name, "", (), 0.0, why, offerer is one)
    began_at = max(here["joined_at"], there["joined_at"])
    took = max(here["first_at"], there["first_at"]) - began_at
    protocols = (here["protocol"], there["protocol"])
    return Meeting(
        offerer.network.name,
        answerer.network.name,
        here["path"],
        protocols,
        took * 1000,
        first_offers=offerer is one,
        first_path=here.get("first_path", ""),
    )


def _url(world: World, place: Place) -> str:
    """Our server, at an address of a family that is there."""
    return world.services.url if place.network.ipv4 else world.services.url_v6


async def meet_bare(one: Place, other: Place) -> Meeting:
    """The first offers. Both use STUN, and TURN over TLS, which is let out everywhere."""
    names = one.network.name, other.network.name
    async with first_come(one, other):
        began_at = time.monotonic()
        try:
            offer = await one.bare.do("offer", servers=ice_servers("one"))
            answer = await other.bare.do("answer", servers=ice_servers("other"), offer=offer)
            await one.bare.do("accept", answer=answer)
            both: list[dict[str, Any]] = await asyncio.gather(
                *(each.bare.do("first", within=BARE_WITHIN, relay=TURN) for each in (one, other))
            )
        finally:
            await asyncio.gather(one.bare.do("end"), other.bare.do("end"))
    if any(each["first_at"] is None for each in both):
        return Meeting(*names, "", (), 0.0, "no message came")
    took = max(each["first_at"] for each in both) - began_at
    return Meeting(*names, both[0]["path"], (), took * 1000)


def ice_servers(user: str) -> list[dict[str, Any]]:
    """As aiortc takes them; it asks one STUN and one TURN server."""
    username = f"{int(time.time()) + 3600}:{user}"
    digest = hmac.digest(SECRET.encode(), username.encode(), "sha1")
    credential = base64.b64encode(digest).decode()
    return [
        {"urls": f"stun:{SERVERS[0]}"},
        {"urls": TURN_URLS[1], "username": username, "credential": credential},
    ]


class first_come:  # noqa: N801 # reads as the words that it stands for
    """Both places for one meeting; always taken in the same order, so that nobody waits for ever."""

    def __init__(self, one: Place, other: Place) -> None:
        self._turns = [each.turn for each in sorted((one, other), key=id)]

    async def __aenter__(self) -> None:
        for turn in self._turns:
            await turn.acquire()

    async def __aexit__(self, *_: object) -> None:
        for turn in self._turns:
            turn.release()
