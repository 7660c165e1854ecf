"""Pages of other origins, as a browser sees them: what somebody else's page may try with our server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape

from aiohttp import web
from playwright.async_api import Page

# What a page of anybody can run: open a link, say hello, and tell what has come of it.
OPEN_A_LINK = """(url) => new Promise((resolve) => {
  const heard = [];
  const socket = new WebSocket(url, "peerlane.v1.json");
  socket.onopen = () => socket.send(JSON.stringify({ type: "hello", version: 1, capabilities: {} }));
  socket.onmessage = ({ data }) => (heard.push(data), socket.close());
  socket.onclose = ({ code }) => resolve({ heard: heard.length, code });
})"""

# And what it can ask for: the status that it may read, or that it may read nothing.
FETCH = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return answer.type === "opaque" ? "opaque" : `${answer.status} ${(await answer.text()).length > 0}`;
  } catch (error) {
    return error.name;
  }
}"""

EMPTY = "<!doctype html><title>elsewhere</title><body></body>"


class Elsewhere:
    """A site of somebody else; ``port`` is where it listens, at every name of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, host: str = "localhost", path: str = "/") -> str:
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def elsewhere(**pages: str) -> AsyncIterator[Elsewhere]:
    """Serve each page at ``/name``, and an empty one at ``/``; without any policy that would help us."""

    async def serve(request: web.Request) -> web.Response:
        return web.Response(text=pages.get(request.path.strip("/"), EMPTY), content_type="text/html")

    application = web.Application()
    application.router.add_get("/{page:.*}", serve)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Elsewhere(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def framed(script: str, argument: object, *, source: str) -> str:
    """A page with a frame in it that runs ``script(argument)`` and posts what comes of it to its parent.

    ``source`` is how the frame gets its document: ``srcdoc`` (sandboxed) or ``data`` (an address).
    """
    inner = (
        f"<script>({script})({json.dumps(argument)}).then((said) => parent.postMessage(said, '*'))</script>"
    )
    where = (
        f'sandbox="allow-scripts" srcdoc="{escape(inner)}"'
        if source == "srcdoc"
        else f'src="data:text/html,{escape(inner.replace("%", "%25").replace("#", "%23"))}"'
    )
    listener = "<script>window.said = null; onmessage = ({ data }) => (window.said = data)</script>"
    return f"<!doctype html>{listener}<iframe {where}></iframe>"


async def counted(page: Page, server_url: str, what: str) -> int:
    """One of the server's own counts, such as ``links_opened_total{result="origin"}``."""
    figures = await (await page.context.request.get(f"{server_url}/metrics")).text()
    (line,) = (line for line in figures.splitlines() if line.startswith(f"peerlane_{what} "))
    return int(float(line.split()[-1]))
