"""What can happen to a cluster, one function each: it makes the fault, and returns when that is over.

The ids are those of the catalogue of faults. A function says in its docstring what it does, and returns which
nodes should notice that the bus is away (:class:`Fault`).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tests.cluster.house import House, Node
from tests.end_to_end.brokers import Redis
from tests.end_to_end.conftest import eventually

NEXT_VERSION = "tests.cluster.next_version"


class Fault(NamedTuple):
    """What a scenario has done."""

    victims: list[Node]
    """Nodes that were away themselves; clients of them are no witnesses."""
    deaf: list[Node]
    """Nodes that had no bus, and must have noticed."""
    figure: str = ""


Scenario = Callable[[House, float], Awaitable[Fault]]
"""``(house, seconds)``: how long the fault lasts, where it lasts."""


async def rolling_restart(house: House, seconds: float) -> Fault:
    """each node in turn: SIGTERM, and started again"""
    took = []
    for node in house.nodes:
        took.append(await node.leave())
        await node.come()
        await eventually(house.is_whole, "all nodes know of each other again")
    return Fault(list(house.nodes), [], f"drained in {max(took):.1f} s at most")


async def killed_node(house: House, seconds: float) -> Fault:
    """kill -9 of a node, which does not come back"""
    node = house.nodes[0]
    # At once, so that those who leave now are not heard.
    node.send(signal.SIGKILL)
    await asyncio.to_thread(node.kill)
    await asyncio.sleep(seconds)
    return Fault([node], [])


async def frozen_node(house: House, seconds: float) -> Fault:
    """SIGSTOP of a node, and SIGCONT"""
    node = house.nodes[0]
    node.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    node.send(signal.SIGCONT)
    return Fault([node], [])


async def killed_broker(house: House, seconds: float) -> Fault:
    """the broker is killed, and comes back empty at the same address"""
    await house.broker.kill()
    await asyncio.sleep(seconds)
    await house.broker.start()
    return Fault([], house.nodes)


async def frozen_broker(house: House, seconds: float) -> Fault:
    """SIGSTOP of the broker, and SIGCONT"""
    house.broker.freeze()
    await asyncio.sleep(seconds)
    house.broker.thaw()
    return Fault([], house.nodes)


async def half_open(house: House, seconds: float) -> Fault:
    """the line between one node and the broker carries nothing, and nobody closes it"""
    node = house.nodes[0]
    node.wire.hold()
    await asyncio.sleep(seconds)
    node.wire.release()
    return Fault([], [node])


async def failover(house: House, seconds: float) -> Fault:
    """the broker is killed, and an empty replica takes over at the same address"""
    async with house.replica() as second:
        await house.broker.kill()
        if isinstance(second, Redis):
            await second._knock(b"REPLICAOF NO ONE\r\n")
        for node in house.nodes:
            node.wire.target = second.port
            node.wire.drop()
        await asyncio.sleep(seconds)
        await house.broker.start()
        # Back again, or the second could not end.
        for node in house.nodes:
            node.wire.target = house.broker.port
    return Fault([], house.nodes)


async def partition(house: House, seconds: float) -> Fault:
    """one node's line to the broker is cut while all clients go on, then mended"""
    node = house.nodes[0]
    node.wire.cut()
    await asyncio.sleep(seconds)
    node.wire.mend()
    return Fault([], [node])


async def next_version(house: House, seconds: float) -> Fault:
    """one node: SIGTERM, and started again as the next version, which stays beside the others"""
    node = house.nodes[0]
    await node.leave()
    node.module = NEXT_VERSION
    await node.come()
    await eventually(house.is_whole, "all nodes know of each other again")
    return Fault([node], [])


class Entry(NamedTuple):
    id: str
    run: Scenario
    seconds: float
    """At the full size."""
    ghosts_within: float = 10.0
    """Seconds after the fault when nobody may be seen who is not there."""
    watch: float = 10.0
    """Seconds after the fault in which they talk on."""


TABLE = [
    # Who has lost its past believes for `session.settle`, 15 s, in those whom nobody has seen again.
    Entry("F1", killed_node, 0.0, ghosts_within=17.0),
    Entry("F2", rolling_restart, 0.0),
    Entry("F3", frozen_node, 20.0),
    Entry("F4", killed_broker, 8.0),
    Entry("F5", frozen_broker, 12.0),
    Entry("F5b", half_open, 12.0),
    Entry("F7", failover, 8.0),
    Entry("F8", partition, 20.0),
    Entry("F22", next_version, 0.0),
]
"""F4 with NATS is F6."""
