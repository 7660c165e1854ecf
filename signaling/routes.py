"""The URL table: every path that this server answers."""

from __future__ import annotations

from aiohttp import web

from signaling.admin import Admin
from signaling.feed import Feed
from signaling.ice_servers import IceServersDoor
from signaling.node import Node
from signaling.pages import Pages, web_folder
from signaling.status import Status
from signaling.transports.websocket import WebSocketDoor


def routes(node: Node, feed: Feed) -> list[web.RouteDef]:
    status = Status(node)
    ice_servers = IceServersDoor(node)
    admin = Admin(node)
    return [
        web.get("/v1/ws", WebSocketDoor(node, node.config).open),
        web.get("/v1/ice-servers", ice_servers.tell),
        web.post("/v1/ice-servers", ice_servers.tell),
        web.options("/v1/ice-servers", ice_servers.preflight),
        web.get("/v1/info", status.info),
        web.get("/v1/regions", status.regions),
        web.get("/v1/openapi.json", status.openapi),
        web.get("/healthz", status.alive),
        web.get("/readyz", status.ready),
        web.get("/metrics", status.metrics),
        *admin.routes(),
        web.get("/v1/feed", admin.guarded("read-feed", feed.tell)),
        web.get("/{page:(?!v1/).*}", Pages(web_folder()).serve),
    ]
