"""Numbered messages: exactly how many were lost, doubled and reordered."""

from __future__ import annotations

import pytest

from peerlane.bench.sequences import Faults, Ledger, Sequence


@pytest.mark.parametrize(
    ("numbers", "sent", "faults"),
    [
        ([1, 2, 3], 3, Faults()),
        ([], 0, Faults()),
        ([], 2, Faults(lost=2)),
        ([1, 3], 3, Faults(lost=1)),
        ([1, 2], 3, Faults(lost=1)),
        ([1, 2, 2, 3], 3, Faults(doubled=1)),
        ([1, 3, 2], 3, Faults(reordered=1)),
        ([1, 4, 2, 2, 5], 6, Faults(lost=2, doubled=1, reordered=1)),
        ([2, 1, 1, 2], 2, Faults(doubled=2, reordered=1)),
    ],
)
def test_each_fault_is_counted_once(numbers: list[int], sent: int, faults: Faults) -> None:
    sequence = Sequence()
    for number in numbers:
        sequence.arrived(number)
    assert sequence.faults(sent) == faults


def test_pairs_are_counted_each_for_itself() -> None:
    ledger = Ledger()
    for sender, target in ((1, 2), (1, 3), (2, 1)):
        assert ledger.next_signal(sender, target) == 1
        ledger.signalled(sender, target)
    assert ledger.came(1, 2, 1)
    assert not ledger.came(1, 2, 1)
    assert ledger.came(2, 1, 1)
    assert (ledger.expected, ledger.arrived) == (3, 2)
    assert ledger.faults() == Faults(lost=1, doubled=1)


def test_a_broadcast_is_to_arrive_at_all_the_others() -> None:
    ledger = Ledger(has_signals=False)
    for number in (1, 2):
        assert ledger.next_broadcast(10) == number
        ledger.broadcasted(10, range(10, 14))
    assert ledger.expected == 6
    for receiver in (11, 12):
        for number in (1, 2):
            ledger.came(10, receiver, number)
    ledger.came(10, 13, 2)
    assert ledger.faults() == Faults(lost=1)


def test_what_was_not_sent_after_all_has_no_number() -> None:
    ledger = Ledger()
    ledger.next_signal(1, 2)
    assert ledger.next_signal(1, 2) == 1
    assert ledger.faults() == Faults()
