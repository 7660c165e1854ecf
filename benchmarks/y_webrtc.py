"""How many frames a mesh of 30 pages of y-webrtc costs its signaling server, ours beside its own.

The clients here say what y-webrtc 10.3 says: each subscribes and announces itself, everybody who hears of it
makes an offer and trickles its candidates, and is answered so; of two offers that cross, one is passed over.
They pass over what is not for them, as it does, and count it. They come all at once, as when a lesson begins
or the server was started anew, or one after the other, when few are there yet to be told too much.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp

from benchmarks import processes
from benchmarks.relay import UNTHROTTLED
from benchmarks.report import Figure, Report
from tests.doors.sides import HERE

TOPIC = "mesh"
CANDIDATES = 4
"""Each way, as of a page with an address in two families and a STUN server."""
OFFER = {"type": "offer", "sdp": "v=0 " * 300}
ANSWER = {"type": "answer", "sdp": "v=0 " * 300}
CANDIDATE = {"type": "candidate", "candidate": {"candidate": "candidate:1 1 udp 2122 192.0.2.1 " * 4}}
QUIET = 0.3
WAYS = ("all at once", "one after the other")


@contextmanager
def _own() -> Iterator[processes.Process]:
    port = processes.free_port()
    script = HERE / "node_modules/y-webrtc/bin/server.js"
    with processes.running("y-webrtc", [str(processes.node()), str(script)], port, {"PORT": str(port)}) as it:
        yield it


SERVERS = {
    "ours": (lambda: processes.our_server(**UNTHROTTLED, doors_open="y-webrtc"), "/y-webrtc"),
    "y-webrtc": (_own, "/"),
}


class Page:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self.name = str(uuid.uuid4())
        self.socket = socket
        self.frames = 0
        self.bytes = 0
        self.tokens: dict[str, float] = {}
        """Of the offers that were made."""
        self.answered: set[str] = set()

    async def subscribe(self) -> None:
        await self.socket.send_json({"type": "subscribe", "topics": [TOPIC]})
        await self.socket.send_json({"type": "ping"})
        await self.socket.receive(timeout=10)

    async def announce(self) -> None:
        await self._publish({"type": "announce", "from": self.name})

    async def listen(self) -> None:
        async for message in self.socket:
            self.frames += 1
            self.bytes += len(message.data)
            data = json.loads(message.data)["data"]
            source = data["from"]
            if source != self.name and data.get("to", self.name) == self.name:
                await self._hear(source, data)

    async def _hear(self, source: str, data: dict[str, Any]) -> None:
        kind = data["type"] if data["type"] == "announce" else data["signal"]["type"]
        if kind == "announce" and source not in self.tokens and source not in self.answered:
            self.tokens[source] = random.random()
            await self._signal(source, OFFER)
        elif kind == "offer" and self.tokens.get(source, 0.0) <= data["token"]:
            self.answered.add(source)
            await self._signal(source, ANSWER)
        elif kind == "answer":
            self.answered.add(source)

    async def _signal(self, to: str, description: object) -> None:
        token = self.tokens.get(to, 0.0)
        for signal in (description, *[CANDIDATE] * CANDIDATES):
            said = {"to": to, "from": self.name, "type": "signal", "token": token, "signal": signal}
            await self._publish(said)

    async def _publish(self, data: object) -> None:
        await self.socket.send_json({"type": "publish", "topic": TOPIC, "data": data})


def run(quick: bool, only: frozenset[str] = frozenset()) -> Report:
    """Raises RuntimeError when a mesh is not complete."""
    count = 10 if quick else 30
    figures = {"pages": Figure(count, "")}
    ratios: dict[str, float] = {}
    for way in WAYS:
        totals: dict[str, int] = {}
        for name, (start, path) in SERVERS.items():
            if only and name not in only:
                continue
            with start() as server:
                before = server.cpu_seconds()
                url = f"http://127.0.0.1:{server.port}{path}"
                pages = asyncio.run(_mesh(url, count, is_at_once=way == WAYS[0]))
                cpu = server.cpu_seconds() - before
            totals[name] = sum(page.frames for page in pages)
            figures[f"{name}, {way}: deliveries"] = Figure(totals[name], "")
            figures[f"{name}, {way}: delivered"] = Figure(sum(page.bytes for page in pages) / 1024, "KiB")
            figures[f"{name}, {way}: server CPU"] = Figure(cpu * 1000, "ms")
        if len(totals) == len(SERVERS):
            ratios[f"fewer deliveries, {way}"] = totals["y-webrtc"] / totals["ours"]
    return Report("y_webrtc", figures, ratios)


async def _mesh(url: str, count: int, *, is_at_once: bool) -> list[Page]:
    async with aiohttp.ClientSession() as http:
        pages = [Page(await http.ws_connect(url)) for _ in range(count)]
        listening = []
        for some in [pages] if is_at_once else [[page] for page in pages]:
            await asyncio.gather(*(page.subscribe() for page in some))
            listening += [asyncio.create_task(page.listen()) for page in some]
            await asyncio.gather(*(page.announce() for page in some))
            await _quiet(pages)
        if any(len(page.answered) != count - 1 for page in pages):
            raise RuntimeError(
                f"{sum(len(page.answered) for page in pages)} answers of {count * (count - 1)}"
            )
        for page in pages:
            await page.socket.close()
        await asyncio.gather(*listening)
        return pages


async def _quiet(pages: list[Page]) -> None:
    """Until nobody has heard anything for a while."""
    known = -1
    while known != (heard := sum(page.frames for page in pages)):
        known = heard
        await asyncio.sleep(QUIET)
