"""The description of all HTTP routes, as OpenAPI 3.1: for programs, and for tools that test what it says."""

from __future__ import annotations

from typing import Any

import msgspec

from signaling.answers import (
    MAX_REGION_CHARACTERS,
    Announcement,
    AppList,
    DrainState,
    IceServers,
    Info,
    KickOrder,
    Regions,
    RoomList,
    SessionList,
    ShownRoom,
    ShownSession,
    Statistics,
)
from signaling.protocol.ids import EVENT_ID_PATTERN, LINK_PATTERN, NUMBER_PATTERN

BODIES = (
    Info, Regions, AppList, RoomList, ShownRoom, SessionList, ShownSession, DrainState, KickOrder,
    Announcement, IceServers, Statistics,
)  # fmt: skip
SCHEMAS = "#/components/schemas/{name}"
TEXT = {"text/plain": {"schema": {"type": "string"}}}

Table = dict[str, Any]


def description(version: str) -> Table:
    """The whole of it, ready to be written as JSON."""
    _, components = msgspec.json.schema_components(BODIES, ref_template=SCHEMAS)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Peerlane",
            "version": version,
            "description": "What a Peerlane server answers over HTTP. Signaling itself is the WebSocket at "
            "/v1/ws, or where that is blocked /v1/sse and /v1/messages; docs/protocol.md describes its "
            "messages. What is not under /v1 and not here is a page: one of a closed list of files, or 404.",
        },
        "paths": PATHS,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "docs/tokens.md"},
                "admin": {"type": "http", "scheme": "bearer", "description": "one of server.admin_tokens"},
            },
        },
    }


def _json(body: type, text: str) -> Table:
    schema = {"$ref": SCHEMAS.format(name=body.__name__)}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _text(text: str) -> Table:
    return {"description": text, "content": TEXT}


def _later(text: str) -> Table:
    header = {"required": True, "description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
    return {"description": text, "headers": {"Retry-After": header}, "content": TEXT}


def _path(name: str, text: str, **more: Any) -> Table:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema, **more}


def _query(name: str, text: str, **schema: Any) -> Table:
    return {"name": name, "in": "query", "description": text, "schema": {"type": "string", **schema}}


LIMITED = {
    "429": _later("Too many from this address."),
    "503": _later("The server leaves, or is short of something."),
}
ADMIN_ANSWERS = {
    "401": _text("Without one of server.admin_tokens."),
    "404": _text("There is no such room, member or session, or no admin API."),
    "429": _later("Too many bad tokens from this address."),
}
GONE = {
    "204": {"description": "It is done."},
    "202": {"description": "Nobody is meant who is known here; the other nodes have been told."},
}
BODY = {
    "400": _text("What is wrong with the body."),
    "408": _text("The body did not come."),
    "413": _text("The body is too long."),
}
APP = _query("app", "The part of the names before the slash.")
PAGE = [
    _query("after", "The last name of the page before; its answer has it as next."),
    {
        "name": "limit",
        "in": "query",
        "description": "How many at the most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000},
    },
]
BAD_PAGE = {"400": _text("A limit that is none.")}
ROOM = [
    _path("app", "The part of a room's name before the slash.", example="default"),
    _path("room", "The part after it.", example="garden"),
]


def _admin(summary: str, answers: Table, **more: Any) -> Table:
    return {"summary": summary, "security": [{"admin": []}], "responses": ADMIN_ANSWERS | answers, **more}


def _order(body: type) -> Table:
    schema = {"$ref": SCHEMAS.format(name=body.__name__)}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _ice_servers(method: str) -> Table:
    return {
        "summary": "STUN and TURN servers, with credentials made for this request",
        "operationId": f"{method}-ice-servers",
        "security": [{}, {"token": []}],
        "parameters": [_query("region", "Which servers come first.", maxLength=MAX_REGION_CHARACTERS)],
        "responses": {
            "200": _json(IceServers, "For RTCPeerConnection."),
            "400": _text("A region that is too long, or a Host that is none."),
            "401": _text("The token is missing or not valid."),
            "403": _text("A page of an origin that may not."),
            **LIMITED,
        },
    }


def _header(name: str, text: str, pattern: str) -> Table:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "description": text, "schema": schema}


LINK = _header(
    "Peerlane-Link", "The secret id of the link, from the first event of its stream.", f"^{LINK_PATTERN}$"
)
NUMBER = _header("Peerlane-Number", "Counts from 1, for each link.", f"^{NUMBER_PATTERN}$")
PREFLIGHT = {
    "summary": "What a browser asks before a page of another origin may ask",
    "responses": {
        "204": {"description": "What may be asked."},
        "403": _text("A page of an origin that may not."),
    },
}


def _stream(method: str, summary: str, **more: Any) -> Table:
    last = _header(
        "Last-Event-ID",
        "The last event of the stream before: what came after it is told.",
        f"^{EVENT_ID_PATTERN}$",
    )
    return {
        "summary": summary,
        "operationId": f"{method}-{'poll' if more else 'sse'}",
        "security": [{}, {"token": []}],
        "parameters": [last, *more.get("parameters", [])],
        "responses": {
            "200": {
                "description": "Events; docs/protocol.md describes them.",
                "content": {"text/event-stream": {}},
            },
            "400": _text("Last-Event-ID, another header, or Host, is none."),
            "403": _text("A page of an origin that may not, or a program without a token."),
            **LIMITED,
            **more.get("responses", {}),
        },
    }


