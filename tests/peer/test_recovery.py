from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.recovery import REBUILD_AFTER, TICK, Act, Recovery

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "recovery.json").read_text())


def perform(recovery: Recovery, step: list[Any]) -> Act | None:
    match step:
        case ["wake", now]:
            return recovery.wake(now)
        case ["network_changed", is_path_gone]:
            recovery.network_changed(is_path_gone=is_path_gone)
        case [method, *arguments]:
            getattr(recovery, method)(*arguments)
    return None


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_it_recovers_as_the_browser_does(case: dict[str, Any]) -> None:
    recovery = Recovery(lambda: 0.5, can_restart=case["can_restart"])
    for step in case["steps"]:
        act = perform(recovery, step["input"])
        assert act == step.get("act"), step
        assert recovery.state == step["state"], step
        if "wake_at" in step:
            assert recovery.wake_at == step["wake_at"], step


class Life:
    """A connection whose other side can be heard or not, and every act with its time."""

    def __init__(self) -> None:
        self.recovery = Recovery(lambda: 0.5)
        self.recovery.connected(0.0)
        self.now = 0.0
        self.acts: list[tuple[float, Act]] = []

    def go_on(self, seconds: float, *, is_heard: bool) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += TICK
            if is_heard:
                self.recovery.heard(self.now)
            if self.recovery.wake_at is not None and self.now >= self.recovery.wake_at:
                act = self.recovery.wake(self.now)
                if act is not None:
                    self.acts.append((self.now, act))


def test_a_loss_is_noticed_in_three_to_five_seconds() -> None:
    life = Life()
    life.go_on(20, is_heard=True)
    last_heard = life.now
    while life.recovery.state == "connected":
        life.go_on(TICK, is_heard=False)
    assert 3 <= life.now - last_heard <= 5


def test_a_pause_of_three_seconds_is_no_loss() -> None:
    life = Life()
    life.go_on(20, is_heard=True)
    life.go_on(3, is_heard=False)
    assert life.recovery.state == "connected"


def test_half_a_minute_of_silence_is_tried_by_restarts_and_then_by_a_new_connection() -> None:
    life = Life()
    life.go_on(60, is_heard=False)
    kinds = [act for _, act in life.acts]
    assert kinds[:3] == [Act.RESTART] * 3
    first_rebuild = next(at for at, act in life.acts if act is Act.REBUILD)
    assert REBUILD_AFTER <= first_rebuild < REBUILD_AFTER + 1


def test_restarts_of_a_flapping_path_come_ever_later() -> None:
    life = Life()
    for _ in range(20):
        life.go_on(3, is_heard=True)
        life.go_on(3, is_heard=False)
    times = [at for at, act in life.acts if act is Act.RESTART]
    assert len(times) == len(life.acts)
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[0] < 2
    assert min(pauses[2:]) >= 4


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["wake", "hear", "fail", "began", "connected", "restarted", "gone", "out", "in"]),
            st.floats(0, 40),
        ),
        max_size=60,
    )
)
def test_it_never_asks_to_be_woken_in_the_past_for_ever(steps: list[tuple[str, float]]) -> None:
    recovery = Recovery(lambda: 0.5)
    now = 0.0
    for what, seconds in steps:
        now += seconds
        match what:
            case "wake":
                recovery.wake(now)
            case "hear":
                recovery.heard(now)
            case "fail":
                recovery.failed(now)
            case "began":
                recovery.began(now)
            case "connected":
                recovery.connected(now)
            case "restarted":
                recovery.restarted(now)
            case "gone":
                recovery.network_changed(is_path_gone=True)
            case _:
                recovery.set_reachable(what == "in")
        recovery.wake(now)
        assert recovery.wake_at is None or recovery.wake_at > now
