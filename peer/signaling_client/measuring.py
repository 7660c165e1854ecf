"""Asking nodes how far they are, once, before the first link: a few small requests to each."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import aiohttp
import msgspec

from peer.signaling_client.address import AddressError, regions_url, signaling_url
from peer.signaling_client.dialling import FAILURES, trust
from peer.signaling_client.nearest import Addresses, Answer, Measured, candidates, nearest
from signaling.protocol.parts import NodeAddress

REQUESTS = 3
"""To each node. The first one opens the connection, so it is the slowest."""
TIMEOUT = 1.0
"""Seconds until a request counts as failed; whoever needs longer is not near."""
MAX_ANSWER_BYTES = 262_144


async def addresses_of(
    server: str | Sequence[str], is_one_of_many: bool, verify: bool | str | Path
) -> Addresses:
    """Where to look for a server that somebody has named; measured when there are several addresses, or
    when it ``is_one_of_many`` nodes. Raises AddressError, and OSError when ``verify`` cannot be read.
    """
    urls = list(
        dict.fromkeys(signaling_url(each) for each in ([server] if isinstance(server, str) else server))
    )
    if not urls:
        raise AddressError("no address of a server was given")
    return await find_nearest(urls, verify) if len(urls) > 1 or is_one_of_many else Addresses(urls)


async def find_nearest(
    urls: Sequence[str],
    verify: bool | str | Path = True,
    chance: Callable[[], float] = random.random,
) -> Addresses:
    """The addresses of a server, the nearest first. Takes 4 s at the most.

    They stay in their order, but for those that do not answer, when all nodes are in one region. Raises
    OSError when ``verify`` cannot be read.
    """
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        ask = Asker(http, trust(verify))
        told = await asyncio.gather(*(ask.answer(url) for url in urls))
        answers = {url: answer for url, answer in zip(urls, told, strict=True) if answer is not None}
        known = candidates(answers, chance)
        if len({node.region for node in known}) < 2:
            return Addresses(list(dict.fromkeys([*answers, *urls])))
        measured = await asyncio.gather(*(ask.measure(node) for node in known))
    nodes, regions = nearest(measured, urls[0], chance)
    return Addresses(list(dict.fromkeys([*(node.url for node in nodes), *urls])), regions)


class Asker:
    def __init__(self, http: aiohttp.ClientSession, tls: ssl.SSLContext | bool) -> None:
        self._http = http
        self._tls = tls

    async def answer(self, url: str) -> Answer | None:
        """None when there is none in time, or it makes no sense."""
        try:
            async with asyncio.timeout(TIMEOUT), self._http.get(regions_url(url), ssl=self._tls) as response:
                response.raise_for_status()
                body = b""
                while (chunk := await response.content.readany()) and len(body) <= MAX_ANSWER_BYTES:
                    body += chunk
                return msgspec.json.decode(body, type=Answer)
        except (*FAILURES, msgspec.MsgspecError):
            return None

    async def measure(self, node: NodeAddress) -> Measured:
        rtts: list[float | None] = []
        for _ in range(REQUESTS):
            before = monotonic()
            answer = await self.answer(node.url)
            rtts.append(None if answer is None else monotonic() - before)
            if answer is None:
                # Who does not answer is not near, and nobody waits for it three times.
                break
        return Measured(node, rtts)
