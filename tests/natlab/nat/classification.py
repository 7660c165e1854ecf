"""Whether ``peerlane nat check`` sees what a network is."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.natlab.nat.internet import Client
from tests.natlab.nat.networks import Network
from tests.natlab.nat.services import Services

ROOT = Path(__file__).parents[3]
TIMEOUT = 20.0
"""The command takes 5 s at the most, and this machine may be busy."""


async def checked(client: Client, services: Services, *arguments: str) -> dict[str, Any]:
    """The JSON of ``peerlane nat check``, run by this client."""
    servers = arguments or (services.stun,)
    process = await asyncio.create_subprocess_exec(
        *client.command(sys.executable, "-m", "peerlane", "nat", "check", "--json", *servers),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, **services.environment},
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert b"Traceback" not in errors, errors.decode()
    assert output, errors.decode()
    report: dict[str, Any] = json.loads(output)
    return report


def seen(report: dict[str, Any]) -> dict[str, Any]:
    """Mapping, filtering and stability of what is there over IPv4."""
    behaviour = next((each for each in report["behaviour"] if each["family"] == 4), {})
    return {
        "mapping": behaviour.get("mapping", "unknown"),
        "filtering": behaviour.get("filtering", "unknown"),
        "is_stable": behaviour.get("is_stable"),
    }


def expected(network: Network) -> dict[str, Any]:
    return {
        "mapping": network.mapping,
        "filtering": network.filtering,
        "is_stable": network.is_stable,
    }
