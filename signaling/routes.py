"""The URL table: every path that this server answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from signaling.admin import Admin
from signaling.config import Config
from signaling.dialects.base import Arrival, Dialect
from signaling.dialects.y_webrtc import YWebrtc
from signaling.feed import Feed
from signaling.ice_servers import IceServersDoor
from signaling.node import Node
from signaling.pages import Pages, web_folder
from signaling.status import Status
from signaling.transports.foreign import ForeignDoor
from signaling.transports.websocket import WebSocketDoor

ALL = "all"
GRPC_WEB = "grpc-web"


class ForeignClients(NamedTuple):
    """One family of them: where its links come, and what translates."""

    path: str
    make: Callable[[Arrival], Dialect]
    health: str = ""
    """What is answered there to whoever wants no link."""


# Their names are what `doors.open` lists.
FOREIGN = {
    "y-webrtc": ForeignClients("/y-webrtc", YWebrtc, health="okay"),
}


class UnknownDoorsError(ValueError):
    """``doors.open`` names what there is not; the text says what there is."""


def opened(config: Config) -> list[ForeignClients]:
    """The families that may come in. Raises UnknownDoorsError."""
    wanted = config.doors.open
    unknown = [name for name in wanted if name not in (*FOREIGN, GRPC_WEB, ALL)]
    if unknown:
        raise UnknownDoorsError(
            f"doors.open names {', '.join(unknown)}; there are {', '.join((*FOREIGN, GRPC_WEB, ALL))}."
        )
    return [clients for name, clients in FOREIGN.items() if name in wanted or ALL in wanted]


def grpc_web(node: Node, feed: Feed) -> list[web.RouteDef]:
    """gRPC for pages, where it is open. Raises UnknownDoorsError without the packages that it needs."""
    wanted = node.config.doors.open
    if GRPC_WEB not in wanted and ALL not in wanted:
        return []
    try:
        from signaling.grpc_api import methods
        from signaling.transports.grpc.web import GrpcWeb
    except ImportError as error:
        if GRPC_WEB not in wanted:
            return []
        raise UnknownDoorsError(
            f"doors.open names {GRPC_WEB}, which needs: pip install 'peerlane[grpc]'"
        ) from error
    return GrpcWeb(node, node.config, methods(node, feed)).routes()


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
        *(
            web.get(path, ForeignDoor(node, node.config, each.make, each.health).open)
            for each in opened(node.config)
            for path in (each.path, f"{each.path}/")
        ),
        *grpc_web(node, feed),
        web.get("/{page:(?!v1/).*}", Pages(web_folder()).serve),
    ]
