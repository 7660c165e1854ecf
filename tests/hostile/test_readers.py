"""Clients that do not read: closed, and nobody waits for them."""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import socket
import time
from contextlib import AsyncExitStack

import pytest

from tests.end_to_end.conftest import eventually
from tests.hostile.raw import TEXT, Connection, connected, frame, member, request
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
                await stack.enter_async_context(member(server.port, "p14")) for _ in range(stage.count(3, 99))
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
    return await _figure(port, "slow_closed_total")


async def _figure(port: int, name: str) -> float:
    async with connected(port) as link:
        await link.send(request("GET", "/metrics"))
        _, body = await link.response()
    (line,) = (line for line in body.splitlines() if line.startswith(f"peerlane_{name} ".encode()))
    return float(line.split()[1])


async def test_p15_many_who_hardly_read_never_hold_more_than_the_limit_of_all(stage: Stage) -> None:
    """readers of 1 KB/s, 10 long broadcasts a second"""
    limit = 4 * MIB
    settings = {"PEERLANE_LIMITS_TOTAL_QUEUED_BYTES": str(limit)}
    queued: list[float] = []
    with running(**settings) as server:
        async with AsyncExitStack() as stack:
            lazy = [
                await stack.enter_async_context(member(server.port, "p15"))
                for _ in range(stage.count(20, 500))
            ]
            for each in lazy:
                each.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                each.writer.transport.pause_reading()  # type: ignore[attr-defined] # as above
            sender = await stack.enter_async_context(member(server.port, "p15"))
            server.forget_peak()
            before = server.peak_memory_bytes
            for _ in range(stage.count(30, 100)):
                word = {"type": "broadcast", "room": "p15", "payload": "x" * LENGTH}
                await sender.send(frame(TEXT, json.dumps(word).encode()))
                for each in lazy:
                    each.writer.transport.resume_reading()  # type: ignore[attr-defined] # as above
                    await asyncio.sleep(0)
                    each.writer.transport.pause_reading()  # type: ignore[attr-defined] # as above
                queued.append(await _figure(server.port, "queue_bytes"))
                await asyncio.sleep(0.1)
            await sender.say({"type": "ping"})
            await sender.words("pong")
            shed = await _figure(server.port, "shed_total")
        grown = server.peak_memory_bytes - before
    assert max(queued) <= limit
    assert shed > 0
    assert grown < 128 * MIB
    peak = max(queued) / MIB
    stage.tell(f"at most {peak:.1f} of 4 MiB queued, {shed:.0f} dropped, memory +{grown // MIB} MiB")


async def test_p17_short_of_memory_the_server_sheds_takes_nobody_in_and_recovers(stage: Stage) -> None:
    """a flood at a server with a cap on its memory"""
    with running(PEERLANE_LIMITS_MESSAGES_PER_SECOND="500") as server:
        cap = int(server.mapped_bytes / 0.6)
        resource.prlimit(server.pid, resource.RLIMIT_AS, (cap, cap))
        async with AsyncExitStack() as stack:
            lazy = [await stack.enter_async_context(member(server.port, "p17")) for _ in range(400)]
            for each in lazy:
                each.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                each.writer.transport.pause_reading()  # type: ignore[attr-defined] # as above
            sender = await stack.enter_async_context(member(server.port, "p17"))
            flooding = asyncio.create_task(_flood(sender, lazy))
            readiness = {await eventually(lambda: _shortage(server.port), "memory gets short")}
            for _ in range(stage.count(15, 100)):
                readiness.add(await _readiness(server.port))
                await asyncio.sleep(0.1)
            flooding.cancel()
            await asyncio.wait([flooding])
            shed = await _figure(server.port, "shed_total")
            peak = server.mapped_bytes
        started = time.monotonic()
        await eventually(lambda: _is_ready(server.port), "it is ready again")
        recovered = time.monotonic() - started
        assert server.is_alive
        assert "MemoryError" not in server.log
    assert readiness <= {"ready", "short of memory"}
    assert shed > 0
    stage.tell(f"{shed:.0f} dropped, {peak / cap:.0%} of the cap used, ready again after {recovered:.1f} s")


async def _flood(sender: Connection, readers: list[Connection]) -> None:
    for number in itertools.count(1):
        for each in readers:
            word = {"type": "signal", "to": each.id, "n": number, "payload": f"{number:060000}"}
            if not await sender.send(frame(TEXT, json.dumps(word).encode())):
                return


async def _readiness(port: int) -> str:
    async with connected(port) as link:
        await link.send(request("GET", "/readyz"))
        _, body = await link.response()
    return body.decode().strip()


async def _shortage(port: int) -> str:
    """What is short; empty while nothing is."""
    readiness = await _readiness(port)
    return "" if readiness == "ready" else readiness


async def _is_ready(port: int) -> bool:
    return await _readiness(port) == "ready"
