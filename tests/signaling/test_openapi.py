"""The description of the HTTP routes is complete, and true where it can be checked without asking."""

from __future__ import annotations

import json
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling.app import create_app
from signaling.config import Config
from signaling.openapi import description

METHODS = {"GET", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"}
KEY = b"0123456789abcdef0123456789abcdef"


def routes(app: web.Application) -> set[tuple[str, str]]:
    """Those of the API; pages are files, and have no description."""
    found = set()
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if not path.startswith("/{page"):
            found.add((route.method, path))
    return {(method, path) for method, path in found if method in METHODS}


def test_every_route_is_described_and_nothing_else_is() -> None:
    described = {
        (method.upper(), path)
        for path, operations in description("1")["paths"].items()
        for method in operations
        if method.upper() in METHODS
    }
    assert described == routes(create_app(Config(), ticket_key=KEY))


def test_every_reference_leads_somewhere() -> None:
    told = json.dumps(description("1"))
    names = set(re.findall(r"#/components/schemas/(\w+)", told))
    assert names
    assert names <= set(description("1")["components"]["schemas"])


async def test_it_is_served() -> None:
    async with TestClient(TestServer(create_app(Config(), ticket_key=KEY))) as client:
        answer = await client.get("/v1/openapi.json")
        assert answer.content_type == "application/json"
        assert (await answer.json())["openapi"] == "3.1.0"


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/admin/sessions/x", "/v1/admin/rooms/a/b/kick"])
async def test_no_page_is_looked_for_among_the_routes_of_the_api(path: str) -> None:
    async with TestClient(TestServer(create_app(Config(), ticket_key=KEY))) as client:
        answer = await client.get(path)
        assert answer.status in (404, 405)
        assert "GET" not in answer.headers.get("Allow", "")
