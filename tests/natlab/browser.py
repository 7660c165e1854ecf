"""Chromium on a machine of the lab, with our page in it, that obeys like a process does."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from playwright.async_api import Browser, Error, Page, async_playwright

from tests.natlab.actors import PATIENCE, ActorError
from tests.natlab.lab import Machine

OBEYING = Path(__file__).with_name("browser_peer.js").read_text()
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
CLOCK_TRIES = 10
START_TIMEOUT = 30.0


class Runs(Protocol):
    """A machine of any lab."""

    def command(self, *command: str) -> list[str]:
        """The command line that runs ``command`` on it."""


def chromium() -> str | None:
    return shutil.which("chromium")


class BrowserPeer:
    """A page in a room. ``complaints`` is what it has written to its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    async def do(self, name: str, **how: Any) -> Any:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.page.evaluate(
                    "([name, how]) => window.actor[name](how)", [f"do_{name}", how]
                )
        except (Error, TimeoutError) as error:
            raise ActorError(f"{name}: {error!r}; the page said: {self.complaints[-10:]}") from error

    async def prepare(self, script: str = OBEYING) -> None:
        """When the page is where it must be (in its room): give it what makes it obey, and our clock."""
        await self.page.evaluate(script)
        tries = []
        for _ in range(CLOCK_TRIES):
            before = time.monotonic()
            there = await self.do("clock")
            after = time.monotonic()
            tries.append((after - before, (before + after) / 2 - there))
        # The quickest answer knows best.
        await self.do("clock", set=min(tries)[1])


@asynccontextmanager
async def browser_on(machine: Runs, origin: str, *arguments: str) -> AsyncIterator[Browser]:
    """Chromium on this machine; pages of ``origin`` may use camera and microphone without HTTPS."""
    program = chromium()
    if program is None:
        raise ActorError("chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        wrapper = Path(folder) / "chromium"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(machine.command(program))} "$@"\n')
        wrapper.chmod(0o755)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=wrapper,
                headless=True,
                args=[*ARGUMENTS, *arguments, f"--unsafely-treat-insecure-origin-as-secure={origin}"],
                timeout=1000 * START_TIMEOUT,
            )
            try:
                yield browser
            finally:
                await browser.close()


@asynccontextmanager
async def page_on(machine: Machine, url: str, room: str, name: str) -> AsyncIterator[BrowserPeer]:
    """Our page on this machine, in a room, with its microphone but no camera."""
    async with browser_on(machine, url) as browser:
        peer = BrowserPeer(await browser.new_page())
        query = urlencode({"room": room, "name": name, "join": "1", "camera": "0"})
        await peer.page.goto(f"{url}/?{query}", timeout=1000 * START_TIMEOUT)
        deadline = time.monotonic() + START_TIMEOUT
        while not await peer.page.evaluate("window.peerlane?.room?.state === 'open'"):
            if time.monotonic() > deadline:
                raise ActorError(f"the page is not in the room; it said: {peer.complaints}")
            await asyncio.sleep(0.05)
        await peer.prepare()
        yield peer
