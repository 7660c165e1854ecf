"""How much later the first message comes when a STUN and a TURN server are listed that never answer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.bare_pair import bare_first_message
from benchmarks.heal import figures
from benchmarks.report import Report, median
from signaling.protocol.parts import IceServer


def run(quick: bool) -> Report:
    import uvloop

    return uvloop.run(_measure(20 if quick else 60, 1 if quick else 3))


async def _measure(count: int, bare_count: int) -> Report:
    with silent_servers() as servers:
        times: dict[str, list[float]] = {"none": [], "dead": []}
        for number in range(count + 1):
            for name, listed in (("none", ()), ("dead", servers)):
                taken = await _ours(listed)
                if number:
                    times[name].append(taken)
        bare = {
            name: [await bare_first_message(urls) for _ in range(bare_count)]
            for name, urls in (("none", ()), ("dead", servers))
        }
    ours = median(times["dead"]) / median(times["none"])
    theirs = median(bare["dead"]) / median(bare["none"])
    found = {
        "first message, no servers": (1000 * median(times["none"]), "ms"),
        "first message, two dead servers": (1000 * median(times["dead"]), "ms"),
        "first message, two dead / none": (ours, "×"),
        "bare aiortc, two dead servers": (1000 * median(bare["dead"]), "ms"),
        "bare aiortc, two dead / none": (theirs, "×"),
    }
    return Report("heal", figures("servers", found), {"bare aiortc, with dead servers": ours / theirs})


@contextmanager
def silent_servers() -> Iterator[tuple[IceServer, ...]]:
    """A STUN and a TURN server that take everything and say nothing, as a firewall does."""
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        stun, turn = one.getsockname()[1], two.getsockname()[1]
        yield (
            IceServer([f"stun:127.0.0.1:{stun}"]),
            IceServer([f"turn:127.0.0.1:{turn}"], "ana", "secret"),
        )


async def _ours(servers: tuple[IceServer, ...]) -> float:
    from peer.channels.kinds import RELIABLE
    from peer.testing.pair import pair

    async with asyncio.timeout(30):
        started = time.perf_counter()
        async with pair(ice_servers=servers) as (ben, ada):
            channel = await ben.open("first", RELIABLE)
            await channel.send(b"hello")
            assert await anext(await anext(ada.channels())) == b"hello"
            return time.perf_counter() - started
