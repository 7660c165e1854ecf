"""Spans of a real server: what they are called, what they say, and what must never be in them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from signaling.config import Config, Tracing
from signaling.metrics import Metrics
from signaling.node import Node
from signaling.protocol.codec import JSON
from signaling.protocol.messages import Hello, Join, Joined, Refused, Welcome
from signaling.protocol.parts import Resume
from signaling.tracing import OFF, OpenTelemetryTracer
from tests.signaling.node_kit import MemoryPipe

KEY = b"k" * 32
Spans = Callable[[str], list[ReadableSpan]]


@asynccontextmanager
async def traced_node() -> AsyncIterator[tuple[Node, Spans]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    node = Node(Config(), Metrics(), KEY, tracer=OpenTelemetryTracer(provider))
    node.start()
    yield node, lambda name: [span for span in exporter.get_finished_spans() if span.name == name]
    await node.stop()


@asynccontextmanager
async def linked(node: Node) -> AsyncIterator[MemoryPipe]:
    pipe = MemoryPipe()
    serving = asyncio.create_task(node.serve(pipe, JSON, "localhost"))
    yield pipe
    pipe.abort()
    await serving


def outcome(span: ReadableSpan) -> object:
    assert span.attributes is not None
    return span.attributes["peerlane.outcome"]


async def test_a_hello_and_a_join_are_told_with_what_became_of_them() -> None:
    async with traced_node() as (node, spans), linked(node) as ana:
        ana.say(Hello(), Join(1, "secret room", "Ana"))
        await ana.hear(Joined)
        ana.say(Join(2, "a/b/c"))
        await ana.hear(Refused)
    assert [outcome(span) for span in spans("hello")] == ["new"]
    assert [outcome(span) for span in spans("join")] == ["joined", "bad-room-name"]
    assert all((span.start_time or 0) <= (span.end_time or 0) for span in spans("join"))
    told = "".join(span.to_json() for name in ("hello", "join") for span in spans(name))
    assert "Ana" not in told
    assert "secret" not in told


async def test_a_resume_says_whether_anything_was_missed() -> None:
    async with traced_node() as (node, spans):
        async with linked(node) as ana:
            ana.say(Hello())
            welcome = await ana.hear(Welcome)
        async with linked(node) as again:
            again.say(Hello(resume=Resume(welcome.ticket, welcome.epoch, 0)))
            welcome = await again.hear(Welcome)
        async with linked(node) as after_a_restart:
            after_a_restart.say(Hello(resume=Resume(welcome.ticket, "another epoch", 0)))
            await after_a_restart.hear(Welcome)
    assert [outcome(span) for span in spans("hello")] == ["new", "resumed", "fresh"]


def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    code = (
        "import sys; from signaling.app import create_app; from signaling.config import Config;"
        f"create_app(Config(), ticket_key={KEY!r}); sys.exit('opentelemetry' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ValueError, match=r"pip install 'peerlane\[otel\]'"):
        Node(Config(tracing=Tracing("http://localhost:4318")), Metrics(), KEY)


async def test_what_nobody_wants_to_know_costs_nothing() -> None:
    with OFF.span("hello") as span:
        span.set_attribute("peerlane.outcome", "new")
    OFF.happened("join", 1.0, {})
    await OFF.close()
    assert OFF.span("one") is OFF.span("another")
