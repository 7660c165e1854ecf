"""The controls of the wire: machines are plugged in, lines get worse or are cut, addresses change."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from peer.testing.network import Conditions
from tests.natlab.bridge import DEVICE, Attach, Command, Count, Cut, Move, SetConditions
from tests.natlab.namespaces import LabError, Namespaces, ip

ROOT = Path(__file__).parents[2]
_PATIENCE = 10.0


class Wire:
    """Names are those of the namespaces; an ``async with`` block long."""

    def __init__(self, namespaces: Namespaces, *, seed: int = 0) -> None:
        self._namespaces = namespaces
        self._seed = seed
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self.addresses: dict[str, str] = {}

    async def __aenter__(self) -> Wire:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.natlab.bridge", str(self._seed)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process is not None
        if process.stdin is not None:
            process.stdin.close()
        await end(process, _PATIENCE)

    async def attach(self, name: str, address: str) -> None:
        """Plug the namespace in; everything that is not its own goes over the wire."""
        namespace = self._namespaces[name]
        await self._ask(Attach(name, namespace, address))
        ip("-n", namespace, "addr", "add", f"{address}/32", "dev", DEVICE)
        ip("-n", namespace, "link", "set", DEVICE, "up")
        ip("-n", namespace, "route", "add", "default", "dev", DEVICE, "src", address)
        self.addresses[name] = address

    async def change_address(self, name: str, address: str, outage: float = 0.0) -> None:
        """From one network to another: the old address is gone at once, the new one there after ``outage``."""
        namespace, old = self._namespaces[name], self.addresses[name]
        ip("-n", namespace, "addr", "del", f"{old}/32", "dev", DEVICE)
        await asyncio.sleep(outage)
        await self._ask(Move(name, address))
        ip("-n", namespace, "addr", "add", f"{address}/32", "dev", DEVICE)
        ip("-n", namespace, "route", "replace", "default", "dev", DEVICE, "src", address)
        self.addresses[name] = address

    async def set(
        self, conditions: Conditions, sender: str | None = None, receiver: str | None = None
    ) -> None:
        """For one direction, or for all when neither end is given."""
        await self._ask(SetConditions(conditions, sender, receiver))

    async def cut(self, one: str, other: str, *, one_way: bool = False) -> None:
        """Nothing passes between the two, without a word to either; ``one_way``: from the first to the second."""
        await self._cut(one, other, one_way, is_cut=True)

    async def mend(self, one: str, other: str, *, one_way: bool = False) -> None:
        await self._cut(one, other, one_way, is_cut=False)

    async def isolate(self, name: str) -> None:
        for other in self.addresses:
            if other != name:
                await self.cut(name, other)

    async def rejoin(self, name: str) -> None:
        for other in self.addresses:
            if other != name:
                await self.mend(name, other)

    async def counts(self) -> dict[str, int]:
        """What has become of the packets so far."""
        return await self._ask(Count())

    async def _cut(self, one: str, other: str, one_way: bool, *, is_cut: bool) -> None:
        await self._ask(Cut(one, other, is_cut))
        if not one_way:
            await self._ask(Cut(other, one, is_cut))

    async def _ask(self, command: Command) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise LabError("the wire has not been laid")
        async with self._turn, asyncio.timeout(_PATIENCE):
            process.stdin.write(msgspec.json.encode(command) + b"\n")
            line = await process.stdout.readline()
        if not line:
            raise LabError("the wire has ended")
        answer: dict[str, Any] = msgspec.json.decode(line)
        if "error" in answer:
            raise LabError(f"{command}: {answer['error']}")
        return answer


async def end(process: asyncio.subprocess.Process, patience: float) -> None:
    """Wait for it to end by itself; then kill it."""
    try:
        async with asyncio.timeout(patience):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
