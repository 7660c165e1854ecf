"""Is it alive, does it take work, what has it done: for load balancers, orchestrators and Prometheus."""

from __future__ import annotations

import msgspec
from aiohttp import web

from signaling.answers import Info, Regions
from signaling.metrics import CONTENT_TYPE, package_version
from signaling.node import Node
from signaling.openapi import description
from signaling.protocol.codec import SERVER_CODECS
from signaling.protocol.messages import VERSION
from signaling.transports.door import is_spelled_out


class Status:
    """The answers about one node. Nothing here tells of rooms, names or addresses."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._description = msgspec.json.encode(description(package_version()))

    async def alive(self, request: web.Request) -> web.Response:
        """``/healthz``: 200 as long as the loop turns. A server that fails this should be restarted."""
        return web.Response(text="alive\n")

    async def ready(self, request: web.Request) -> web.Response:
        """``/readyz``: 200, or 503 with the reason why new clients should be sent elsewhere.

        A node whose bus is away says so, and takes clients all the same: the others have no bus either.
        """
        reason = self._node.why_not_ready()
        if reason is not None:
            return web.Response(status=503, text=f"{reason}\n")
        return web.Response(text="ready, degraded: the bus is away\n" if self._node.degraded else "ready\n")

    async def metrics(self, request: web.Request) -> web.Response:
        """``/metrics``, in the text format of Prometheus; proxies often keep it inside."""
        if not is_spelled_out(request):
            return web.Response(status=404, text="There is no such page here.\n")
        return web.Response(body=self._node.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def info(self, request: web.Request) -> web.Response:
        """``/v1/info``: which server this is, and what it speaks."""
        info = Info("peerlane", package_version(), VERSION, list(SERVER_CODECS))
        return web.Response(body=msgspec.json.encode(info), content_type="application/json")

    async def regions(self, request: web.Request) -> web.Response:
        """``/v1/regions``: which nodes there are. It holds no secret, so pages of any origin may read it."""
        node = self._node
        told = Regions(node.config.cluster.region, node.id, node.nodes())
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
        return web.Response(body=msgspec.json.encode(told), content_type="application/json", headers=headers)

    async def openapi(self, request: web.Request) -> web.Response:
        """``/v1/openapi.json``: all of these routes, described."""
        return web.Response(body=self._description, content_type="application/json")
