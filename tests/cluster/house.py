"""Several nodes around one broker, each on a wire of its own, and everything that can happen to them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.cluster.wire import Wire
from tests.end_to_end.brokers import Broker, Nats, Redis, free_port
from tests.end_to_end.conftest import PATIENCE, ServerProcess, eventually
from tests.hostile.stage import FREELY

Kind = Literal["redis", "nats"]
BROKERS: dict[Kind, type[Broker]] = {"redis": Redis, "nats": Nats}
BUS_AWAY = "the bus is away: this node goes on alone"
BUS_THERE = "the bus is there"
SPREAD = {"PEERLANE_LIMITS_LINKS_PER_SECOND": "500"}
"""As it is by default: how a node that leaves spreads its goodbyes depends on it."""
KEYS = {
    "PEERLANE_SERVER_TICKET_KEY": "one key for all nodes, of 32 characters or more",
    "PEERLANE_CLUSTER_KEY": "another key for all nodes, for what they say",
}


class Node(ServerProcess):
    """One node, and its wire to the broker."""

    def __init__(self, folder: Path, wire: Wire, scheme: str, settings: dict[str, str]) -> None:
        port = free_port()
        own = {
            "PEERLANE_CLUSTER_BACKPLANE": f"{scheme}://127.0.0.1:{wire.port}",
            "PEERLANE_CLUSTER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        super().__init__(folder, FREELY | SPREAD | KEYS | own | settings)
        self.port = port
        self.wire = wire

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def leave(self) -> float:
        """As its operator asks it to; how many seconds that took."""
        started = time.monotonic()
        self.send(signal.SIGTERM)
        assert self._process is not None
        await asyncio.to_thread(self._process.wait, 4 * PATIENCE)
        await asyncio.to_thread(self.close)
        return time.monotonic() - started

    async def come(self) -> None:
        """Start, and be among the others."""
        known = len(self.log) if self._log_path.exists() else 0
        await asyncio.to_thread(self.start)
        await eventually(lambda: BUS_THERE in self.log[known:], "the node has its bus")

    async def knows(self) -> int:
        """How many nodes it says there are, itself among them; 0 when it has no bus, or does not answer."""
        try:
            async with ClientSession(timeout=ClientTimeout(1.0)) as http:
                async with http.get(f"{self.url}/readyz") as response:
                    is_degraded = "degraded" in await response.text()
                async with http.get(f"{self.url}/v1/regions") as response:
                    return 0 if is_degraded else len((await response.json())["nodes"])
        except (ClientError, TimeoutError):
            return 0

    def said(self, words: str, since: float) -> float | None:
        """When its log first said so after this calendar second: how much later. None: it did not."""
        for line in self.log.splitlines():
            if words in line and line.startswith("{"):
                at = datetime.fromisoformat(json.loads(line)["ts"]).timestamp()
                # The log says so to the millisecond.
                if at >= since - 0.001:
                    return max(0.0, at - since)
        return None

    @property
    def faults(self) -> list[str]:
        """Mistakes of ours, which no fault around us excuses."""
        return [line for line in self.log.splitlines() if '"exception"' in line]


class House:
    """The nodes, the broker, and one more broker that may take its place."""

    def __init__(self, kind: Kind, nodes: list[Node], broker: Broker, folder: Path) -> None:
        self.kind = kind
        self.nodes = nodes
        self.broker = broker
        self._folder = folder

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    async def is_whole(self) -> bool:
        """Whether each node knows of all."""
        return all([await node.knows() == len(self.nodes) for node in self.nodes])

    @asynccontextmanager
    async def replica(self) -> AsyncIterator[Broker]:
        """A second broker: of Redis a replica of the first, which has nothing; NATS keeps nothing."""
        options = ["--replicaof", "127.0.0.1", str(self.broker.port)] if self.kind == "redis" else []
        second = BROKERS[self.kind](self._folder, *options)
        try:
            await second.start()
            yield second
        finally:
            await second.kill()


@asynccontextmanager
async def running(kind: Kind, count: int = 3, **settings: str) -> AsyncIterator[House]:
    """A cluster that is ready; its folder and its processes are gone with it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peerlane-cluster-")))
        broker = BROKERS[kind](folder)
        stack.push_async_callback(broker.kill)
        await broker.start()
        nodes: list[Node] = []
        for index in range(count):
            wire = Wire(broker.port)
            await wire.start()
            stack.push_async_callback(wire.close)
            place = folder / f"node-{index}"
            place.mkdir()
            node = Node(place, wire, broker.scheme, settings)
            stack.callback(node.close)
            nodes.append(node)
        await asyncio.gather(*(node.come() for node in nodes))
        house = House(kind, nodes, broker, folder)
        await eventually(house.is_whole, "all nodes know of each other")
        yield house
