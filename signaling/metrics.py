"""What the server counts, and how Prometheus reads it.

Counting is on the path of every message, so it is an addition to a plain number; the families of
the exposition format are made when somebody asks. There are no labels for rooms, users or
addresses: their number has no limit.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, get_args

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from signaling.pressure import Pressure
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import CLOSE_REASONS, ErrorCode
from signaling.protocol.messages import Event, Request

Transport = Literal["websocket"]
LinkResult = Literal[
    "accepted", "origin", "address-limit", "node-limit", "draining", "shortage", "bad-subprotocol", "bad-host"
]
RateLimit = Literal["messages", "joins", "address", "node", "stun", "credentials"]
IceServersResult = Literal["given", "token", "origin", "bad-host", "bad-region", "limited", "draining"]
StunResult = Literal[
    "answered", "answered-elsewhere", "unknown-attribute", "bad-request", "ignored", "limited"
]

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Below 5 ms is the ordinary work of one turn; a second is what a client feels.
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def package_version() -> str:
    """The version of the installed distribution, or ``0`` in a tree that is not installed."""
    try:
        return version("peerlane")
    except PackageNotFoundError:
        return "0"


class Metrics:
    """The counters of one server. Whoever does a thing adds to the number with its name.

    The mappings hold a zero for every key that can occur; ``messages_in[type(message)] += 1`` is all
    that counting a message takes.
    """

    def __init__(self) -> None:
        self.links: dict[Transport, int] = dict.fromkeys(get_args(Transport), 0)
        """Open now."""
        self.links_opened: dict[LinkResult, int] = dict.fromkeys(get_args(LinkResult), 0)
        self.messages_in: dict[type, int] = dict.fromkeys((*get_args(Request), Malformed), 0)
        """By class of the message; what could not be read counts as ``Malformed``."""
        self.messages_out: dict[type, int] = dict.fromkeys(get_args(Event), 0)
        self.joins = 0
        self.feed_readers = 0
        self.resumed_whole = 0
        self.resumed_fresh = 0
        """A client came with a ticket and got a fresh session."""
        self.closed: dict[str, int] = {reason.name: 0 for reason in CLOSE_REASONS}
        """By name of the close reason that the server spoke."""
        self.refused: dict[ErrorCode, int] = dict.fromkeys(ErrorCode, 0)
        self.rate_limited: dict[RateLimit, int] = dict.fromkeys(get_args(RateLimit), 0)
        self.throttled = 0
        """How often the server stopped reading a link for a while."""
        self.shed = 0
        """Outboxes and mailboxes that were dropped because the whole process held too much."""
        self.stun: dict[StunResult, int] = dict.fromkeys(get_args(StunResult), 0)
        self.ice_servers: dict[IceServersResult, int] = dict.fromkeys(get_args(IceServersResult), 0)
        self.draining = False
        self.loop_stalls = 0
        """How often the loop did not turn for longer than clients should feel."""
        self.log_dropped: Callable[[], int] = _zero
        """Lines that could not be written: the disk is full, or slow."""
        self._sessions: Callable[[], int] = _zero
        self._rooms: Callable[[], int] = _zero
        self._queue_bytes: Callable[[], int] = _zero
        self._turn_credentials: Callable[[], int] = _zero
        self._pressure: Pressure | None = None
        # Each server has its own registry, so that one process can hold several.
        self._registry = CollectorRegistry()
        self._registry.register(_Scrape(self._families))
        self.loop_lag = Histogram(
            "peerlane_loop_lag_seconds",
            "How much later than asked the event loop came back from a sleep.",
            buckets=LAG_BUCKETS,
            registry=self._registry,
        )

    def watch(
        self,
        *,
        sessions: Callable[[], int],
        rooms: Callable[[], int],
        queue_bytes: Callable[[], int],
        turn_credentials: Callable[[], int],
        pressure: Pressure,
    ) -> None:
        """Say where to read what is counted elsewhere; asked at each scrape."""
        self._sessions = sessions
        self._rooms = rooms
        self._queue_bytes = queue_bytes
        self._turn_credentials = turn_credentials
        self._pressure = pressure

    def render(self) -> bytes:
        """Everything in the text format of Prometheus, to be sent as :data:`CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def _families(self) -> Iterator[Metric]:
        yield _gauges("links", "Links that are open.", "transport", self.links)
        yield _counters("links_opened", "Attempts to open a link.", "result", self.links_opened)
        yield _gauge("sessions", "Sessions, with or without a link.", self._sessions())
        yield _gauge("rooms", "Rooms with at least one member.", self._rooms())
        yield _gauge("feed_readers", "Readers of the event feed.", self.feed_readers)
        yield _counter("joins", "Joins that were granted.", self.joins)
        yield _messages(self.messages_in, self.messages_out)
        resumed = {"whole": self.resumed_whole, "fresh": self.resumed_fresh}
        yield _counters("resumed", "Sessions claimed with a ticket.", "result", resumed)
        yield _counters("close", "Links that the server closed.", "code", self.closed)
        yield _counters("refused", "Messages answered with a refusal.", "code", self.refused)
        yield _counter("slow_closed", "Links closed because their reader fell behind.", self.closed["slow"])
        yield _counter("shed", "Outboxes and mailboxes dropped to free memory for the others.", self.shed)
        yield _counters("rate_limited", "Attempts over a rate limit.", "kind", self.rate_limited)
        yield _counter("throttled", "Pauses in reading a link that sends too fast.", self.throttled)
        yield _counters("stun", "Datagrams at the STUN responder.", "result", self.stun)
        yield _counters("ice_servers", "Requests for STUN and TURN servers.", "result", self.ice_servers)
        yield _counter("turn_credentials", "TURN credentials that were made.", self._turn_credentials())
        yield _gauge("queue_bytes", "Bytes kept in outboxes and mailboxes.", self._queue_bytes())
        if self._pressure is not None:
            share, left = self._pressure.memory_share, self._pressure.files_left
            yield _gauge("memory_share", "Memory in use of what may be used, 0 to 1.", share)
            yield _gauge("files_left", "Files that can still be opened; 32 stands for more.", left)
        yield _counter("loop_stalls", "Times when the event loop was held up.", self.loop_stalls)
        yield _counter("log_dropped", "Lines of the log that could not be written.", self.log_dropped())
        yield _gauge("drain_state", "1 while the server is leaving.", int(self.draining))
        build = GaugeMetricFamily("peerlane_build_info", "Always 1.", labels=["version", "python"])
        build.add_metric([package_version(), platform.python_version()], 1)
        yield build


class _Scrape(Collector):
    """Lets a registry ask a function."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()


def _zero() -> int:
    return 0


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"peerlane_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"peerlane_{name}", text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[Any, int]) -> Metric:
    family = GaugeMetricFamily(f"peerlane_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def _counters(name: str, text: str, label: str, values: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(f"peerlane_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def _messages(messages_in: Mapping[type, int], messages_out: Mapping[type, int]) -> Metric:
    family = CounterMetricFamily("peerlane_messages", "Messages by kind.", labels=["direction", "kind"])
    for direction, counts in (("in", messages_in), ("out", messages_out)):
        for message_type, count in counts.items():
            family.add_metric([direction, _kind(message_type)], count)
    return family


def _kind(message_type: Any) -> str:
    return message_type.__struct_config__.tag or "malformed"
