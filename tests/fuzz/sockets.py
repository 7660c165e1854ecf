"""WebSocket frames at random, over sockets, to a real server in a process of its own."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from random import Random

import msgspec

from tests.fuzz.mutation import by_bytes
from tests.fuzz.running import Row
from tests.fuzz.targets.codecs import HIDDEN
from tests.hostile.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Connection, frame, upgraded
from tests.hostile.stage import Server, running

NAME = "websocket"
FRAMES_OF_A_LINK = 16
WILDNESS = (0.02, 0.1, 0.5)
"""A link that is wild ends with its first frames; most is heard of those that are nearly tame."""
HEARD_WITHIN = 0.2
PATIENCE = 20.0
SETTINGS = {
    "PEERLANE_LIMITS_MESSAGES_PER_SECOND": "100000",
    "PEERLANE_LIMITS_MESSAGES_BURST": "100000",
    "PEERLANE_LIMITS_JOINS_PER_SECOND": "100000",
}
WORDS = tuple(word for word in HIDDEN if word["type"] not in ("bye", "hello"))
SUBPROTOCOLS = ("peerlane.v1.json", "peerlane.v1.msgpack")


def run(seed: int, frames: int) -> Row:
    """The server lives on, serves the next one, and has no fault of its own in its log."""
    started = time.monotonic()
    findings: list[str] = []
    sent = 0
    with running(**SETTINGS) as server:
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
            wildness = chance.choice(WILDNESS)
            bunch = [_frame(chance, opcode, module.encode, wildness) for _ in range(FRAMES_OF_A_LINK)]
            await _send(link, bunch, chance)
            sent += len(bunch)
            await _until_heard(link)
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


async def _until_heard(link: Connection) -> None:
    """Who hangs up is not listened to any more."""
    await link.send(frame(PING, b"heard?"))
    try:
        async with asyncio.timeout(HEARD_WITHIN):
            while (came := await link.frame()) is not None and came.opcode not in (PONG, CLOSE):
                pass  # an answer
    except TimeoutError:
        pass  # the server waits for the rest of a frame


def _frame(chance: Random, opcode: int, encode: Callable[[object], bytes], wildness: float) -> bytes:
    """Words of a client, changed or not, in a frame that is sound or not."""
    count = 70 if chance.random() < wildness / 10 else chance.choice((1, 1, 1, 3, 20))
    words = [chance.choice(WORDS) for _ in range(count)]
    payload = encode(words if len(words) > 1 else words[0])
    if chance.random() < wildness:
        payload = by_bytes(payload, chance)
    if chance.random() >= wildness:
        return frame(opcode, payload)
    match chance.randrange(6):
        case 0:
            opcode = chance.randrange(16)
        case 1:
            opcode, payload = chance.choice((PING, PONG)), payload[: chance.choice((0, 125, 126))]
        case 2:
            code = chance.choice((0, 999, 1000, 1005, 4999))
            opcode, payload = CLOSE, struct.pack("!H", code) + payload[:40]
        case 3:
            half = len(payload) // 2
            first = frame(opcode, payload[:half], is_last=False)
            return first + frame(chance.choice((CONTINUATION, opcode)), payload[half:])
        case 4:
            return by_bytes(frame(opcode, payload), chance)
        case _:
            pass
    return frame(
        opcode,
        payload,
        is_last=chance.random() < 0.9,
        reserved=chance.choice((0, 0, 0, 1, 2, 4, 7)),
        is_masked=chance.random() < 0.9,
        declared=chance.choice((None, None, None, 0, len(payload) + 1, 2**16, 2**63 - 1)),
    )
