from __future__ import annotations

from tests.natlab.arrivals import Arrivals, first_after, numbered


def arrivals(*numbers: int) -> Arrivals:
    """Number n was sent at n, and took a tenth of a second."""
    found = Arrivals()
    for number in numbers:
        found.note(numbered(number, float(number), 20), number + 0.1)
    return found


def test_everything_once_and_in_order_is_no_fault() -> None:
    found = arrivals(0, 1, 2)
    assert (found.lost(3), found.doubled, found.reordered) == (0, 0, 0)


def test_what_is_missing_doubled_or_late_is_counted() -> None:
    found = arrivals(0, 3, 2, 3)
    assert (found.lost(5), found.doubled, found.reordered) == (2, 1, 1)


def test_channels_have_resumed_with_what_was_sent_after_the_change() -> None:
    found = arrivals(0, 1, 2)
    assert found.resumed_at(0.5) == 1.1
    assert found.resumed_at(2.5) is None


def test_delays_are_those_of_what_was_sent_in_the_time_asked_for() -> None:
    assert [round(delay, 6) for delay in arrivals(0, 1, 2).delays(1.0, 2.0)] == [0.1]


def test_first_after_finds_the_first_time_that_is_not_before() -> None:
    assert first_after([1.0, 2.0, 3.0], 1.5) == 2.0
    assert first_after([1.0], 1.5) is None
