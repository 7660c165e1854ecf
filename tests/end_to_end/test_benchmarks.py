"""The benchmarks run, lose nothing, and say what they found in the agreed form."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


async def measured(*arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks",
        *arguments,
        "--quick",
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(110):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    (line,) = out.decode().splitlines()
    report: dict[str, Any] = json.loads(line)
    assert report.keys() == {"benchmark", "figures", "ratios"}
    assert all(figure.keys() == {"value", "unit"} for figure in report["figures"].values())
    return report


async def test_relay_delivers_every_signal() -> None:
    report = await measured("relay", "--only", "ours")
    assert report["benchmark"] == "relay"
    assert report["figures"]["ours: signals"]["value"] > 0


async def test_heal_measures_the_parts_that_are_asked_for() -> None:
    report = await measured("heal", "--only", "servers")
    assert report["figures"]["servers: first message, two dead servers"]["value"] > 0
    assert report["ratios"].keys() == {"bare aiortc, with dead servers"}


async def test_connect_measures_both_sides() -> None:
    report = await measured("connect")
    assert report["figures"]["ours: p50"]["value"] > 0
    assert report["ratios"].keys() == {"bare aiortc"}


async def test_the_benchmarks_with_crowds_count_what_arrives() -> None:
    report = await measured("fanout", "--only", "10")
    assert report["figures"]["1 to 10: lost, doubled or reordered"]["value"] == 0
    assert report["figures"]["1 to 10: broadcasts"]["value"] == 150


@pytest.mark.needs("redis-server")
async def test_nodes_loses_no_signal_on_its_way_to_another_node() -> None:
    report = await measured("nodes", "--only", "redis")
    assert report["figures"]["redis: across p50 at 1000/s"]["value"] > 0
    assert report["figures"]["redis: across signal, broker at 1000/s"]["value"] > 0
    assert report["ratios"].keys() == {
        "alone, redis signals",
        "alone, redis signals for each second of CPU",
    }


async def test_feed_tells_every_reader_the_same() -> None:
    report = await measured("feed")
    assert report["figures"]["100 readers: events for each"]["value"] > 0
    assert report["ratios"].keys() == {"nobody reads"}
