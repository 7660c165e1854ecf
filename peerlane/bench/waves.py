"""How a crowd comes back after a storm: in one wave, or in several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

BUCKET = 0.1
"""Seconds that are counted together."""
TROUGH = 0.1
"""A wave is over after a second with less than this part of its height."""


class Waves(msgspec.Struct, frozen=True):
    lost: int
    back: int
    peak_back: float
    """Links a second, in the busiest tenth of a second."""
    peak_attempts: float
    second_wave: float
    """The highest second of attempts after the first wave, as a part of the highest of that one."""
    seconds_to_99_percent: float | None
    """Since the first link was lost; None: fewer than that came back."""


def bucket_of(seconds: float) -> int:
    return int(seconds // BUCKET)


def waves(lost: Mapping[int, int], attempts: Mapping[int, int], back: Mapping[int, int]) -> Waves:
    """From how many links were lost, tried again and were there again in each bucket."""
    total, returned = sum(lost.values()), sum(back.values())
    begin = min(lost, default=0)
    seconds = None
    missing = 0.99 * total
    for bucket in sorted(back):
        missing -= back[bucket]
        if missing <= 0:
            seconds = (bucket + 1 - begin) * BUCKET
            break
    first, second = _heights(by_second(attempts))
    return Waves(
        lost=total,
        back=returned,
        peak_back=max(back.values(), default=0) / BUCKET,
        peak_attempts=max(attempts.values(), default=0) / BUCKET,
        second_wave=second / first if first else 0.0,
        seconds_to_99_percent=seconds,
    )


def by_second(counts: Mapping[int, int]) -> list[int]:
    """How many in each second, from the first second of the run that has any."""
    seconds: dict[int, int] = {}
    for bucket, count in counts.items():
        second = int(bucket * BUCKET + 1e-9)
        seconds[second] = seconds.get(second, 0) + count
    return [seconds.get(second, 0) for second in range(min(seconds, default=0), max(seconds, default=-1) + 1)]


def _heights(seconds: Sequence[int]) -> tuple[int, int]:
    """Of the first wave, and of the highest after it."""
    first = 0
    for number, here in enumerate(seconds):
        if here < TROUGH * first:
            return first, max(seconds[number:])
        first = max(first, here)
    return first, 0
