"""Secrets in files: read at the start, read again when they change, and never shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from signaling import secret_files
from signaling.app import create_app
from signaling.config import Config, Ice, Session, TurnServers
from signaling.config import Server as ServerConfig
from signaling.secret_files import UnusableSecrets, read_file, watch
from signaling.turn import password

KEY = b"0123456789abcdef0123456789abcdef"
OLD, NEW = "0123456789abcdef", "fedcba9876543210"


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[asyncio.Queue[list[str]]]:
    told: asyncio.Queue[list[str]] = asyncio.Queue()
    task = asyncio.create_task(watch([str(path)], lambda _, secrets: told.put_nowait(secrets)))
    try:
        async with asyncio.timeout(10.0):
            yield told
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_files, "INTERVAL", 0.01)


async def test_a_file_is_told_at_once_and_whenever_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(OLD)
    async with watching(path) as told:
        assert await told.get() == [OLD]
        path.write_text(f"{NEW}\n{OLD}\n")
        assert await told.get() == [NEW, OLD]
        replacement = tmp_path / "replacement"
        replacement.write_text(NEW)
        replacement.replace(path)
        assert await told.get() == [NEW]


async def test_while_a_file_cannot_be_used_the_secrets_of_before_hold_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    caplog.set_level(logging.INFO)
    warned, listening = asyncio.Event(), logging.Handler(logging.WARNING)
    listening.emit = lambda record: warned.set()  # type: ignore[method-assign]  # all that is needed of one
    logger = logging.getLogger("signaling.secret_files")
    logger.addHandler(listening)
    request.addfinalizer(lambda: logger.removeHandler(listening))
    path = tmp_path / "secret"
    path.write_text(OLD)
    async with watching(path) as told:
        assert await told.get() == [OLD]
        path.write_text("hunter2")
        await warned.wait()
        assert told.empty()
        path.write_text(NEW)
        assert await told.get() == [NEW]
    assert caplog.text.count("needs 16") == 1
    for secret in ("hunter2", OLD, NEW):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "no secret"), (b"hunter2", "needs 16"), (b"\xff" * 20, "no text"), (b"x" * 5_000, "4096")],
)
def test_a_file_without_usable_secrets_is_told_by_its_name(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(UnusableSecrets, match=problem) as caught:
        read_file(str(path))
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_server_does_not_start_with_a_file_that_it_cannot_use(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    config = Config(ice=Ice(turn=[TurnServers(["turn:t.example"], secret_file=missing)]))
    with pytest.raises(UnusableSecrets, match="cannot be read"):
        create_app(config, ticket_key=KEY)


async def test_a_running_server_signs_with_the_new_secret_and_tells_its_sessions(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(OLD)
    config = Config(
        server=ServerConfig(dev=True),
        session=Session(ping_interval=0.1),
        ice=Ice(turn=[TurnServers(["turn:t.example"], secret_file=str(path))]),
    )
    async with TestClient(TestServer(create_app(config, ticket_key=KEY))) as client, asyncio.timeout(10.0):
        body = await (await client.get("/v1/ice-servers")).json()
        assert body["password"] == password(OLD, body["username"])
        async with client.ws_connect("/v1/ws") as socket:
            await socket.send_json({"type": "hello"})
            assert (await socket.receive_json())["type"] == "welcome"
            path.write_text(f"{NEW}\n{OLD}\n")
            heard: list[dict[str, Any]] = []
            while not (events := [each for each in heard if each["type"] == "ice-servers"]):
                frame = await socket.receive_json()
                heard += frame if isinstance(frame, list) else [frame]
                await socket.send_json({"type": "pong"})
            [told] = events[0]["ice_servers"]
            assert told["credential"] == password(NEW, told["username"])
