"""A well-behaved group in the same server while somebody else attacks it: nothing may happen to them.

``python -m tests.hostile.witness URL`` joins a room, numbers everything it says, and answers each line on
standard input with one line of JSON about the time since the last. It is a process of its own, so
that an attack which keeps the attacker busy does not make the witness late.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

MEMBERS = 4
INTERVAL = 0.1
"""Seconds between two messages of one member."""
PATIENCE = 20.0
ROOT = Path(__file__).parents[2]


class Account(msgspec.Struct):
    """What the group has seen since the last account."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    """Messages that came out of order, twice or not at all, and members whose link has ended."""
    p50: float = 0.0
    p99: float = 0.0
    worst: float = 0.0


class Group:
    """Members of one room who each number what they say, and look at what the others say."""

    def __init__(self) -> None:
        self._sent = [0] * MEMBERS
        self._heard = [[0] * MEMBERS for _ in range(MEMBERS)]
        self._delays: list[float] = []
        self._faults = 0
        self._counted = 0
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._ready = asyncio.Barrier(MEMBERS + 1)

    async def run(self, url: str) -> None:
        async with ClientSession() as http, asyncio.TaskGroup() as tasks:
            for index in range(MEMBERS):
                tasks.create_task(self._member(http, url, index))
            async with asyncio.timeout(PATIENCE):
                await self._ready.wait()
            print("ready", flush=True)
            while await asyncio.to_thread(sys.stdin.readline):
                print(msgspec.json.encode(await self._account()).decode(), flush=True)
            raise SystemExit

    async def _member(self, http: ClientSession, url: str, index: int) -> None:
        async with http.ws_connect(f"{url}/v1/ws", protocols=("peerlane.v1.json",)) as link:
            await link.send_json({"type": "hello"})
            await link.send_json({"type": "join", "request": 1, "room": "witness", "name": str(index)})
            while not any(word["type"] == "joined" for word in _words(await link.receive_str())):
                pass  # the welcome
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(link, index))
                await self._ready.wait()
                while not link.closed:
                    await self._goes_on.wait()
                    self._sent[index] += 1
                    said = {"from": index, "number": self._sent[index], "at": time.monotonic()}
                    await link.send_json({"type": "broadcast", "room": "witness", "payload": said})
                    await asyncio.sleep(INTERVAL)
        self._faults += 1

    async def _listen(self, link: ClientWebSocketResponse, index: int) -> None:
        async for frame in link:
            assert frame.type is WSMsgType.TEXT
            for word in _words(frame.data):
                if word["type"] == "ping":
                    await link.send_json({"type": "pong"})
                elif word["type"] == "broadcast":
                    self._hear(index, word["payload"])
                elif word["type"] in ("refused", "bye"):
                    self._faults += 1

    def _hear(self, index: int, said: dict[str, Any]) -> None:
        heard = self._heard[index]
        self._faults += said["number"] != heard[said["from"]] + 1
        heard[said["from"]] = said["number"]
        self._delays.append(time.monotonic() - said["at"])

    async def _account(self) -> Account:
        """All that was said must have arrived; until it has, nobody says more."""
        self._goes_on.clear()
        deadline = time.monotonic() + PATIENCE
        while (missing := self._missing()) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        delays = sorted(self._delays) or [0.0]
        told = Account(
            sum(self._sent) - self._counted,
            len(self._delays),
            self._faults + missing,
            delays[len(delays) // 2],
            delays[int(len(delays) * 0.99)],
            delays[-1],
        )
        self._counted, self._delays, self._faults = sum(self._sent), [], 0
        self._goes_on.set()
        return told

    def _missing(self) -> int:
        return sum(
            self._sent[speaker] - self._heard[listener][speaker]
            for listener in range(MEMBERS)
            for speaker in range(MEMBERS)
            if speaker != listener
        )


def _words(text: str) -> list[dict[str, Any]]:
    words = json.loads(text)
    return words if isinstance(words, list) else [words]


class Witness:
    """The group in its process, seen from the tests."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.witness", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert self._line() == "ready", "the witness could not join"

    def account(self) -> Account:
        """What it has seen since the last time; waits until all it said has arrived."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._line(), type=Account)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")


if __name__ == "__main__":
    try:
        asyncio.run(Group().run(sys.argv[1]))
    except* SystemExit:
        pass  # its input has ended
