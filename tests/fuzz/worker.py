"""One target in a process of its own: ``python -m tests.fuzz.worker ORDER.json``.

A finding does not end it: it is noted, once for each place that it comes from, and the next input follows.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from tests.fuzz.mutation import by_bytes
from tests.fuzz.reduction import targets_of
from tests.fuzz.target import Target

INSTRUMENTED = [
    "signaling",
    "peer",
    "aioice",
    "aiortc.sdp",
    "aiortc.rtcsctptransport",
    "aiortc.rtp",
    "aiortc.codecs",
    "jwt",
]
STRETCHED_SHARE = 0.15
"""Of the seconds."""
FROM_THE_START = 0.2
MOST_FINDINGS = 20
LOOK_EVERY = 256
"""Inputs between two looks at the clock."""


class Order(msgspec.Struct):
    """``folder`` is for what the engine finds new; ``inputs`` are the corpus so far."""

    module: str
    target: str
    seed: int
    seconds: float
    folder: str
    result: str
    inputs: list[bytes]
    engine: str


class Finding(msgspec.Struct):
    data: bytes
    trace: str


class Result(msgspec.Struct):
    count: int = 0
    seconds: float = 0.0
    findings: list[Finding] = []


class Feeding:
    """Counts, notes what is wrong, and knows when it is enough."""

    def __init__(self, order: Order, target: Target) -> None:
        self.target = target
        self.result = Result(findings=[])
        self._order = order
        self._places: set[tuple[Any, ...]] = set()
        self._started = time.monotonic()

    def feed(self, data: bytes) -> None:
        self.result.count += 1
        try:
            self.target.judge(data)
        except Exception as error:  # noqa: BLE001 that is what is looked for
            self._note(data, error)

    def one(self, data: bytes) -> None:
        """For an engine that goes on for ever."""
        self.feed(data)
        if self.result.count % LOOK_EVERY == 0 and self.is_enough:
            self.write()
            # libFuzzer leaves its loop in no other way that keeps what was found.
            os._exit(0)

    @property
    def spent(self) -> float:
        return time.monotonic() - self._started

    @property
    def is_enough(self) -> bool:
        if len(self.result.findings) >= MOST_FINDINGS:
            return True
        return self.spent >= self._order.seconds and self.result.count >= self.target.at_least

    def write(self) -> None:
        self.result.seconds = self.spent
        Path(self._order.result).write_bytes(msgspec.msgpack.encode(self.result))

    def _note(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        place = (type(error), *((frame.filename, frame.lineno) for frame in frames))
        if place not in self._places:
            self._places.add(place)
            trace = "".join(traceback.format_exception(error, limit=-6))
            self.result.findings.append(Finding(data, trace))
            self.write()


def main(path: str) -> None:
    # What is logged is written for nobody, and a thousand times.
    logging.disable(logging.CRITICAL)
    order = msgspec.msgpack.decode(Path(path).read_bytes(), type=Order)
    if order.engine == "atheris":
        import atheris  # type: ignore[import-untyped]

        with atheris.instrument_imports(include=[*INSTRUMENTED, order.module]):
            target = _target(order)
    else:
        target = _target(order)
    feeding = Feeding(order, target)
    chance = Random(order.seed)
    order.inputs = sorted({*target.seeds, *order.inputs}, key=lambda data: (len(data), data))
    for data in order.inputs:
        feeding.feed(data)
    _stretch(order, feeding, chance)
    if order.engine == "atheris":
        _guided(order, feeding)
    else:
        _random(order, feeding, chance)


def _target(order: Order) -> Target:
    return next(target for target in targets_of(order.module) if target.name == order.target)


def _stretch(order: Order, feeding: Feeding, chance: Random) -> None:
    """Each input with a part of itself repeated: what takes time that grows faster than it, shows."""
    inputs = [data for data in order.inputs if data]
    chance.shuffle(inputs)
    target = feeding.target
    for data in inputs:
        if feeding.spent > STRETCHED_SHARE * order.seconds:
            break
        rows = data.splitlines(keepends=True)
        first = chance.randrange(len(rows))
        last = chance.randint(first + 1, min(len(rows), first + 4))
        part = b"".join(rows[first:last])
        if len(rows) < 3:
            start = chance.randrange(len(data))
            part = data[start : start + chance.choice((1, 4, 16, 64))]
        times = max(1, (target.stretched_bytes - len(data)) // len(part))
        place = data.find(part)
        feeding.feed(data[:place] + part * times + data[place:])


def _guided(order: Order, feeding: Feeding) -> None:
    import atheris

    target, folder = feeding.target, Path(order.folder)
    for number, data in enumerate(order.inputs):
        (folder / f"known-{number}").write_bytes(data)
    words = folder.with_name("words.txt")
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in target.words if word))

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        def plain(data: bytes) -> bytes:
            mutated: bytes = atheris.Mutate(data, len(data) + 64)
            return mutated

        chance = Random(seed)
        # It forgets inputs that lead nowhere new in Python, and much is decoded outside of it.
        start = chance.choice(order.inputs) if chance.random() < FROM_THE_START else data
        return target.mutate(start, chance, plain)[:max_size]

    arguments = [
        sys.argv[0],
        f"-seed={order.seed}",
        f"-max_len={target.max_bytes}",
        f"-artifact_prefix={folder.with_name('artifacts')}/",
        "-timeout=30",
        "-rss_limit_mb=3000",
        "-verbosity=0",
        "-len_control=20",
        *([f"-dict={words}"] if target.words else []),
        str(folder),
    ]
    atheris.Setup(arguments, feeding.one, custom_mutator=mutate)
    atheris.Fuzz()


def _random(order: Order, feeding: Feeding, chance: Random) -> None:
    target = feeding.target
    known = order.inputs or [b""]

    def plain(data: bytes) -> bytes:
        return by_bytes(data, chance, target.words)

    while not feeding.is_enough:
        for _ in range(LOOK_EVERY):
            mutated = target.mutate(chance.choice(known), chance, plain)
            feeding.feed(mutated[: target.max_bytes])
    feeding.write()


def _quoted(word: bytes) -> str:
    return "".join(
        chr(each) if 32 <= each < 127 and each not in b'"\\' else f"\\x{each:02x}" for each in word
    )


if __name__ == "__main__":
    main(sys.argv[1])
