"""One node at a moment, for those who look after it: the page ``/dashboard``, and programs like it."""

from __future__ import annotations

from signaling.answers import KnownNode, Statistics
from signaling.metrics import package_version
from signaling.node import Node


def statistics(node: Node, unix_now: float) -> Statistics:
    metrics = node.metrics
    return Statistics(
        node=node.id,
        region=node.config.cluster.region,
        version=package_version(),
        at=unix_now,
        uptime=node.uptime,
        ready=node.why_not_ready() or "ready",
        degraded=node.degraded,
        links=sum(metrics.links.values()),
        sessions=len(node.hub.sessions),
        rooms=node.hub.room_count,
        feed_readers=metrics.feed_readers,
        joins_total=metrics.joins,
        messages_in_total=sum(metrics.messages_in.values()),
        messages_out_total=sum(metrics.messages_out.values()),
        refused_total=sum(metrics.refused.values()),
        throttled_total=metrics.throttled,
        shed_total=metrics.shed,
        slow_closed_total=metrics.closed["slow"],
        stalls_total=metrics.loop_stalls,
        queue_bytes=metrics.queue_bytes,
        queue_bytes_limit=node.config.limits.total_queued_bytes,
        largest_queue_bytes=metrics.largest_queue_bytes,
        memory_share=node.pressure.memory_share,
        drain=node.drain_state(),
        nodes=_others(node),
    )


def _others(node: Node) -> list[KnownNode]:
    living = [] if node.bus is None else node.bus.nodes.living
    return [
        KnownNode(
            other.id,
            other.beat.region,
            other.beat.url,
            other.beat.version,
            other.beat.sessions,
            other.beat.rooms,
            other.beat.is_draining,
        )
        for other in living
    ]
