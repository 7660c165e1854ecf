"""The URL table: every path that this server answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from signaling.admin import Admin
from signaling.config import Config
from signaling.dialects.ayame import Ayame
from signaling.dialects.base import Arrival, Dialect
from signaling.dialects.libdatachannel import LibDataChannel
from signaling.dialects.matchbox import Matchbox
from signaling.dialects.nostr import Nostr
from signaling.dialects.peerjs import PeerJs
from signaling.dialects.whip import Resource, Whep, Whip
from signaling.dialects.ws_relay import WsRelay
from signaling.dialects.y_webrtc import YWebrtc
from signaling.feed import Feed
from signaling.ice_servers import IceServersDoor
from signaling.node import Node
from signaling.pages import Pages, web_folder
from signaling.peerjs_http import PeerJsPages
from signaling.status import Status
from signaling.transports.foreign import ForeignDoor
from signaling.transports.http_links import HttpLinks
from signaling.transports.long_poll import LongPollDoor
from signaling.transports.sse import SseDoor
from signaling.transports.websocket import WebSocketDoor
from signaling.transports.whip import WhipDoor

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
    "ayame": ForeignClients("/ayame/signaling", Ayame),
    "matchbox": ForeignClients("/matchbox/{room}", Matchbox),
    "nostr": ForeignClients("/nostr", Nostr),
    "peerjs": ForeignClients("/peerjs/peerjs", PeerJs),
    "libdatachannel": ForeignClients("/libdatachannel/{id}", LibDataChannel),
    "ws-relay": ForeignClients("/ws-relay", WsRelay),
    "y-webrtc": ForeignClients("/y-webrtc", YWebrtc, health="okay"),
}


RESOURCES: dict[str, type[Resource]] = {"whip": Whip, "whep": Whep}
"""Those that come over HTTP, without a link."""


class UnknownDoorsError(ValueError):
    """``doors.open`` names what there is not; the text says what there is."""


def opened(config: Config) -> list[ForeignClients]:
    """The families that may come in. Raises UnknownDoorsError."""
    wanted = config.doors.open
    known = (*FOREIGN, *RESOURCES, GRPC_WEB, ALL)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UnknownDoorsError(f"doors.open names {', '.join(unknown)}; there are {', '.join(known)}.")
    return [clients for name, clients in FOREIGN.items() if is_open(name, config)]


def is_open(name: str, config: Config) -> bool:
    return name in config.doors.open or ALL in config.doors.open


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
    links = HttpLinks(node, node.config.server.trusted_proxies)
    if node.bus is not None:
        node.bus.link_asked = links.heard
    sse, long_poll = SseDoor(links), LongPollDoor(links)
    return [
        web.get("/v1/ws", WebSocketDoor(node, node.config).open),
        web.get("/v1/sse", sse.open, allow_head=False),
        web.post("/v1/sse", sse.open),
        web.post("/v1/poll", long_poll.poll),
        web.post("/v1/messages", links.post),
        *(web.options(path, links.preflight) for path in ("/v1/sse", "/v1/poll", "/v1/messages")),
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
        *(PeerJsPages(node).routes("/peerjs") if is_open("peerjs", node.config) else ()),
        *(
            web.get(path, ForeignDoor(node, node.config, each.make, each.health).open)
            for each in opened(node.config)
            for path in (each.path, f"{each.path}/")
        ),
        *grpc_web(node, feed),
        *(
            route
            for name, kind in RESOURCES.items()
            if is_open(name, node.config)
            for route in WhipDoor(node, node.config, kind).routes()
        ),
        web.get("/{page:(?!v1/).*}", Pages(web_folder()).serve),
    ]
