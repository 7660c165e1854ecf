"""A real server for rooms of Python peers, and what happens in such a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestServer

from signaling.app import create_app
from signaling.config import Auth, Config, Server

PATIENCE = 10.0


@asynccontextmanager
async def serving(tmp_path: Path, auth: Auth | None = None) -> AsyncIterator[TestServer]:
    config = Config(server=Server(dev=True, state_dir=str(tmp_path)), auth=auth or Auth())
    async with TestServer(create_app(config)) as server:
        yield server


async def until(happenings: AsyncIterator[Any], kind: type[Any]) -> Any:
    """The next event of this kind."""
    async with asyncio.timeout(PATIENCE):
        async for event in happenings:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the room ended without a {kind.__name__}")
