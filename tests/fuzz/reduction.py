"""Which inputs are worth keeping: those that lead somewhere in our code where no shorter one has led."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import msgspec

from tests.fuzz import corpus
from tests.fuzz.target import Target

ROOT = Path(__file__).parents[2]
FOLDERS = tuple(f"{ROOT / name}/" for name in ("signaling", "peer", "tests/fuzz"))
LIBRARIES = (
    "/aioice/",
    "/aiortc/sdp",
    "/aiortc/rtcsctptransport",
    "/aiortc/rtp.",
    "/aiortc/codecs/",
    "/jwt/",
)
MOST = 200
"""Inputs of one target."""
MOST_BYTES = 48 * 1_024
"""Of one target."""

Step = tuple[CodeType, int, int]
"""From one line of a function to the next."""


def targets_of(module: str) -> list[Target]:
    found: list[Target] = importlib.import_module(module).TARGETS
    return found


def reduced(target: Target, inputs: Iterable[bytes], new: Iterable[bytes] = ()) -> list[bytes]:
    """What was kept before stays, so that a run changes few lines: new ones lead where those do not."""
    known: set[Step] = set()
    kept: list[bytes] = []
    size = 0
    for data in [*_sorted(inputs), *_sorted(new)]:
        if len(kept) >= MOST or size + len(data) > MOST_BYTES:
            break
        steps = steps_of(target, data)
        if not steps <= known:
            known |= steps
            kept.append(data)
            size += len(data)
    return kept


def _sorted(inputs: Iterable[bytes]) -> list[bytes]:
    return sorted(set(inputs), key=lambda each: (len(each), each))


def steps_of(target: Target, data: bytes) -> set[Step]:
    """Where an input leads; what it raises is somebody else's business."""
    steps: set[Step] = set()

    def inside(frame: FrameType, event: str, argument: Any) -> Any:
        before = -frame.f_code.co_firstlineno

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            steps.add((frame.f_code, before, frame.f_lineno))
            before = frame.f_lineno
            return line

        return line

    def call(frame: FrameType, event: str, argument: Any) -> Any:
        path = frame.f_code.co_filename
        is_wanted = path.startswith(FOLDERS) or any(each in path for each in LIBRARIES)
        return inside(frame, event, argument) if is_wanted else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        target.run(data)
    except Exception:  # noqa: BLE001 only the way there is asked for
        pass
    finally:
        sys.settrace(before)
    return steps


def main(arguments: list[str]) -> None:
    """``names MODULE``, or ``reduce MODULE TARGET INPUTS FOLDER``."""
    match arguments:
        case ["names", module]:
            print(*(target.name for target in targets_of(module)))
        case ["reduce", module, name, inputs, folder]:
            target = next(target for target in targets_of(module) if target.name == name)
            found = msgspec.msgpack.decode(Path(inputs).read_bytes(), type=list[bytes])
            old = corpus.load(Path(folder), name)
            corpus.save(Path(folder), name, reduced(target, [*target.seeds, *old], found))


if __name__ == "__main__":
    main(sys.argv[1:])
