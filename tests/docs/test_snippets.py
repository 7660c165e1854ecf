from __future__ import annotations

import ast
import asyncio
import importlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from peer.channels.kinds import LATEST
from peer.room import join
from signaling.app import create_app
from signaling.config import Config, Server

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def snippets() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL), 1):
            found.append((f"{page.name} {number}", code))
    return found


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in snippets()])
def test_every_snippet_is_python_and_imports_what_exists(code: str) -> None:
    tree = compile(code, "snippet", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(tree, ast.Module)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    config = Config(server=Server(dev=True, state_dir=str(tmp_path)))
    async with TestServer(create_app(config)) as server:
        yield str(server.make_url("/"))


async def run_snippet(name: str, url: str, say: Callable[..., None]) -> None:
    """Run a snippet of the documents against the server at ``url``; what it prints goes to ``say``."""
    code = re.sub(r"(ws|http)://localhost:8080", url, dict(snippets())[name])
    compiled = compile(code, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(compiled, {"__name__": name, "print": say})  # our own documents


async def test_the_snippet_of_the_readme_does_what_it_says(url: str) -> None:
    said: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
    async with asyncio.timeout(20), join(url, "arena", name="ana") as room:
        bot = asyncio.create_task(run_snippet("README.md 1", url, say=lambda *words: said.put_nowait(words)))
        async for peer in room.peers():
            moves = await peer.open("moves", LATEST)
            assert await anext(moves) == b"left"
            await moves.send(b"right")
            assert await said.get() == ("ana", b"right")
            break
        bot.cancel()
        await asyncio.wait([bot])
