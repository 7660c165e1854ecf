"""What cannot be done is said before anything is."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec
import pytest

from peerlane.bench.plan import Plan, Share, problems

PLAN = Plan(["ws://127.0.0.1:8080/v1/ws"], "run")
FILES = 20_000


def changed(**values: Any) -> Plan:
    return msgspec.structs.replace(PLAN, **values)


def test_the_usual_plan_can_be_done() -> None:
    assert problems(PLAN, FILES) == []


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"rooms": 0}, "--rooms"),
        ({"peers": 0}, "--peers"),
        ({"processes": 0}, "--processes"),
        ({"rate": -1.0}, "--rate"),
        ({"rate": float("nan")}, "--rate"),
        ({"duration": 0.0}, "--duration"),
        ({"duration": float("inf")}, "--duration"),
        ({"ramp": -1.0}, "--ramp"),
        ({"churn": -1.0}, "--churn"),
        ({"wait": -1.0}, "--wait"),
        ({"payload_bytes": 10}, "--bytes"),
        ({"payload_bytes": 1_000_000}, "--bytes"),
        ({"sources": 1000}, "--sources"),
        ({"peers": 1}, "--peers"),
        ({"processes": 11}, "--processes"),
    ],
)
def test_each_flag_that_makes_no_sense_is_named(values: dict[str, Any], flag: str) -> None:
    (problem,) = problems(changed(**values), FILES)
    assert problem.startswith(flag)


def test_one_member_alone_may_be_silent() -> None:
    assert problems(changed(peers=1, rate=0.0), FILES) == []


def test_too_many_links_for_one_process_are_told_with_what_to_do() -> None:
    (problem,) = problems(changed(rooms=10_000), 1024)
    assert "80,000 links" in problem
    assert "--processes (at least 87)" in problem
    assert "ulimit -n" in problem


def test_visitors_need_files_too() -> None:
    full = changed(rooms=90, peers=10, pattern="churn", churn=50.0)
    assert problems(full, 1024)
    assert not problems(msgspec.structs.replace(full, churn=5.0), 1024)


def test_the_processes_share_the_rooms_and_the_rate() -> None:
    shares = [Share(changed(rooms=7, processes=3), index) for index in range(3)]
    assert sorted(room for share in shares for room in share.rooms) == list(range(7))
    assert sum(share.part(70.0) for share in shares) == pytest.approx(70.0)


def test_members_come_from_all_addresses_in_turn() -> None:
    share = Share(changed(sources=3, processes=2), 1)
    assert list(islice(share.sources(), 4)) == ["127.0.0.3", "127.0.0.2", "127.0.0.4", "127.0.0.3"]
    assert list(islice(Share(PLAN, 0).sources(), 2)) == ["", ""]
