"""Whole runs against servers on loopback: real ones, and those that are silent, lie or never stop."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aioice.stun import Class, Message, Method

from peer.nat.observations import Observations
from peer.nat.plan import Options, Plan, plan
from peer.nat.runner import run
from peer.nat.stun_socket import Address, text_of
from tests.peer.nat.probes.stun_servers import two_addresses

PATIENCE, MARGIN = 0.5, 0.5

Answer = Callable[[bytes, Address], list[bytes]]
"""What comes in, and from where → what is sent back there."""


class Listening(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.heard: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.address: Address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.heard.append(data)
        for reply in self._answer(data, addr):
            self.transport.sendto(reply, addr)


@asynccontextmanager
async def listening(answer: Answer, host: str = "127.0.0.1") -> AsyncIterator[Listening]:
    loop = asyncio.get_running_loop()
    transport, listener = await loop.create_datagram_endpoint(lambda: Listening(answer), local_addr=(host, 0))
    try:
        yield listener
    finally:
        transport.close()


def planned(*servers: str, hairpin: bool = False, timeout: float = PATIENCE) -> Plan:
    options = Options(
        servers=list(servers),
        username="ana",
        credential="s3cret",
        hairpin=hairpin,
        port_mappers=False,
        timeout=timeout,
    )
    found = plan(options, unix_now=time.time())
    assert isinstance(found, Plan), found
    return found


async def ran(planned: Plan) -> Observations:
    """In time, and with no socket left open."""
    before = open_files()
    began = time.monotonic()
    seen = await run(planned)
    assert time.monotonic() - began < planned.options.timeout + MARGIN
    await asyncio.sleep(0)
    gc.collect()
    assert open_files() <= before
    return seen


def open_files() -> int:
    """0 where the system does not tell."""
    directory = Path("/proc/self/fd")
    return len(list(directory.iterdir())) if directory.exists() else 0


def told(data: bytes, attributes: dict[str, Any], kind: Class = Class.RESPONSE) -> bytes:
    return bytes(Message(Method.BINDING, kind, data[8:20], attributes))


def silence(data: bytes, source: Address) -> list[bytes]:
    return []


def flood(data: bytes, source: Address) -> list[bytes]:
    return [os.urandom(60) for _ in range(500)]


def another_question(data: bytes, source: Address) -> list[bytes]:
    return [bytes(Message(Method.BINDING, Class.RESPONSE, None, {"XOR-MAPPED-ADDRESS": source}))]


def half(data: bytes, source: Address) -> list[bytes]:
    return [told(data, {"XOR-MAPPED-ADDRESS": source})[:-3]]


def too_long_attribute(data: bytes, source: Address) -> list[bytes]:
    return [told(data, {})[:2] + b"\0\x08" + data[4:20] + b"\0\x20\xff\xff\0\0\0\0"]


def port_0(data: bytes, source: Address) -> list[bytes]:
    return [told(data, {"XOR-MAPPED-ADDRESS": (source[0], 0)})]


def of_another_family(data: bytes, source: Address) -> list[bytes]:
    return [told(data, {"XOR-MAPPED-ADDRESS": ("2001:db8::1", 5)})]


def nothing_in_it(data: bytes, source: Address) -> list[bytes]:
    return [told(data, {})]


def an_error(data: bytes, source: Address) -> list[bytes]:
    return [told(data, {"ERROR-CODE": (420, "")}, Class.ERROR)]


def an_error_without_a_code(data: bytes, source: Address) -> list[bytes]:
    return [told(data, {}, Class.ERROR)]


@pytest.mark.parametrize(
    "answer",
    [
        silence,
        flood,
        another_question,
        half,
        too_long_attribute,
        port_0,
        of_another_family,
        nothing_in_it,
        an_error,
        an_error_without_a_code,
    ],
)
async def test_a_server_that_makes_no_sense_is_told_as_such_and_costs_no_more_time(answer: Answer) -> None:
    async with listening(answer) as server:
        endpoint = text_of(server.address)
        seen = await ran(planned(f"stun:{endpoint}", f"turn:{endpoint}"))
    (asked,) = seen.stun
    assert asked.address == endpoint
    assert asked.rtt is None
    assert asked.trouble
    assert seen.mapping == seen.knock == seen.filtering == []
    (relay,) = seen.turn
    assert relay.allocated is None
    assert relay.trouble


@pytest.mark.parametrize("claim", ["OTHER-ADDRESS", "XOR-MAPPED-ADDRESS"])
async def test_nothing_is_sent_where_a_server_points_to_without_being_of_its_kind(claim: str) -> None:
    def points(data: bytes, source: Address) -> list[bytes]:
        return [told(data, {"XOR-MAPPED-ADDRESS": source} | {claim: ("169.254.169.254", 80)})]

    async with listening(points) as server:
        seen = await ran(planned(f"stun:{text_of(server.address)}", hairpin=True, timeout=2.0))
    assert seen.hairpin == []
    assert seen.filtering == seen.knock == []
    assert all("169.254" not in asked for test in seen.mapping for asked in (*test.mapped, *test.silent))


async def test_a_huge_answer_is_an_answer() -> None:
    def huge(data: bytes, source: Address) -> list[bytes]:
        return [told(data, {"XOR-MAPPED-ADDRESS": source, "SOFTWARE": "x" * 60_000})]

    async with listening(huge) as server:
        seen = await ran(planned(f"stun:{text_of(server.address)}", timeout=2.0))
    assert seen.stun[0].mapped == seen.stun[0].local


async def test_an_open_path_is_seen_as_one() -> None:
    async with two_addresses() as server:
        seen = await ran(planned(f"stun:{text_of(server.primary)}", timeout=5.0))
    assert [it.trouble for it in seen.stun] == [""]
    assert len(seen.mapping[0].mapped) == 3
    assert seen.filtering[0].from_other_address
    assert seen.filtering[0].from_other_port
    assert seen.knock[0].before == seen.knock[0].after
    assert seen.took < 3.0


async def test_what_was_found_is_told_even_if_the_time_is_over_before_the_rest() -> None:
    async with two_addresses() as server:
        # Nothing comes from elsewhere, which takes time to be sure of.
        server.filters = lambda asked, sender: asked != sender
        seen = await ran(planned(f"stun:{text_of(server.primary)}"))
    assert len(seen.mapping[0].mapped) == 3
    assert seen.filtering == []


async def test_progress_names_what_is_done_and_never_leaves_its_range() -> None:
    heard: list[tuple[str, float]] = []
    async with two_addresses() as server:
        endpoint = text_of(server.primary)
        await run(planned(f"stun:{endpoint}", timeout=5.0), lambda doing, part: heard.append((doing, part)))
    assert f"asking stun:{endpoint}" in [doing for doing, _ in heard]
    assert all(0.0 <= part <= 1.0 for _, part in heard)


async def test_what_was_not_asked_says_why() -> None:
    async with listening(silence) as server:
        seen = await ran(planned(f"stun:{text_of(server.address)}"))
    assert {"hairpin", "lifetime", "port_mappers"} <= seen.skipped.keys()
    assert all(why.endswith(".") for why in seen.skipped.values())


async def test_a_name_that_nobody_knows_is_a_trouble_of_that_server_alone() -> None:
    async with two_addresses() as server:
        seen = await ran(planned("stun:nowhere.invalid", f"stun:{text_of(server.primary)}", timeout=5.0))
    by_url = {it.url: it for it in seen.stun}
    assert "does not resolve" in by_url["stun:nowhere.invalid"].trouble
    assert by_url[f"stun:{text_of(server.primary)}"].rtt is not None
