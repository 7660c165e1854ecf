"""Servers of others beside ours, pages with packages of others, and the table of what was played."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from tests.doors.bundling import bundle
from tests.doors.sides import SIDES, Reference
from tests.end_to_end.conftest import (
    ServerProcess,
    StartServer,
    browser,
    launch_browser,
    pytest_collection_modifyitems,
    shared_browser,
    start_server,
)

__all__ = ["browser", "launch_browser", "pytest_collection_modifyitems", "shared_browser", "start_server"]

StartReference = Callable[..., Reference]
"""``start_reference("peer", "--some-argument")``: the server of ``reference/peer.js``."""
UNPLAYED = "–"
LOG = logging.getLogger(__name__)


class OpenBundle(Protocol):
    async def __call__(self, entry: str) -> Page: ...


@pytest_asyncio.fixture(loop_scope="session")
async def page_server(tmp_path: Path) -> AsyncIterator[TestServer]:
    """Empty pages at an origin of their own, each with the bundle of its name."""

    async def page(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        text = f'<!doctype html><meta charset="utf-8"><script type="module" src="/{name}.js"></script>'
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{name}.html", page)
    app.router.add_static("/", tmp_path)
    async with TestServer(app, host="localhost") as server:
        yield server


@pytest.fixture
def doors(start_server: StartServer, page_server: TestServer) -> ServerProcess:
    """Our server, with every door open, also for those pages."""
    origin = str(page_server.make_url("")).rstrip("/")
    return start_server(PEERLANE_DOORS_OPEN="all", PEERLANE_SERVER_ORIGINS=origin)


@pytest.fixture
def start_reference(tmp_path: Path) -> Iterator[StartReference]:
    started: list[Reference] = []

    def start(name: str, *arguments: str) -> Reference:
        started.append(Reference(name, tmp_path / f"reference-{len(started)}.log", *arguments))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_bundle(browser: Browser, page_server: TestServer, tmp_path: Path) -> AsyncIterator[OpenBundle]:
    """Open such a page, in a window of its own, that runs ``entry`` with the packages that it imports.

    What the page writes to its console is logged, for whoever looks for a fault.
    """
    bundles: dict[str, str] = {}

    async def open_(entry: str) -> Page:
        if entry not in bundles:
            bundles[entry] = f"bundle-{len(bundles)}"
            bundle(entry, tmp_path / f"{bundles[entry]}.js")
        opened = await (await browser.new_context()).new_page()
        opened.on("console", lambda message: LOG.warning("%s: %s", message.type, message.text))
        opened.on("pageerror", lambda error: LOG.warning("error: %s", error))
        await opened.goto(str(page_server.make_url(f"/{bundles[entry]}.html")))
        return opened

    yield open_
    for context in browser.contexts:
        await context.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", action="store_true", help="print a table: client, scenario, server")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[None]:  # what comes back is pytest's
    report: Any = yield
    mark = item.get_closest_marker("scenario")
    if mark is not None:
        callspec = getattr(item, "callspec", None)
        side = "ours" if callspec is None else callspec.params.get("side", "ours")
        report.user_properties.append(("scenario", [*mark.args, side]))
    return report  # type: ignore[return-value] # a wrapper's value is its generator's


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table, where it was asked for: one line for each client and scenario, a column for each server."""
    if not config.getoption("--table", default=False):
        return
    table: dict[tuple[str, str], dict[str, str]] = {}
    for outcome in ("passed", "failed", "skipped", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in report.user_properties:
                if name == "scenario":
                    client, text, side = value
                    cells = table.setdefault((client, text), {})
                    is_worse = outcome != "passed" or side not in cells
                    cells[side] = outcome if is_worse else cells[side]
    terminalreporter.write_line("")
    terminalreporter.write_line(f"| Client | Scenario | {' | '.join(SIDES)} |")
    terminalreporter.write_line("|---|---|---|---|")
    for (client, text), cells in sorted(table.items()):
        found = " | ".join(cells.get(side, UNPLAYED) for side in SIDES)
        terminalreporter.write_line(f"| {client} | {text} | {found} |")
