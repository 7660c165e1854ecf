"""What several processes have counted, together."""

from __future__ import annotations

import msgspec

from peerlane.bench.sequences import Faults
from peerlane.bench.tally import Tally, together


def test_counts_are_added_and_times_are_merged() -> None:
    one = Tally(members=3, sent=5, failures={"a": 1}, lost_at={4: 2}, cpu=0.3, faults=Faults(1, 2, 3))
    other = Tally(members=4, sent=6, failures={"a": 1, "b": 2}, lost_at={4: 1, 7: 1}, cpu=0.6)
    one.latency.add(0.01)
    other.latency.add(0.5)
    total = together([one, other])
    assert (total.members, total.sent, total.cpu) == (7, 11, 0.6)
    assert total.failures == {"a": 2, "b": 2}
    assert total.lost_at == {4: 3, 7: 1}
    assert total.faults == Faults(1, 2, 3)
    assert (total.latency.count, total.latency.largest) == (2, 0.5)


def test_no_field_is_forgotten_on_the_way_from_process_to_process() -> None:
    full = Tally()
    for field in msgspec.structs.fields(Tally):
        value = getattr(full, field.name)
        if isinstance(value, int | float):
            setattr(full, field.name, 3)
        elif isinstance(value, dict):
            setattr(full, field.name, {5 if field.name.endswith("_at") else "why": 3})
        elif isinstance(value, Faults):
            full.faults = Faults(1, 2, 3)
        else:
            value.add(0.25)
    sent = msgspec.json.decode(msgspec.json.encode(full), type=Tally)
    assert together([sent]) == full


def test_two_tallies_share_nothing() -> None:
    one = Tally()
    one.count("refusals", "room-full")
    one.faults.lost += 1
    one.latency.add(1.0)
    assert Tally() == Tally(refusals={}, faults=Faults())
    assert Tally().latency.count == 0
