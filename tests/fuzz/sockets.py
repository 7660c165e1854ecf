"""WebSocket frames at random, over sockets, to a real server in a process of its own."""

from __future__ import annotations

import asyncio
import struct
import time
from random import Random

import msgspec

from tests.fuzz.mutation import by_bytes
from tests.fuzz.running import Row
from tests.fuzz.targets.codecs import HIDDEN
from tests.hostile.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Connection, frame, upgraded
from tests.hostile.stage import Server, running

NAME = "websocket"
FRAMES_OF_A_LINK = 16
PATIENCE = 20.0
SUBPROTOCOLS = ("peerlane.v1.json", "peerlane.v1.msgpack")


def run(seed: int, frames: int) -> Row:
    """The server lives on, serves the next one, and has no fault of its own in its log."""
    started = time.monotonic()
    findings: list[str] = []
    sent = 0
    with running() as server:
        try:
            sent = asyncio.run(_feed(server, Random(seed), frames))
        except (AssertionError, TimeoutError) as error:
            findings.append(f"the server serves nobody any more: {error}")
        if not server.is_alive:
            findings.append(f"the server has ended: {server.log[-2_000:]}")
        faults = [line for line in server.log.splitlines() if '"exception"' in line or "Traceback" in line]
        findings += faults[:5]
    return Row(NAME, "random", seed, sent, time.monotonic() - started, 0, findings)


async def _feed(server: Server, chance: Random, frames: int) -> int:
    sent = 0
    while sent < frames and server.is_alive:
        name = chance.choice(SUBPROTOCOLS)
        async with upgraded(server.port, Sec_WebSocket_Protocol=name) as link:
            module = msgspec.json if name.endswith("json") else msgspec.msgpack
            opcode = TEXT if module is msgspec.json else BINARY
            if chance.random() < 0.8:
                await link.send(frame(opcode, module.encode({"type": "hello"})))
            bunch = [_frame(chance, opcode, module.encode) for _ in range(FRAMES_OF_A_LINK)]
            await _send(link, bunch, chance)
            sent += len(bunch)
            link.end_input()
            await link.ended(PATIENCE)
    async with upgraded(server.port) as link:
        await link.say({"type": "hello"})
        await link.words("welcome")
    return sent


async def _send(link: Connection, bunch: list[bytes], chance: Random) -> None:
    """In one go, or torn where no frame ends."""
    data = b"".join(bunch)
    cut = chance.randrange(len(data)) if chance.random() < 0.5 else len(data)
    if await link.send(data[:cut]):
        await asyncio.sleep(0)
        await link.send(data[cut:])


def _frame(chance: Random, opcode: int, encode: object) -> bytes:
    assert callable(encode)
    words = [chance.choice(HIDDEN) for _ in range(chance.choice((1, 1, 1, 3, 70)))]
    payload: bytes = encode(words if len(words) > 1 else words[0])
    if chance.random() < 0.6:
        payload = by_bytes(payload, chance)
    match chance.randrange(10):
        case 0:
            opcode = chance.randrange(16)
        case 1:
            opcode, payload = chance.choice((PING, PONG)), payload[: chance.choice((0, 125, 126))]
        case 2:
            opcode, payload = (
                CLOSE,
                struct.pack("!H", chance.choice((0, 999, 1000, 1005, 4999))) + payload[:40],
            )
        case 3:
            half = len(payload) // 2
            first = frame(opcode, payload[:half], is_last=False)
            return first + frame(chance.choice((CONTINUATION, opcode)), payload[half:])
        case _:
            pass
    made = frame(
        opcode,
        payload,
        is_last=chance.random() < 0.95,
        reserved=chance.choice((0,) * 30 + (1, 2, 4, 7)),
        is_masked=chance.random() < 0.97,
        declared=chance.choice((None,) * 40 + (0, len(payload) + 1, 2**16, 2**63 - 1)),
    )
    return by_bytes(made, chance) if chance.random() < 0.05 else made
