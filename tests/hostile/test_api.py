"""Every HTTP route against its own description: all that it forbids, and what it does not mention."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path

import pytest

from tests.hostile.raw import greeted
from tests.hostile.stage import Stage, running

pytestmark = pytest.mark.end_to_end

TOKEN = "an admin token of some length"
TURN = json.dumps(
    [{"urls": ["turn:turn.example.org"], "secrets": ["a secret of a TURN server, long enough"]}]
)
# That a body is too long is a refusal like any other; and no link that it thinks of is one of ours.
CONFIGURATION = """[checks.negative_data_rejection]
expected-statuses = ["4xx", "5xx"]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "410", "429", "5xx"]
"""
SEED = "20261123"
AUTHORIZATIONS = {"with the admin token": TOKEN, "with a bad token": "nobody", "without a token": ""}


async def _come_back(port: int) -> None:
    """Somebody in the garden of the description's examples, again whenever they are thrown out."""
    number = 0
    async with greeted(port) as link:
        while True:
            number += 1
            await link.say({"type": "join", "request": number, "room": "garden", "name": "Ana"})
            await link.words("kicked")


@pytest.mark.parametrize("token", AUTHORIZATIONS.values(), ids=AUTHORIZATIONS.keys())
async def test_w10_every_route_does_what_its_description_says(stage: Stage, token: str) -> None:
    """methods, parameters, bodies and headers of all sorts"""
    settings = {
        "PEERLANE_SERVER_ADMIN_TOKENS": json.dumps([TOKEN]),
        "PEERLANE_ICE_TURN": TURN,
        "PEERLANE_LIMITS_CREDENTIALS_PER_SECOND_PER_ADDRESS": "100000",
    }
    with tempfile.TemporaryDirectory() as folder, running(**settings) as server:
        (Path(folder) / "schemathesis.toml").write_text(CONFIGURATION)
        arguments = [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"http://127.0.0.1:{server.port}/v1/openapi.json",
            # An upgrade is no request with an answer; its headers are attacked elsewhere.
            *("--exclude-path", "/v1/ws"),
            # Its answer lasts until somebody hangs up; tests/signaling/transports/test_sse.py reads it.
            *("--exclude-path", "/v1/sse"),
            # Two of its headers come together or not at all, which OpenAPI cannot say; tested there too.
            *("--exclude-path", "/v1/poll", "--checks", "all", "--mode", "all", "--seed", SEED, "--no-color"),
            # Hardly anything cannot be written in a path, and it looks for that.
            *("--suppress-health-check", "filter_too_much"),
            *("--max-examples", str(stage.count(5, 150))),
        ]
        if not stage.is_full:
            arguments += ["--phases", "examples,coverage,fuzzing"]
        if token == TOKEN:
            # It would take nobody in any more, and that is all that could be tried.
            arguments += ["--exclude-name", "POST /v1/admin/drain"]
            # Its answer has no end; tests/signaling/test_feed.py reads it.
            arguments += ["--exclude-name", "GET /v1/feed"]
        if token:
            arguments += ["-H", f"Authorization: Bearer {token}"]
        member = asyncio.create_task(_come_back(server.port))
        process = await asyncio.create_subprocess_exec(
            *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        member.cancel()
        await asyncio.wait([member])
        assert process.returncode == 0, said.decode()
        assert server.is_alive
        assert '"exception"' not in server.log
        done = {
            (line["act"], line["outcome"])
            for line in map(json.loads, server.log.splitlines())
            if line["logger"] == "signaling.audit"
        }
        assert (token == TOKEN) == done.issuperset([("show-room", 200), ("close-room", 204)]), done
    counted = re.search(r"(\d+) generated", said.decode())
    assert counted is not None
    stage.tell(f"{counted[1]} requests, seed {SEED}")
