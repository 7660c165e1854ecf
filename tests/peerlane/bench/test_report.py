"""What a run has shown, for people and for programs."""

from __future__ import annotations

import json

import msgspec
import pytest

from peerlane.bench.plan import Plan
from peerlane.bench.report import as_json, hints, is_clean, live_line, table
from peerlane.bench.sequences import Faults
from peerlane.bench.tally import Tally

PLAN = Plan(["ws://127.0.0.1:8080/v1/ws"], "run", token="s3cret")


def tally() -> Tally:
    found = Tally(members=80, joined=80, sent=1000, expected=1000, arrived=1000, wall=10.0, cpu=0.2)
    for milliseconds in (1, 1, 2, 40):
        found.latency.add(milliseconds / 1000)
    return found


def test_a_run_without_faults_is_clean() -> None:
    assert is_clean(tally())


@pytest.mark.parametrize("faults", [Faults(lost=1), Faults(doubled=1), Faults(reordered=1)])
def test_a_run_with_a_fault_is_not(faults: Faults) -> None:
    found = tally()
    found.faults = faults
    assert not is_clean(found)


def test_nor_is_one_that_not_all_were_part_of() -> None:
    assert not is_clean(msgspec.structs.replace(tally(), joined=79))


def test_the_table_says_exactly_how_many() -> None:
    found = tally()
    found.faults = Faults(lost=12, doubled=3, reordered=4)
    rows = dict(line.split(maxsplit=1) for line in table(PLAN, found).splitlines())
    assert (rows["lost"], rows["doubled"], rows["reordered"]) == ("12", "3", "4")
    assert rows["arrived"] == "1,000 of 1,000"
    assert "max 40.0 ms" in rows["latency"]


def test_a_storm_is_told_with_its_waves() -> None:
    found = tally()
    found.lost_at, found.attempts_at, found.back_at = {20: 80}, {20: 50, 21: 40}, {20: 50, 31: 30}
    for is_unicode, bars in ((True, "|█▅|"), (False, "|@+|")):
        text = table(PLAN, found, is_unicode)
        assert "80 of 80, 99 % within 1.2 s" in text
        assert f"{bars} 50 at most" in text


def test_json_has_no_token_and_no_number_that_is_none() -> None:
    told = as_json(PLAN, Tally(), interrupted=True)
    assert "s3cret" not in json.dumps(told, allow_nan=False)
    assert told["interrupted"]
    assert told["latency"]["p50"] is None
    assert as_json(PLAN, tally(), interrupted=False)["latency"]["max"] == 0.04


def test_what_makes_figures_doubtful_is_said() -> None:
    assert hints(PLAN, tally()) == []
    assert "--processes" in hints(PLAN, msgspec.structs.replace(tally(), cpu=0.97))[0]
    assert "links_per_second" in hints(PLAN, msgspec.structs.replace(tally(), turned_away=3))[0]
    fast = msgspec.structs.replace(PLAN, pattern="fanout", rate=1000.0)
    assert "messages_per_second" in hints(fast, tally())[0]


def test_the_live_line_says_how_far_it_is() -> None:
    line = live_line(PLAN, "running", msgspec.structs.replace(tally(), arrived=990, closed=2), 4.2)
    assert line.startswith("running: 4 of 10 s, 80 of 80 in, 1,000 sent, 10 on the way, p50 ")
    assert line.endswith("2 links lost")
