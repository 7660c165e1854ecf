"""A real server in a process of its own, a real browser, and pages in windows that share nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests import needs

PATIENCE = 20.0
"""Seconds for anything that is going to happen at all."""

BROWSER = "chromium-headless-shell"
"""Chromium as it is, without the windows around its pages: those cost more time than the pages."""
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    # Two cameras, so that one can be swapped for the other; few pictures, since each costs the machine time.
    "--use-fake-device-for-media-stream=device-count=2,fps=10",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # An address that is this machine, but not a secure page as localhost is.
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",
]


class ServerProcess:
    """``peerlane serve`` with a state directory of its own; it keeps its port over restarts."""

    module = "peerlane"
    """What Python runs."""

    def __init__(self, folder: Path, settings: dict[str, str], *arguments: str) -> None:
        self._log_path = folder / "server.log"
        self._arguments = arguments
        self._state_dir = folder / "state"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def start(self) -> None:
        """Returns when it listens."""
        known = len(self.log) if self._log_path.exists() else 0
        self._log = self._log_path.open("ab")
        arguments = ["--dev", "--port", str(self.port), "--stun-port", "0", "--log-format", "json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PEERLANE_")}
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                self.module,
                "serve",
                *arguments,
                "--state-dir",
                str(self._state_dir),
                *self._arguments,
            ],
            stdout=self._log,
            stderr=self._log,
            env=environment | self._settings,
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in self.log[known:].splitlines():
                if '"listening"' in line:
                    self.port = int(json.loads(line)["local"].rsplit(":", 1)[1].strip("/"))
                    return
            assert self._process.poll() is None, f"the server has ended: {self.log[known:]}"
            time.sleep(0.02)
        raise AssertionError(f"the server does not listen: {self.log[known:]}")

    def kill(self) -> None:
        """As ``kill -9``: no goodbyes."""
        assert self._process is not None
        assert self._log is not None
        self._process.kill()
        self._process.wait(PATIENCE)
        self._log.close()
        self._process = None

    def leave(self) -> None:
        """As an orchestrator asks for it: with goodbyes."""
        assert self._process is not None
        self._process.terminate()

    def restart(self) -> None:
        """Kill it if it runs, and start it again at the same port."""
        self.close()
        self.start()

    def close(self) -> None:
        if self._process is not None:
            self.kill()


class StartServer(Protocol):
    def __call__(self, **settings: str) -> ServerProcess: ...


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers with settings from the environment, such as ``PEERLANE_SESSION_SETTLE="2"``."""
    started: list[ServerProcess] = []

    def start(**settings: str) -> ServerProcess:
        folder = tmp_path / f"server-{len(started)}"
        folder.mkdir()
        server = ServerProcess(folder, settings)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.close()


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    return start_server()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has to do with a browser runs in the loop that it was started in."""
    for item in items:
        if isinstance(item, pytest.Function) and "browser" in item.fixturenames:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


LaunchBrowser = Callable[[], Awaitable[Browser]]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def launch_browser() -> AsyncIterator[LaunchBrowser]:
    """Start browsers, which end with the last test of this folder."""
    launched: list[Browser] = []
    async with async_playwright() as playwright:

        async def launch() -> Browser:
            launched.append(
                await playwright.chromium.launch(
                    executable_path=needs.program(BROWSER), headless=True, args=BROWSER_ARGUMENTS
                )
            )
            return launched[-1]

        yield launch
        for browser in launched:
            await browser.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_browser(launch_browser: LaunchBrowser) -> Browser:
    return await launch_browser()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(shared_browser: Browser) -> AsyncIterator[Browser]:
    """One for many tests, since starting it takes longer than most of them; their windows share nothing."""
    assert not shared_browser.contexts
    yield shared_browser
    for context in shared_browser.contexts:
        await context.close()


class Reachable(Protocol):
    """A server, or whatever stands in front of it."""

    @property
    def url(self) -> str: ...


class OpenPage(Protocol):
    async def __call__(
        self, room: str, name: str, *, server: Reachable | None = None, **parameters: str
    ) -> Page: ...


@pytest.fixture
def faults() -> list[str]:
    """What pages have complained about: errors, and what the content policy has stopped."""
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(
    request: pytest.FixtureRequest, browser: Browser, faults: list[str], start_server: StartServer
) -> AsyncIterator[OpenPage]:
    """Open the page in a window of its own and, unless ``join="0"``, wait until it is in the room.

    ``start_server`` is here so that servers end after the pages: a browser may still be fetching the
    icon of the last one.
    """

    async def open_(room: str, name: str, *, server: Reachable | None = None, **parameters: str) -> Page:
        where = server or request.getfixturevalue("server")
        context = await browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = await context.new_page()
        _watch(page, name, faults)
        query = urlencode({"room": room, "name": name, "join": "1", **parameters})
        await page.goto(f"{where.url}/?{query}")
        if parameters.get("join") != "0":
            await until(page, "window.peerlane?.room?.state === 'open'")
        return page

    yield open_
    for context in browser.contexts:
        await context.close()
    assert not faults


@pytest_asyncio.fixture(loop_scope="session")
async def far_page(
    launch_browser: LaunchBrowser, server: ServerProcess, faults: list[str]
) -> AsyncIterator[tuple[Page, list[int]]]:
    """Ben's page in the garden, in a browser of its own, with the processes that it lives in."""
    other = await launch_browser()
    page = await other.new_page()
    page.on("pageerror", lambda error: faults.append(f"Ben: {error}"))
    await page.goto(f"{server.url}/?room=garden&name=Ben&join=1")
    devtools = await other.new_browser_cdp_session()
    found: dict[str, Any] = await devtools.send("SystemInfo.getProcessInfo")
    yield page, [process["id"] for process in found["processInfo"] if process["type"] == "renderer"]
    await other.close()


@contextmanager
def halted(processes: list[int]) -> Iterator[None]:
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


NO_ANSWER = (
    "WebSocket connection to",
    "net::ERR_CONNECTION_REFUSED",
    # The icon is fetched last of all, and may be on its way then.
    "net::ERR_CONNECTION_RESET",
    "net::ERR_SOCKET_NOT_CONNECTED",
)


def _watch(page: Page, name: str, faults: list[str]) -> None:
    def heard(kind: str, text: str) -> None:
        # That a server which was killed, or a wire that was cut, does not answer is no fault of the page.
        if kind in ("error", "warning") and not any(words in text for words in NO_ANSWER):
            faults.append(f"{name}: {text}")

    page.on("console", lambda message: heard(message.type, message.text))
    page.on("pageerror", lambda error: heard("error", str(error)))


async def eventually(look: Callable[[], Any], what: str, within: float = PATIENCE) -> Any:
    """The first true answer of ``look()``, awaited if need be. Fails after ``within`` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = look()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"within {within} s it was never so: {what} (last: {answer!r})")
        await asyncio.sleep(0.05)


async def until(page: Page, expression: str, within: float = PATIENCE) -> None:
    """Wait until an expression is true in the page; Playwright's own way is stopped by the content policy."""
    await eventually(lambda: page.evaluate(expression), expression, within)
