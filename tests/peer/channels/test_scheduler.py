"""Who goes first and how much of BULK is under way, bound to the JavaScript twin by the vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.channels.kinds import kind_named
from peer.channels.pace import Pace
from peer.channels.realtime import MAX_WAITING, Realtime
from peer.channels.scheduler import Marks, Scheduler
from peer.channels.window import CEILING_BYTES, FLOOR_BYTES, Window

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "scheduler.json").read_text())


@pytest.mark.parametrize("case", VECTORS["scheduler"], ids=lambda case: case["name"])
def test_channels_take_turns_as_in_the_browser(case: dict[str, Any]) -> None:
    scheduler = Scheduler(Marks(**case["marks"]))
    for method, *rest in case["steps"]:
        match method:
            case "waits":
                key, kind_name, next_bytes = rest
                kind = kind_named(kind_name)
                assert kind
                scheduler.waits(key, kind, next_bytes)
            case "next":
                buffered_bytes, in_flight_bytes, *paced, expected = rest
                assert scheduler.next(buffered_bytes, in_flight_bytes, is_paced=any(paced)) == expected
            case "begin_turn":
                scheduler.begin_turn()


@pytest.mark.parametrize("case", VECTORS["window"], ids=lambda case: case["name"])
def test_the_window_is_steered_as_in_the_browser(case: dict[str, Any]) -> None:
    window = Window()
    for method, *arguments, expected in case["steps"]:
        if method == "sample":
            window.sample(*arguments)
            assert window.bytes == expected
        else:
            assert window.has_room(*arguments) == expected


@pytest.mark.parametrize("case", VECTORS["pace"], ids=lambda case: case["name"])
def test_bulk_is_paced_as_in_the_browser(case: dict[str, Any]) -> None:
    pace = Pace()
    for method, *arguments in case["steps"]:
        if method == "wait":
            *given, expected = arguments
            assert pace.wait(*given) == expected
        else:
            pace.spend(*arguments)


@pytest.mark.parametrize("case", VECTORS["realtime"], ids=lambda case: case["name"])
def test_what_is_late_is_dropped_as_in_the_browser(case: dict[str, Any]) -> None:
    kind = kind_named(case["kind"])
    assert kind
    realtime = Realtime(kind)
    for method, *arguments, expected in case["steps"]:
        match method:
            case "put":
                text, now = arguments
                assert realtime.put(True, text.encode(), now) is expected
            case "next_bytes":
                assert realtime.next_bytes(*arguments) == expected
            case "take":
                assert realtime.take() == bytes.fromhex(expected)
            case "clear":
                assert realtime.clear() == expected
            case "counts":
                assert {name: getattr(realtime, name) for name in expected} == expected


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.integers(0, 1 << 23))))
def test_no_sample_moves_the_window_out_of_its_bounds(samples: list[tuple[float, float, int]]) -> None:
    window = Window()
    for handed_at, now, in_flight_bytes in samples:
        window.has_room(in_flight_bytes)
        window.sample(handed_at, now)
        assert FLOOR_BYTES <= window.bytes <= CEILING_BYTES


@given(st.sampled_from(["unreliable", "latest"]), st.lists(st.floats(0, 1) | st.none(), max_size=200))
def test_every_datagram_is_accounted_for(kind_name: str, steps: list[float | None]) -> None:
    kind = kind_named(kind_name)
    assert kind
    realtime, put, now = Realtime(kind), 0, 0.0
    for wait in steps:
        if wait is None:
            if realtime.next_bytes(now):
                realtime.take()
        else:
            now += wait
            realtime.put(False, b"x", now)
            put += 1
        assert put == realtime.sent + realtime.replaced + realtime.stale + realtime.waiting_messages
        assert realtime.waiting_messages == realtime.waiting_bytes <= MAX_WAITING
