"""What must not be told: in the log, in the figures, in answers."""

from __future__ import annotations

import json

import pytest

from tests.hostile.raw import connected, greeted, member, request, upgrade, upgraded
from tests.hostile.stage import Server, Stage, running

pytestmark = pytest.mark.end_to_end

TOKEN = "a-token-that-nobody-may-read"
BEARER = "a-bearer-that-nobody-may-read"
PASSWORD = "an-ice-password-that-nobody-may-read"
QUERY = "a-query-that-nobody-may-read"
NAME = "somebody@example.org"
SECRETS = (TOKEN, BEARER, PASSWORD, QUERY, NAME)


async def test_s01_no_secret_is_in_the_log_even_of_a_debugger(stage: Stage) -> None:
    """tokens, passwords, tickets, e-mail; log at debug"""
    with running(PEERLANE_LOG_LEVEL="debug") as server:
        ticket = await _tell_secrets(server)
        log = server.log
    hits = [secret for secret in (*SECRETS, ticket) if secret in log]
    assert hits == []
    stage.tell(f"0 hits in {len(log)} characters")


async def test_s02_no_secret_is_in_the_figures_the_answers_or_the_arguments(stage: Stage) -> None:
    """/metrics, /healthz, /readyz, /v1/info, errors, arguments of the process"""
    with running() as server:
        ticket = await _tell_secrets(server)
        told = b""
        for path in ("/metrics", "/healthz", "/readyz", "/v1/info", f"/nothing?token={QUERY}"):
            async with connected(server.port) as link:
                await link.send(request("GET", path, [("Authorization", f"Bearer {BEARER}")]))
                head, body = await link.response()
                told += head + body
        with open(f"/proc/{server.pid}/cmdline", "rb") as arguments:  # noqa: ASYNC230 the kernel's, and short
            told += arguments.read()
    hits = [secret for secret in (*SECRETS, ticket) if secret.encode() in told]
    assert hits == []
    stage.tell(f"0 hits in {len(told)} bytes")


async def _tell_secrets(server: Server) -> str:
    """Say secrets wherever there is room for one; the ticket that came back."""
    sdp = f"v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:{PASSWORD}\r\n"
    async with upgraded(server.port, Authorization=f"Bearer {BEARER}") as link:
        await link.say({"type": "hello", "token": TOKEN})
        ticket = str((await link.words("welcome"))["ticket"])
        await link.say(
            {"type": "join", "request": 1, "room": "s01", "name": NAME, "metadata": {"password": PASSWORD}},
            {"type": "authenticate", "request": 2, "token": TOKEN},
            {"type": "signal", "to": "nobody", "n": 1, "payload": {"sdp": sdp}},
            {"type": "broadcast", "room": "s01", "payload": sdp},
            {"type": "nonsense", "token": TOKEN, "password": PASSWORD},
        )
        await link.say({"type": "ping"})
        await link.words("pong")
    async with connected(server.port) as other:
        await other.send(upgrade(Origin=f"https://{QUERY}.example"))
        await other.status()
    async with connected(server.port) as other:
        await other.send(request("GET", f"/v1/ws?token={QUERY}\x01", [("Authorization", f"Bearer {BEARER}")]))
        await other.status()
    return ticket


async def test_s03_the_series_of_the_metrics_do_not_grow_with_what_clients_name(stage: Stage) -> None:
    """many rooms, names and paths"""
    count = stage.count(40, 2_000)
    # So that each has its own types counted before.
    async with member(stage.port, "s03") as link:
        await link.say({"type": "leave", "request": 2, "room": "s03"}, {"type": "bogus"})
        await link.words("refused")
    before = await _series(stage.port)
    for number in range(count):
        async with greeted(stage.port) as link:
            await link.say({"type": "join", "request": 1, "room": f"s03-{number}/x", "name": f"{number}"})
            await link.words("joined")
            await link.say({"type": f"bogus-{number}"})
            await link.words("refused")
            await link.say({"type": "bye"})
        async with connected(stage.port) as other:
            await other.send(request("GET", f"/s03-{number}"))
            assert await other.status() == 404
    after = await _series(stage.port)
    assert len(after) <= len(before) + 10, after - before
    stage.tell(f"{len(after)} series after {count} rooms, {len(before)} before")


async def _series(port: int) -> set[str]:
    async with connected(port) as link:
        await link.send(request("GET", "/metrics"))
        _, body = await link.response()
    return {line.rpartition(" ")[0] for line in body.decode().splitlines() if not line.startswith("#")}


async def test_s02_a_refusal_names_no_paths_and_no_lines_of_ours(stage: Stage) -> None:
    """answers to what is wrong"""
    async with member(stage.port, "s02") as link:
        await link.say({"type": "join", "request": 1, "room": "", "name": "x"}, {"type": "bogus"})
        for _ in range(2):
            told = json.dumps(await link.words("refused"))
            assert "Traceback" not in told
            assert ".py" not in told
