"""``peerlane nat pair`` as two processes, with a direct path, with a relay, and with nobody there."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from peer.nat.pair.build import SCHEMA
from peer.nat.pair.runner import PairOptions
from peer.nat.pair.runner import run as meet
from peer.room import join
from tests.end_to_end.commands import Command, command
from tests.end_to_end.conftest import PATIENCE, ServerProcess, StartServer
from tests.end_to_end.coturn import PASSWORD, USER, coturn

pytestmark = pytest.mark.end_to_end

SHORT = ("--seconds", "0.2")


async def told(end: Command) -> tuple[int, dict[str, Any]]:
    """The exit code, and the report."""
    report: dict[str, Any] = json.loads(await end.line())
    code = await end.ended()
    assert "Traceback" not in "".join(end.errors)
    return code, report


async def both(url: str, *options: str) -> list[tuple[int, dict[str, Any]]]:
    """Two ends that meet, and what each says."""
    arguments = ("nat", "pair", url, "r", "--json", *SHORT, *options)
    async with command(*arguments, "--name", "ana") as ana:
        await ana.noted("waiting for the other end")
        async with command(*arguments, "--name", "ben") as ben:
            return [await told(ben), await told(ana)]


async def test_two_ends_on_one_machine_are_connected_directly_and_measure_it(server: ServerProcess) -> None:
    (code, ben), (other_code, ana) = await both(server.url)
    assert code == other_code == 0
    for report, partner in ((ana, "ben"), (ben, "ana")):
        meeting = report["meeting"]
        assert report["schema"] == SCHEMA
        assert report["verdict"]["code"] == "direct"
        assert meeting["partner"] == partner
        assert meeting["path"]["route"] == meeting["partner_path"]["route"] == "direct"
        assert meeting["pairs"][0]["outcome"] == "selected"
        assert 0 < meeting["rtt"]["least"] <= meeting["rtt"]["median"] <= meeting["rtt"]["p99"] < 1
        assert meeting["connected_after"] <= meeting["first_message_after"]
        for way in ("to_partner", "from_partner"):
            assert meeting[way]["sent"] == 30
            assert meeting[way]["received"] > 15
            assert meeting[way]["bytes_per_second"] > 100_000
    assert ana["meeting"]["pairs"][0]["local"] == ben["meeting"]["pairs"][0]["remote"]


async def test_two_ends_that_want_a_relay_get_one_and_say_so(
    start_server: StartServer, tmp_path: Path
) -> None:
    async with coturn(tmp_path) as turn:
        servers = [{"urls": [turn.url("tcp")], "username": USER, "credential": PASSWORD}]
        server = start_server(PEERLANE_ICE_SERVERS=json.dumps(servers))
        for code, report in await both(server.url, "--relay-only"):
            assert code == 3
            assert report["verdict"]["code"] == "relayed"
            path, chosen = report["meeting"]["path"], report["meeting"]["pairs"][0]
            assert (path["route"], path["local_type"], path["protocol"]) == ("relayed", "relay", "tcp")
            assert (chosen["local_type"], chosen["protocol"]) == ("relay", "tcp")


async def test_without_a_relay_who_wants_one_gets_the_diagnosis_and_not_a_long_wait(
    server: ServerProcess,
) -> None:
    for code, report in await both(server.url, "--relay-only"):
        assert (code, report["verdict"]["code"]) == (4, "relay-only-without-turn")
        assert report["meeting"]["path"] is None


async def test_text_on_a_pipe_has_no_escapes_and_the_verdict_first(server: ServerProcess) -> None:
    arguments = ("nat", "pair", server.url, "r", *SHORT)
    async with command(*arguments) as ana, command(*arguments) as ben:
        for end in (ana, ben):
            lines = [await end.line() for _ in range(12)]
            assert lines[0].startswith("Direct, ")
            assert "Path" in lines
            assert "\x1b" not in "".join([*lines, *end.errors])


async def test_somebody_else_in_the_room_is_not_taken_for_the_other_end(server: ServerProcess) -> None:
    async with (
        join(server.url, "r", name="talker"),
        command("nat", "pair", server.url, "r", "--timeout", "1", "--json") as ana,
    ):
        await ana.noted("peerlane nat pair")
        code, report = await told(ana)
        assert (code, report["verdict"]["code"]) == (1, "nobody")


async def test_a_third_end_is_told_that_the_test_is_taken(server: ServerProcess) -> None:
    # The two measure for longer than any third end takes to start, and are ended after it was answered.
    arguments = ("nat", "pair", server.url, "r", "--json")
    async with command(*arguments, "--seconds", "60") as ana:
        await ana.noted("waiting")
        async with command(*arguments, "--seconds", "60"), join(server.url, "r") as room:
            async with asyncio.timeout(PATIENCE):
                while len([peer for peer in room.roster if peer.metadata]) < 2:  # noqa: ASYNC110 # a room tells of more
                    await asyncio.sleep(0.05)
            async with command(*arguments) as third:
                code, report = await told(third)
                assert (code, report["verdict"]["code"]) == (1, "taken")
            assert len([peer for peer in room.roster if peer.metadata]) == 2, "the test went on without it"


async def test_who_has_no_token_is_refused_with_exit_code_5(tmp_path: Path) -> None:
    options = ("--port", "0", "--stun-port", "0", "--token", "the one and only token")
    async with command("serve", *options, "--log-format", "json", "--state-dir", str(tmp_path)) as server:
        await server.noted('"listening"')
        url = json.loads(next(line for line in server.errors if '"listening"' in line))["local"]
        async with command("nat", "pair", url, "r", "--token", "another one", "--json") as ana:
            code, report = await told(ana)
            assert (code, report["verdict"]["code"]) == (5, "refused")


async def test_a_server_that_is_not_there_is_no_connectivity() -> None:
    async with command("nat", "pair", "http://localhost:9", "r", "--json") as ana:
        code, report = await told(ana)
        assert (code, report["verdict"]["code"]) == (4, "no-server")


async def test_an_interrupt_while_it_waits_is_exit_code_130(server: ServerProcess) -> None:
    async with command("nat", "pair", server.url, "r") as ana:
        await ana.noted("peerlane nat pair")
        ana.interrupt(signal.SIGINT)
        assert await ana.ended() == 130
        assert "Traceback" not in "".join(ana.errors)


async def leaves_in_the_middle(url: str) -> None:
    """The other end; it is gone when both have measured something, and before they have measured all."""
    end = asyncio.current_task()
    assert end is not None

    def tell(doing: str, fraction: float) -> None:
        if doing == "measuring the throughput":
            end.cancel()

    await meet(url, "r", PairOptions(seconds=0.2), waiting=lambda: None, tell=tell)


async def test_what_was_measured_is_told_when_the_other_end_leaves_in_the_middle(
    server: ServerProcess,
) -> None:
    async with command("nat", "pair", server.url, "r", "--json", *SHORT) as ana:
        await ana.noted("waiting")
        ben = asyncio.create_task(leaves_in_the_middle(server.url))
        await asyncio.wait([ben], timeout=PATIENCE)
        assert ben.cancelled()
        code, report = await told(ana)
        assert (code, report["verdict"]["code"]) == (0, "direct")
        assert report["meeting"]["has_ended_early"]
        assert report["meeting"]["first_message_after"] is not None
        assert any("left before" in each for each in report["verdict"]["advice"])
