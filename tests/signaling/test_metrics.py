"""What is counted can be read, and nothing a client says can add a label."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from signaling.metrics import Metrics
from signaling.pressure import Pressure
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import ErrorCode
from signaling.protocol.messages import Signal, Signalled


def sample(metrics: Metrics, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(metrics.render().decode()):
        for found in family.samples:
            if found.name == name and found.labels == labels:
                return found.value
    raise AssertionError(f"no sample {name} {labels}")


def test_counted_messages_are_told_by_direction_and_kind() -> None:
    metrics = Metrics()
    metrics.messages_in[Signal] += 3
    metrics.messages_in[Malformed] += 1
    metrics.messages_out[Signalled] += 2
    assert sample(metrics, "peerlane_messages_total", direction="in", kind="signal") == 3
    assert sample(metrics, "peerlane_messages_total", direction="in", kind="malformed") == 1
    assert sample(metrics, "peerlane_messages_total", direction="out", kind="signal") == 2


def test_what_is_kept_elsewhere_is_read_when_asked() -> None:
    metrics, rooms = Metrics(), ["default/a"]
    metrics.watch(
        sessions=lambda: 7,
        rooms=lambda: len(rooms),
        queue_bytes=lambda: 4_096,
        turn_credentials=lambda: 3,
        pressure=Pressure(),
    )
    rooms.append("default/b")
    assert sample(metrics, "peerlane_sessions") == 7
    assert sample(metrics, "peerlane_rooms") == 2
    assert sample(metrics, "peerlane_queue_bytes") == 4_096
    assert sample(metrics, "peerlane_files_left") == 32


def test_refusals_and_goodbyes_are_counted_by_name() -> None:
    metrics = Metrics()
    metrics.refused[ErrorCode.ROOM_FULL] += 1
    metrics.closed["slow"] += 1
    assert sample(metrics, "peerlane_refused_total", code="room-full") == 1
    assert sample(metrics, "peerlane_close_total", code="slow") == 1
    assert sample(metrics, "peerlane_slow_closed_total") == 1


def test_resumes_are_whole_or_fresh() -> None:
    metrics = Metrics()
    metrics.resumed_whole += 2
    metrics.resumed_with_messages += 3
    metrics.resumed_fresh += 1
    assert sample(metrics, "peerlane_resumed_total", result="whole", has_messages="no") == 2
    assert sample(metrics, "peerlane_resumed_total", result="whole", has_messages="yes") == 3
    assert sample(metrics, "peerlane_resumed_total", result="fresh", has_messages="no") == 1


def test_a_slow_turn_of_the_loop_lands_in_its_bucket() -> None:
    metrics = Metrics()
    metrics.loop_lag.observe(0.03)
    assert sample(metrics, "peerlane_loop_lag_seconds_bucket", le="0.025") == 0
    assert sample(metrics, "peerlane_loop_lag_seconds_bucket", le="0.05") == 1


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.joins += 1
    assert sample(one, "peerlane_joins_total") == 1
    assert sample(other, "peerlane_joins_total") == 0


def test_no_label_takes_what_clients_choose() -> None:
    labels = {
        label
        for family in text_string_to_metric_families(Metrics().render().decode())
        for found in family.samples
        for label in found.labels
    }
    known = {"transport", "result", "direction", "kind", "code", "has_messages", "le", "version", "python"}
    assert labels == known


def test_every_name_has_the_prefix() -> None:
    families = list(text_string_to_metric_families(Metrics().render().decode()))
    assert len(families) > 15
    assert all(family.name.startswith("peerlane_") for family in families)
