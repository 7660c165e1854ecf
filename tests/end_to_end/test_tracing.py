"""Traces of a real server, as a collector of OpenTelemetry gets them."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.end_to_end.conftest import PATIENCE, StartServer

pytestmark = pytest.mark.end_to_end


async def test_requests_reach_a_collector_under_the_names_of_their_routes(start_server: StartServer) -> None:
    told: asyncio.Queue[ExportTraceServiceRequest] = asyncio.Queue()

    async def collect(request: web.Request) -> web.Response:
        told.put_nowait(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(body=b"", content_type="application/x-protobuf")

    collector = web.Application()
    collector.router.add_post("/v1/traces", collect)
    async with TestServer(collector) as there, aiohttp.ClientSession() as client:
        endpoint = str(there.make_url("")).rstrip("/")
        server = start_server(PEERLANE_TRACING_ENDPOINT=endpoint, PEERLANE_TRACING_SHARE="1")
        mine = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        async with client.get(f"{server.url}/v1/info", headers=mine) as answer:
            assert answer.status == 200
        async with client.get(f"{server.url}/healthz") as answer:
            assert answer.status == 200
        # What is left is sent before the end.
        server.leave()
        async with asyncio.timeout(PATIENCE):
            batch = (await told.get()).resource_spans[0]
    service = {each.key: each.value.string_value for each in batch.resource.attributes}
    assert service["service.name"] == "peerlane"
    (span,) = batch.scope_spans[0].spans
    assert span.name == "GET /v1/info"
    assert {each.key: each.value.int_value for each in span.attributes}["http.response.status_code"] == 200
    assert span.trace_id.hex() != "0af7651916cd43dd8448eb211c80319c"
