"""Every HTTP route against its own description: all that it forbids, and what it does not mention."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path

import pytest

from tests.hostile.stage import Stage, running

pytestmark = pytest.mark.end_to_end

TOKEN = "an admin token of some length"
TURN = json.dumps(
    [{"urls": ["turn:turn.example.org"], "secrets": ["a secret of a TURN server, long enough"]}]
)
# That a body is too long is a refusal like any other.
CONFIGURATION = """[checks.negative_data_rejection]
expected-statuses = ["4xx", "5xx"]
"""
SEED = "20261123"
AUTHORIZATIONS = {"with the admin token": TOKEN, "with a bad token": "nobody", "without a token": ""}


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
            *("--exclude-path", "/v1/ws", "--checks", "all", "--mode", "all", "--seed", SEED, "--no-color"),
            *("--max-examples", str(stage.count(10, 150))),
        ]
        if token:
            arguments += ["-H", f"Authorization: Bearer {token}"]
        process = await asyncio.create_subprocess_exec(
            *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        assert server.is_alive
        assert '"exception"' not in server.log
    counted = re.search(r"(\d+) generated", said.decode())
    assert counted is not None
    stage.tell(f"{counted[1]} requests, seed {SEED}")
