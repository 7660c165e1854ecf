"""Conversations of foreign clients, byte for byte: ``tests/vectors/dialects/NAME.json``.

A conversation is a list of steps: who ``comes`` (by which ``path`` and ``query``), ``says`` a ``frame``, is
to have ``heard`` exactly these, ``leaves``, or is to have ``ended``; or so many ``seconds`` pass. ``$name``
in what is heard stands for what is random, and is the same wherever it comes again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from signaling.routes import FOREIGN
from tests.doors.sides import scenario
from tests.signaling.dialects.kit import Doors, ForeignClient

VECTORS = Path(__file__).parents[2] / "vectors" / "dialects"
NAME = re.compile(r"\$([a-z]+)")
CONVERSATIONS = [
    pytest.param(path.stem, each["steps"], id=each["what"], marks=scenario(each["client"], each["what"]))
    for path in sorted(VECTORS.glob("*.json"))
    for each in json.loads(path.read_text())
]


def test_every_dialect_has_its_vectors() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == {name.replace("-", "_") for name in FOREIGN}


@pytest.mark.parametrize(("door", "steps"), CONVERSATIONS)
def test_conversations_go_as_they_are_written_down(door: str, steps: list[dict[str, Any]]) -> None:
    make = FOREIGN[door.replace("_", "-")].make
    doors, known = Doors(), dict[str, str]()
    clients: dict[str, ForeignClient] = {}
    for step in steps:
        match step:
            case {"comes": who}:
                clients[who] = doors.come(make, step.get("path"), step.get("query"))
            case {"says": who, "frame": frame}:
                frame = NAME.sub(lambda found: known[found[1]], frame)
                # What it hears in answer is looked at in its own step.
                clients[who].heard[:0] = clients[who].says(frame)
            case {"heard": frames, "by": who}:
                heard = clients[who].taken()
                assert len(heard) == len(frames), heard
                for expected, frame in zip(frames, heard, strict=True):
                    check(expected, frame, known)
            case {"ended": who}:
                assert clients[who].has_ended
            case {"leaves": who}:
                clients.pop(who).leaves()
            case {"seconds": seconds}:
                doors.pass_time(seconds)
            case _:
                pytest.fail(f"no such step: {step}")


def check(expected: str, heard: str, known: dict[str, str]) -> None:
    pattern = ""
    for number, part in enumerate(NAME.split(expected)):
        if number % 2 == 0:
            pattern += re.escape(part)
        elif part in known:
            pattern += re.escape(known[part])
        else:
            pattern += f"(?P<{part}>[A-Za-z0-9_-]+)"
    found = re.fullmatch(pattern, heard)
    assert found is not None, f"heard {heard} instead of {expected} with {known}"
    known |= found.groupdict()
