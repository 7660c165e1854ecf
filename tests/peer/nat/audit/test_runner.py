"""Audits of servers that do not behave: they end in time, and say what there is to say."""

from __future__ import annotations

import time

import pytest
from aioice.stun import Method

from peer.engine.ice.servers import ServerAddress
from peer.nat.audit.build import report
from peer.nat.audit.plan import Options, Plan, plan
from peer.nat.audit.report import AuditReport
from peer.nat.audit.runner import run
from tests.peer.engine.ice.turn_server import PASSWORD, USER, TurnServer
from tests.peer.nat.turn_servers import (
    GARBAGE,
    HUGE,
    WEB,
    Forgetful,
    Forging,
    Insatiable,
    Mumbling,
    Relaying,
    Speaking,
    serving,
)

PATIENCE = 0.3


async def audit(server: ServerAddress, timeout: float = PATIENCE, within: float = 3.0) -> AuditReport:
    planned = plan(Options(server=server.url, username=USER, password=PASSWORD, timeout=timeout))
    assert isinstance(planned, Plan)
    began = time.monotonic()
    evidence = await run(planned)
    assert time.monotonic() - began < within
    return report(evidence)


@pytest.mark.parametrize(
    ("transport", "server"),
    [
        ("udp", Speaking(b"")),
        ("udp", Speaking(GARBAGE)),
        ("tcp", Speaking(GARBAGE)),
        ("tcp", Speaking(WEB)),
        ("tcp", Speaking(HUGE)),
        ("tcp", Speaking(b"", closes=True)),
        ("tls", Speaking(WEB)),
        ("udp", Mumbling()),
    ],
)
async def test_what_is_no_turn_server_is_told_and_not_audited(transport: str, server: TurnServer) -> None:
    async with serving(server, transport) as url:
        said = await audit(url)
    assert (said.verdict.code, said.verdict.exit_code) == ("unreachable", 4)
    assert url.url in said.verdict.advice[0]
    assert said.findings == said.passed == []


async def test_credentials_that_are_refused_end_with_five() -> None:
    server = Relaying()
    server.refuses[Method.ALLOCATE] = (401, "")
    async with serving(server) as url:
        said = await audit(url)
    assert (said.verdict.code, said.verdict.exit_code) == ("refused", 5)


@pytest.mark.parametrize("server", [Insatiable(401), Insatiable(438), Forgetful(), Forging()])
async def test_a_server_that_gives_no_relay_is_not_called_clean(server: TurnServer) -> None:
    async with serving(server) as url:
        said = await audit(url, within=6.0)
    assert said.verdict.exit_code != 0
    assert {check.code for check in said.passed}.isdisjoint({"permits-private", "permits-loopback"})


async def test_a_server_that_falls_silent_is_not_called_clean() -> None:
    server = Relaying()
    server.ignores |= {Method.CREATE_PERMISSION, Method.CHANNEL_BIND}
    async with serving(server) as url:
        said = await audit(url, within=6.0)
    assert "permits-private" in {check.code for check in said.unchecked}
    assert len(server.asked(Method.CREATE_PERMISSION)) < 60


async def test_a_server_that_permits_everything_is_told_each_address() -> None:
    server = Relaying()
    async with serving(server) as url:
        said = await audit(url, 0.5, within=15.0)
    found = {finding.code: finding for finding in said.findings}
    assert "10.0.0.1" in found["permits-private"].seen
    assert "::ffff:127.0.0.1" in found["permits-ipv4-mapped"].seen
    assert server.data == []
    assert server.asked(Method.SEND) == []


async def test_every_relay_is_given_back() -> None:
    server = Relaying()
    server.refuses[Method.CREATE_PERMISSION] = server.refuses[Method.CHANNEL_BIND] = (403, "")
    async with serving(server) as url:
        await audit(url, 0.5, within=15.0)
    ended = [each for each in server.asked(Method.REFRESH) if each.attributes["LIFETIME"] == 0]
    assert len(ended) == len(server.asked(Method.ALLOCATE))
