"""Each program of ``examples/``, run as a user would, for a few seconds."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peer.channels.kinds import RELIABLE
from peer.room import join
from tests.end_to_end.conftest import PATIENCE, ServerProcess

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def example(name: str, *arguments: str) -> AsyncIterator[Process]:
    """Runs until the end of the block, or until its own."""
    script = str(ROOT / "examples" / f"{name}.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        *arguments,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdin=DEVNULL,
        stdout=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(process: Process, text: str) -> str:
    """The first line with this text in it."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        async for line in process.stdout:
            if text in line.decode():
                return line.decode()
    raise AssertionError(f"it ended without {text!r}")


async def test_moves_are_seen_by_each_other(server: ServerProcess) -> None:
    async with (
        example("moves", server.url, "arena", "ana") as ana,
        example("moves", server.url, "arena", "ben") as ben,
    ):
        assert await line_with(ana, "ben b'jump'")
        assert await line_with(ben, "ana b'left'")


async def test_the_bot_greets_and_tells_the_time(server: ServerProcess) -> None:
    async with example("chat_bot", server.url, "demo") as bot:
        await line_with(bot, "in default/demo")
        async with join(server.url, "demo", name="Ana") as room, asyncio.timeout(PATIENCE):
            peer = await anext(aiter(room.peers()))
            chat = await peer.open("chat", RELIABLE)
            messages = aiter(chat)
            assert json.loads(await anext(messages))["text"].startswith("Hello Ana!")
            await chat.send("no JSON at all")
            await chat.send(json.dumps({"text": "what time is it?"}))
            assert json.loads(await anext(messages))["text"].startswith("It is ")


async def test_the_tone_is_played_and_heard(server: ServerProcess, tmp_path: Path) -> None:
    files = [tmp_path / "one.wav", tmp_path / "two.wav"]
    async with (
        example("tone", server.url, "demo", str(files[0]), "4") as one,
        example("tone", server.url, "demo", str(files[1]), "4") as two,
    ):
        assert "tone microphone" in await line_with(one, "heard")
        assert "tone microphone" in await line_with(two, "heard")
    assert all(path.stat().st_size > 100_000 for path in files)
