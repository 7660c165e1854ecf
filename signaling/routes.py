"""The URL table: every path that this server answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from signaling.admin import Admin
from signaling.config import Config
from signaling.dialects.base import Arrival, Dialect
from signaling.dialects.whip import Resource, Whep, Whip
from signaling.dialects.y_webrtc import YWebrtc
from signaling.feed import Feed
from signaling.ice_servers import IceServersDoor
from signaling.node import Node
from signaling.pages import Pages, web_folder
from signaling.status import Status
from signaling.transports.foreign import ForeignDoor
from signaling.transports.websocket import WebSocketDoor
from signaling.transports.whip import WhipDoor

ALL = "all"


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


RESOURCES: dict[str, type[Resource]] = {"whip": Whip, "whep": Whep}
"""Those that come over HTTP, without a link."""


class UnknownDoorsError(ValueError):
    """``doors.open`` names what there is not; the text says what there is."""


def opened(config: Config) -> list[ForeignClients]:
    """The families that may come in. Raises UnknownDoorsError."""
    wanted = config.doors.open
    known = (*FOREIGN, *RESOURCES, ALL)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UnknownDoorsError(f"doors.open names {', '.join(unknown)}; there are {', '.join(known)}.")
    return [clients for name, clients in FOREIGN.items() if name in wanted or ALL in wanted]


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
        *(
            route
            for name, kind in RESOURCES.items()
            if {name, ALL} & {*node.config.doors.open}
            for route in WhipDoor(node, node.config, kind).routes()
        ),
        web.get("/{page:(?!v1/).*}", Pages(web_folder()).serve),
    ]
