"""What the server counts, and how Prometheus reads it.

Counting is on the path of every message, so it is an addition to a plain number; the families of
the exposition format are made when somebody asks. There are no labels for rooms, users or
addresses: their number has no limit.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, NamedTuple, get_args

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from signaling.pressure import Pressure
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import CLOSE_REASONS, ErrorCode
from signaling.protocol.messages import Event, Request

Transport = Literal["websocket", "sse", "long-poll", "http"]
LinkResult = Literal[
    "accepted", "origin", "address-limit", "node-limit", "draining", "shortage", "bad-subprotocol", "bad-host"
]
RateLimit = Literal["messages", "joins", "address", "node", "stun", "credentials"]
IceServersResult = Literal["given", "token", "origin", "bad-host", "bad-region", "limited", "draining"]
AuthResult = Literal["accepted", "refused", "guest"]
WebhookResult = Literal["delivered", "failed", "dropped"]
HandoverResult = Literal["whole", "fresh", "spent", "given"]
StunResult = Literal[
    "answered", "answered-elsewhere", "unknown-attribute", "bad-request", "ignored", "limited"
]

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Below 5 ms is the ordinary work of one turn; a second is what a client feels.
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

# A bus in the same data centre takes a millisecond, one across an ocean some hundred; 6 s is its end.
RTT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 6.0)
# From the hello to the session; after two seconds it starts afresh.
HANDOVER_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
# A deploy: from a moment to ``server.grace``.
DRAIN_BUCKETS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0)


def package_version() -> str:
    """The version of the installed distribution, or ``0`` in a tree that is not installed."""
    try:
        return version("peerlane")
    except PackageNotFoundError:
        return "0"


class BusState(NamedTuple):
    """What a bus and the others on it are like at the moment of a scrape."""

    is_there: bool
    nodes: int
    """Others that live."""
    missed: int
    """Beats that were not back in time."""
    dropped: int
    late: int
    reconnects: int


NO_BUS = BusState(True, 0, 0, 0, 0, 0)
"""Of a node that is alone, and meant to be."""


class BusCounts:
    """What a node does on its bus."""

    def __init__(self) -> None:
        self.frames_in = 0
        self.frames_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.gaps = 0
        """How often something that another node said did not arrive."""
        self.refused = 0
        """Frames that were none of ours: not signed with our key, of another version, or no frames at all."""
        self.outages = 0
        """How often the bus has gone away."""
        self.deaths = 0
        """Nodes that were not heard of any more."""
        self.handovers: dict[HandoverResult, int] = dict.fromkeys(get_args(HandoverResult), 0)
        """Sessions that came from another node, by outcome; ``given``: to another node."""


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
        """Nothing had been missed."""
        self.resumed_with_messages = 0
        """Whole, with what had been missed."""
        self.resumed_fresh = 0
        """A client came with a ticket and got a fresh session."""
        self.auth: dict[AuthResult, int] = dict.fromkeys(get_args(AuthResult), 0)
        """Tokens, and those who had none."""
        self.bus = BusCounts()
        self.webhooks: dict[WebhookResult, int] = dict.fromkeys(get_args(WebhookResult), 0)
        """Attempts that were taken or not, and messages that will not be told."""
        self.webhooks_waiting: Callable[[], int] = _zero
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
        self._largest_queue: Callable[[], int] = _zero
        self._leaving: Callable[[], int] = _zero
        self._bus_state: Callable[[], BusState] = lambda: NO_BUS
        self._turn_credentials: Callable[[], int] = _zero
        self._pressure: Pressure | None = None
        # Each server has its own registry, so that one process can hold several.
        self._registry = CollectorRegistry()
        self._registry.register(_Scrape(self._families))
        lag = "How much later than asked the event loop came back from a sleep."
        self.loop_lag = self._histogram("loop_lag_seconds", lag, LAG_BUCKETS)
        rtt = "From saying a beat on the bus to hearing it."
        self.bus_rtt = self._histogram("bus_rtt_seconds", rtt, RTT_BUCKETS)
        handover = "Waiting for a session that another node has or had."
        self.handover_time = self._histogram("handover_seconds", handover, HANDOVER_BUCKETS)
        drain = "Drains, from the first goodbye until nobody was left."
        self.drain_time = self._histogram("drain_seconds", drain, DRAIN_BUCKETS)

    def watch(
        self,
        *,
        sessions: Callable[[], int],
        rooms: Callable[[], int],
        queue_bytes: Callable[[], int],
        turn_credentials: Callable[[], int],
        pressure: Pressure,
        largest_queue: Callable[[], int] | None = None,
        leaving: Callable[[], int] | None = None,
        bus: Callable[[], BusState] | None = None,
    ) -> None:
        """Say where to read what is counted elsewhere; asked at each scrape."""
        self._sessions = sessions
        self._rooms = rooms
        self._queue_bytes = queue_bytes
        self._turn_credentials = turn_credentials
        self._pressure = pressure
        self._largest_queue = largest_queue or _zero
        self._leaving = leaving or _zero
        self._bus_state = bus or self._bus_state

    @property
    def queue_bytes(self) -> int:
        """All outboxes and mailboxes, now."""
        return self._queue_bytes()

    @property
    def largest_queue_bytes(self) -> int:
        return self._largest_queue()

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
        yield _resumed(self.resumed_whole, self.resumed_with_messages, self.resumed_fresh)
        yield _counters("auth", "Tokens that were judged, and guests.", "result", self.auth)
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
        yield _gauge("queue_bytes_max", "Bytes in the fullest outbox.", self._largest_queue())
        if self._pressure is not None:
            share, left = self._pressure.memory_share, self._pressure.files_left
            yield _gauge("memory_share", "Memory in use of what may be used, 0 to 1.", share)
            yield _gauge("files_left", "Files that can still be opened; 32 stands for more.", left)
        yield _counter("loop_stalls", "Times when the event loop was held up.", self.loop_stalls)
        yield _counter("log_dropped", "Lines of the log that could not be written.", self.log_dropped())
        yield _gauge("drain_state", "1 while the server is leaving.", int(self.draining))
        yield _gauge("drain_left", "Links that a leaving server has not ended yet.", self._leaving())
        yield _counters("webhooks", "Attempts, and messages that were dropped.", "result", self.webhooks)
        yield _gauge("webhooks_waiting", "Messages that wait to be told.", self.webhooks_waiting())
        yield from _bus(self.bus, self._bus_state())
        build = GaugeMetricFamily("peerlane_build_info", "Always 1.", labels=["version", "python"])
        build.add_metric([package_version(), platform.python_version()], 1)
        yield build

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"peerlane_{name}", text, buckets=buckets, registry=self._registry)


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


def _resumed(whole: int, with_messages: int, fresh: int) -> Metric:
    text = "Sessions claimed with a ticket; whether something had been missed."
    family = CounterMetricFamily("peerlane_resumed", text, labels=["result", "has_messages"])
    family.add_metric(["whole", "no"], whole)
    family.add_metric(["whole", "yes"], with_messages)
    family.add_metric(["fresh", "no"], fresh)
    return family


def _bus(counts: BusCounts, state: BusState) -> Iterator[Metric]:
    yield _gauge("degraded", "1 while the bus is away and this node goes on alone.", int(not state.is_there))
    yield _gauge("bus_nodes", "Other nodes that live.", state.nodes)
    frames = {"in": counts.frames_in, "out": counts.frames_out}
    yield _counters("bus_frames", "Frames on the bus, beats among them.", "direction", frames)
    size = {"in": counts.bytes_in, "out": counts.bytes_out}
    yield _counters("bus_bytes", "Bytes of those frames.", "direction", size)
    yield _counter("bus_gaps", "Times when what another node said did not arrive.", counts.gaps)
    yield _counter("bus_refused", "Frames that were none of ours.", counts.refused)
    yield _counter("bus_outages", "Times when the bus went away.", counts.outages)
    yield _counter("bus_reconnects", "Times when the bus became usable.", state.reconnects)
    yield _counter("bus_heartbeat_missed", "Beats that were not back when the next was due.", state.missed)
    yield _counter("bus_dropped", "Frames not sent: the bus was away or too slow.", state.dropped)
    yield _counter("bus_late", "Frames not heard: they came after their sender's connection.", state.late)
    yield _counter("bus_node_deaths", "Nodes that were not heard of any more.", counts.deaths)
    yield _counters("handovers", "Sessions that changed nodes.", "result", counts.handovers)


def _messages(messages_in: Mapping[type, int], messages_out: Mapping[type, int]) -> Metric:
    family = CounterMetricFamily("peerlane_messages", "Messages by kind.", labels=["direction", "kind"])
    for direction, counts in (("in", messages_in), ("out", messages_out)):
        for message_type, count in counts.items():
            family.add_metric([direction, _kind(message_type)], count)
    return family


def _kind(message_type: Any) -> str:
    return message_type.__struct_config__.tag or "malformed"
