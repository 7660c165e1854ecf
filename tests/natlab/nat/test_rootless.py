"""The lab needs nobody's permission where namespaces of users are allowed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.natlab.nat.rootless import inside

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
NOBODY = 65_534

CLASSIFY = """
import asyncio, json, sys
from tests.natlab.nat.classification import checked, seen
from tests.natlab.nat.internet import Internet
from tests.natlab.nat.networks import network
from tests.natlab.nat.services import services

async def main():
    with Internet() as internet, services(internet) as served:
        client = internet.place(network(sys.argv[1]))
        return seen(await checked(client, served))

found = asyncio.run(main())
print(json.dumps(found))
"""

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.needs("users"),
]


def as_nobody() -> list[str]:
    """What makes a command one of nobody's, where the tests are root's and nobody may read this Python."""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    command = [*drop, *inside(sys.executable, "-c", "")]
    tried = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    return drop if tried.returncode == 0 else []


def test_a_network_is_classified_without_root() -> None:
    done = subprocess.run(
        [*as_nobody(), *inside(sys.executable, "-c", CLASSIFY, "port-restricted")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "mapping": "endpoint-independent",
        "filtering": "address-and-port-dependent",
        "is_stable": True,
    }
