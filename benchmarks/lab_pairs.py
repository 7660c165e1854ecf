"""Who is measured in the lab: two Python peers, and Chromium with a Python peer."""

from __future__ import annotations

import sys

from tests.natlab.browser import chromium
from tests.natlab.calls import Engine

Pair = tuple[Engine, Engine]


def pairs() -> list[Pair]:
    """Those for whom everything is installed; of the others it is said that they are left out."""
    found: list[Pair] = [("python", "python")]
    if chromium() is None:
        print("Chromium is left out: it is not installed", file=sys.stderr)
    else:
        found.append(("chromium", "python"))
    return found


def name_of(pair: Pair) -> str:
    return " and ".join(dict.fromkeys(pair))
