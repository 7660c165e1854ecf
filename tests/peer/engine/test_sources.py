"""Which sources of media are known."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from peer.engine.sources import MAX_OTHERS, MAX_SOURCES, Sources


def test_the_source_that_is_silent_longest_is_forgotten_first() -> None:
    sources = Sources()
    assert [sources.seen(ssrc, "track") for ssrc in range(MAX_SOURCES)] == [None] * MAX_SOURCES
    assert sources.seen(0, "track") is None
    assert sources.seen(100, "track") == 1
    assert sources.seen(1, "track") == 2


def test_one_track_does_not_take_from_another() -> None:
    sources = Sources()
    sources.seen(1, "picture")
    assert [sources.seen(ssrc, "sound") for ssrc in range(100, 200)].count(None) == MAX_SOURCES
    assert sources.seen(1, "picture") is None


def test_who_reported_before_it_sent_belongs_to_its_track() -> None:
    sources = Sources()
    sources.seen(1, None)
    sources.seen(1, "track")
    assert all(sources.seen(ssrc, None) != 1 for ssrc in range(100, 300))
    assert len(sources) == MAX_OTHERS + 1


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from([None, "sound", "picture"])), max_size=2_000))
def test_however_they_come_only_so_many_are_known_and_each_is_forgotten_by_its_track(
    packets: list[tuple[int, str | None]],
) -> None:
    sources, known = Sources(), dict[int, str | None]()
    for ssrc, receiver in packets:
        known[ssrc] = receiver
        forgotten = sources.seen(ssrc, receiver)
        if forgotten is not None:
            assert forgotten != ssrc
            assert known.pop(forgotten) == receiver
        counts = Counter(known.values())
        assert len(sources) == len(known)
        assert counts[None] <= MAX_OTHERS
        assert max(counts["sound"], counts["picture"]) <= MAX_SOURCES
