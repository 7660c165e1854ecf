"""Clients that do not read: closed, and nobody waits for them."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import AsyncExitStack

import pytest

from tests.end_to_end.conftest import eventually
from tests.hostile.raw import TEXT, connected, frame, member, request
from tests.hostile.stage import Stage, running

pytestmark = pytest.mark.end_to_end

MIB = 1_048_576
LENGTH = 60_000


async def test_p14_who_stops_reading_is_closed_as_slow_and_the_others_miss_nothing(stage: Stage) -> None:
    """one of a room does not read"""
    messages = 300
    with running() as server:
        server.forget_peak()
        before = server.peak_memory_bytes
        async with AsyncExitStack() as stack:
            others = [
                await stack.enter_async_context(member(server.port, "p14")) for _ in range(stage.count(3, 20))
            ]
            lazy = await stack.enter_async_context(member(server.port, "p14"))
            lazy.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            lazy.writer.transport.pause_reading()  # type: ignore[attr-defined] # typed as one that only writes
            sender = await stack.enter_async_context(member(server.port, "p14"))
            for number in range(messages):
                said = {"number": number, "padding": "x" * LENGTH}
                word = {"type": "broadcast", "room": "p14", "payload": said}
                await sender.send(frame(TEXT, json.dumps(word).encode()))
                heard = await asyncio.gather(*(other.words("broadcast") for other in others))
                assert all(each["payload"]["number"] == number for each in heard)
            closed = await eventually(lambda: _slow_closed(server.port), "the lazy one is closed as slow")
        grown = server.peak_memory_bytes - before
    assert closed == 1
    stage.tell(f"{len(others)} of {len(others)} heard all {messages}, memory +{grown // MIB} MiB")


async def _slow_closed(port: int) -> float:
    async with connected(port) as link:
        await link.send(request("GET", "/metrics"))
        _, body = await link.response()
    (line,) = (line for line in body.splitlines() if line.startswith(b"peerlane_slow_closed"))
    return float(line.split()[1])


async def test_p15_many_who_do_not_read_hold_no_more_than_the_limit_of_all(stage: Stage) -> None:
    """many lazy readers"""
    limit = 4 * MIB
    settings = {"PEERLANE_LIMITS_TOTAL_QUEUED_BYTES": str(limit)}
    with running(**settings) as server:
        async with AsyncExitStack() as stack:
            for _ in range(stage.count(10, 100)):
                lazy = await stack.enter_async_context(member(server.port, "p15"))
                lazy.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                lazy.writer.transport.pause_reading()  # type: ignore[attr-defined] # as above
            sender = await stack.enter_async_context(member(server.port, "p15"))
            server.forget_peak()
            before = server.peak_memory_bytes
            for _ in range(150):
                word = {"type": "broadcast", "room": "p15", "payload": "x" * LENGTH}
                await sender.send(frame(TEXT, json.dumps(word).encode()))
            await sender.say({"type": "ping"})
            await sender.words("pong")
        grown = server.peak_memory_bytes - before
    assert grown < 64 * MIB
    stage.tell(f"memory +{grown // MIB} MiB")
