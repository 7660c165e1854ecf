"""Whether a TURN server of ours gives relays: coturn answers before it knows anybody."""

from __future__ import annotations

import asyncio
import time

from aioice import Connection

from peer.engine.ice.allocation import relayed
from peer.engine.ice.servers import parse_server
from peer.facts import Trouble
from peerlane.turn.settings import Settings
from signaling.addresses import url_host
from signaling.turn import password

PAUSE = 0.05
ANSWER_TIMEOUT = 0.5
VALIDITY = 60.0


async def until_ready(settings: Settings) -> None:
    """Wait until it has given a relay at each of its addresses, over TCP and UDP."""
    for address in settings.listening_ips or [text.rpartition("/")[2] for text in settings.external_ips]:
        # TCP first: there a port that nobody listens at says so, and need not be waited for.
        for way in ("tcp", "udp"):
            url = f"turn:{url_host(address)}:{settings.port}?transport={way}"
            while True:
                if await _gives_a_relay(url, settings.secrets[0]):
                    break
                await asyncio.sleep(PAUSE)


async def _gives_a_relay(url: str, secret: str) -> bool:
    username = f"{int(time.time() + VALIDITY)}:start"
    server = parse_server(url, username, password(secret, username))
    assert not isinstance(server, Trouble)
    lost: list[Trouble] = []
    answer = await relayed(Connection(ice_controlling=True), server, ANSWER_TIMEOUT, lost=lost.append)
    if isinstance(answer, Trouble):
        return False
    await answer[1].close()
    return True