PATHS: Table = {
    "/healthz": {
        "get": {"summary": "Whether the process is alive", "responses": {"200": _text("It is.")}},
    },
    "/readyz": {
        "get": {
            "summary": "Whether new clients are welcome",
            "responses": {"200": _text("They are."), "503": _text("Why not.")},
        },
    },
    "/metrics": {
        "get": {
            "summary": "Figures for Prometheus",
            "responses": {"200": {"description": "Text format 0.0.4 or 1.0.0.", "content": TEXT}},
        },
    },
    "/v1/info": {
        "get": {
            "summary": "Which server this is, and what it speaks",
            "responses": {"200": _json(Info, "It is this one.")},
        },
    },
    "/v1/regions": {
        "get": {
            "summary": "Which nodes there are, and where; also to be measured",
            "responses": {"200": _json(Regions, "As this node knows them. Pages of any origin may read it.")},
        },
    },
    "/v1/openapi.json": {
        "get": {
            "summary": "This description",
            "responses": {
                "200": {
                    "description": "OpenAPI 3.1.",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                }
            },
        },
    },
    "/v1/ws": {
        "get": {
            "summary": "Signaling: an upgrade to a WebSocket",
            "security": [{}, {"token": []}],
            "responses": {
                "101": {"description": "It is one now."},
                "400": _text("No upgrade, no subprotocol of ours, or a Host that is none."),
                "403": _text("A page of an origin that may not, or a program without a token."),
                "426": _text("Another version of WebSocket."),
                **LIMITED,
            },
        },
    },
    "/v1/sse": {
        "get": _stream("get", "Signaling where WebSocket is blocked: what the server says"),
        "post": _stream("post", "The same: browsers name the origin of a page with every POST"),
        "options": PREFLIGHT,
    },
    "/v1/poll": {
        "post": _stream(
            "post",
            "The same stream in slices: without a link the first one of a new link",
            parameters=[LINK, NUMBER],
            responses={
                "409": _text("Another slice is next."),
                "410": _text("That link has ended; open another one."),
                "413": _text("It is too long to be passed on."),
            },
        ),
        "options": PREFLIGHT,
    },
    "/v1/messages": {
        "post": {
            "summary": "What a client says on such a link: one frame",
            "parameters": [LINK | {"required": True}, NUMBER | {"required": True}],
            "requestBody": {"content": {"application/json": {}, "application/vnd.msgpack": {}}},
            "responses": {
                "204": {"description": "It is taken, or was when it came before."},
                "403": _text("A page of an origin that may not, or a program without a token."),
                "409": _text("One before it is missing."),
                "410": _text("That link has ended; open another one."),
                "429": _later("Those of before have not been heard yet."),
                "503": _later("The node of this link cannot be reached now."),
                **BODY,
            },
        },
        "options": PREFLIGHT,
    },
    "/v1/ice-servers": {
        "get": _ice_servers("get"),
        "post": _ice_servers("post"),
        "options": PREFLIGHT,
    },
    "/v1/feed": {
        "get": _admin(
            "What happens, as Server-Sent Events",
            {
                "200": {
                    "description": "Until somebody hangs up; docs/feed.md describes the events.",
                    "content": {"text/event-stream": {}},
                },
                "400": _text("A query that asks for what is not there."),
                "404": _text("No admin API, or limits.feed_events is 0."),
                "503": _later("As many read as may."),
            },
            operationId="feed",
            parameters=[
                _query("room", "Of this room only: 'room' or 'app/room'."),
                _query("app", "Of the rooms of this app only."),
                _query("types", "Of these types only, by commas."),
                _query("last_event_id", "As the header, for those who cannot send one."),
                {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": "The last event that is known: what came after it is told.",
                    "schema": {"type": "string"},
                },
            ],
        ),
    },
    "/v1/admin/stats": {
        "get": _admin("One node at a moment, and the others it hears of", {"200": _json(Statistics, "Now.")}),
    },
    "/v1/admin/apps": {
        "get": _admin(
            "All apps that have rooms",
            {"200": _json(AppList, "As this node knows them."), **BAD_PAGE},
            parameters=PAGE,
        ),
    },
    "/v1/admin/rooms": {
        "get": _admin(
            "All rooms, or those of one app",
            {"200": _json(RoomList, "Those with members at this node."), **BAD_PAGE},
            parameters=[APP, *PAGE],
        ),
    },
    "/v1/admin/rooms/{app}/{room}": {
        "parameters": ROOM,
        "get": _admin("One room and who is in it", {"200": _json(ShownRoom, "As it is now.")}),
        "delete": _admin("Throw everybody out", GONE),
    },
    "/v1/admin/rooms/{app}/{room}/kick": {
        "parameters": ROOM,
        "post": _admin("Throw one out", {**GONE, **BODY}, requestBody=_order(KickOrder)),
    },
    "/v1/admin/rooms/{app}/{room}/broadcast": {
        "parameters": ROOM,
        "post": _admin("Tell everybody something", {**GONE, **BODY}, requestBody=_order(Announcement)),
    },
    "/v1/admin/sessions": {
        "get": _admin(
            "All sessions, or those in rooms of one app",
            {"200": _json(SessionList, "Those of this node."), **BAD_PAGE},
            parameters=[APP, *PAGE],
        ),
    },
    "/v1/admin/drain": {
        "get": _admin("How far this node is with leaving", {"200": _json(DrainState, "As it is now.")}),
        "post": _admin(
            "Leave: take nobody in, and send everybody to other nodes",
            {"202": _json(DrainState, "It has begun, or had begun before.")},
        ),
    },
    "/v1/admin/sessions/{id}": {
        "parameters": [_path("id", "Of the session, which is the peer's id.")],
        "get": _admin("One session", {"200": _json(ShownSession, "As it is now.")}),
        "delete": _admin("End a session for good", GONE),
    },
}
