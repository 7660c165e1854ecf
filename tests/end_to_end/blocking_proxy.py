"""A proxy that lets no WebSocket through, goes from node to node, and may keep streams to itself."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

NOT_PASSED_ON = ("transfer-encoding", "content-length", "connection", "keep-alive", "content-encoding")


class BlockingProxy:
    """``buffers``: an answer is passed on when it is complete."""

    def __init__(self, ports: Sequence[int], *, buffers: bool = False, swallows: bool = False) -> None:
        self.port = 0
        self.asked: list[str] = []
        self._nodes = itertools.cycle(ports)
        self._buffers = buffers
        self._swallows = swallows
        self._http: aiohttp.ClientSession
        self._open: set[asyncio.Transport] = set()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[BlockingProxy]:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._pass)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as self._http:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            try:
                yield self
            finally:
                await runner.cleanup()

    def cut(self) -> None:
        """All that is open."""
        for transport in list(self._open):
            transport.abort()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if "Upgrade" in request.headers:
            if self._swallows:
                await asyncio.sleep(60.0)
            return web.Response(status=403, text="this network has no WebSocket")
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)
        self._open.add(transport)
        url = f"http://127.0.0.1:{next(self._nodes)}{request.raw_path}"
        body = await request.read()
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in NOT_PASSED_ON
        }
        try:
            timeout = aiohttp.ClientTimeout(total=None)
            async with self._http.request(
                request.method, url, data=body or None, headers=headers, timeout=timeout
            ) as answer:
                return await self._answer(request, answer)
        except aiohttp.ClientError:
            return web.Response(status=502)
        finally:
            self._open.discard(transport)

    async def _answer(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in NOT_PASSED_ON]
        if self._buffers or "event-stream" not in answer.headers.get("Content-Type", ""):
            whole = web.Response(status=answer.status, body=await answer.read())
            whole.headers.update(kept)
            return whole
        response = web.StreamResponse(status=answer.status)
        response.headers.update(kept)
        await response.prepare(request)
        async for part in answer.content.iter_any():
            await response.write(part)
        return response
