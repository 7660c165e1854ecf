"""Traces for OpenTelemetry: how long a request, a join or a handover took, and what came of it.

Without ``tracing.endpoint`` nothing of OpenTelemetry is loaded. Spans have no names of rooms, people or
addresses in them, and no trace is taken over from a client: it could make us write down everything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from signaling.config import Tracing
from signaling.metrics import package_version

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Value = str | bool | int | float
MAX_WAITING_SPANS = 2_048
"""OpenTelemetry's own queue; what comes while it is full is dropped, and counted in its log."""
EXPORT_TIMEOUT = 5.0
UNTRACED = frozenset({"/v1/ws", "/healthz", "/readyz", "/metrics"})
"""A link lasts for hours, and the others are asked all the time."""


class Span(Protocol):
    def set_attribute(self, key: str, value: Value) -> object:
        """Say what came of it."""


class Tracer(Protocol):
    def span(self, name: str) -> AbstractContextManager[Span]:
        """From here to the end of the block; a child of the one around it."""

    def happened(self, name: str, seconds: float, attributes: dict[str, Value]) -> None:
        """Something that took so long has ended now."""

    async def close(self) -> None:
        """Send what is left. Takes a few seconds at the most."""


class _NoSpan:
    def set_attribute(self, key: str, value: Value) -> object:
        return None


class NoTracer:
    """Nobody wants to know."""

    _nothing: AbstractContextManager[Span] = nullcontext(_NoSpan())

    def span(self, name: str) -> AbstractContextManager[Span]:
        return self._nothing

    def happened(self, name: str, seconds: float, attributes: dict[str, Value]) -> None:
        pass

    async def close(self) -> None:
        pass


OFF: Tracer = NoTracer()


class OpenTelemetryTracer:
    """``provider`` decides what is kept, and where it goes."""

    def __init__(self, provider: TracerProvider, unix_nanoseconds: Callable[[], int] = time.time_ns) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("peerlane", package_version())
        self._unix_nanoseconds = unix_nanoseconds

    def span(self, name: str) -> AbstractContextManager[Span]:
        return self._tracer.start_as_current_span(name)

    def happened(self, name: str, seconds: float, attributes: dict[str, Value]) -> None:
        end = self._unix_nanoseconds()
        begin = end - int(seconds * 1e9)
        self._tracer.start_span(name, attributes=attributes, start_time=begin).end(end)

    async def close(self) -> None:
        # It joins a thread that may wait for a collector.
        await asyncio.to_thread(self._provider.shutdown)


def make_tracer(config: Tracing, node: str) -> Tracer:
    """Raises ValueError that says what to install."""
    if not config.endpoint:
        return OFF
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
    except ImportError:
        raise ValueError("tracing needs some more packages: pip install 'peerlane[otel]'") from None
    resource = Resource.create(
        {"service.name": "peerlane", "service.version": package_version(), "service.instance.id": node}
    )
    provider = TracerProvider(sampler=TraceIdRatioBased(config.share), resource=resource)
    exporter = OTLPSpanExporter(f"{config.endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=MAX_WAITING_SPANS))
    return OpenTelemetryTracer(provider)


def traced(tracer: Tracer) -> Middleware:
    """A span for each HTTP request, under the name of its route."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = "" if resource is None else resource.canonical
        if route in UNTRACED:
            return await handler(request)
        with tracer.span(f"{request.method} {route}") as span:
            response = await handler(request)
            span.set_attribute("http.request.method", request.method)
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", response.status)
            return response

    return answer
