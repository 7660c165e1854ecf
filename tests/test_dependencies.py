"""What is installed with Peerlane: pinned, and under licences that ask for nothing in return (S4)."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PERMISSIVE = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|0BSD|CC0", re.IGNORECASE)
COPYLEFT = re.compile(r"\bA?GPL|\bLGPL|GNU", re.IGNORECASE)


def needed(name: str, extras: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """Everything that an installation without extras brings."""
    found: dict[str, Distribution] = {}
    waiting = [(name, extras)]
    while waiting:
        name, extras = waiting.pop()
        for text in distribution(name).requires or []:
            requirement = Requirement(text)
            wanted = any(
                requirement.marker is None or requirement.marker.evaluate({"extra": extra})
                for extra in extras or {""}
            )
            key = canonicalize_name(requirement.name)
            if wanted and key not in found:
                found[key] = distribution(requirement.name)
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return found


INSTALLED = needed("peerlane")


def test_the_walk_finds_what_others_need() -> None:
    assert {"aiohttp", "aiortc", "pylibsrtp", "yarl"} <= set(INSTALLED)
    assert "pytest" not in INSTALLED


@pytest.mark.parametrize("name", INSTALLED)
def test_it_is_pinned(name: str) -> None:
    pinned = {
        canonicalize_name(line.partition("==")[0]): line.partition("==")[2]
        for line in CONSTRAINTS.splitlines()
        if "==" in line
    }
    assert pinned[name] == INSTALLED[name].version


@pytest.mark.parametrize("name", INSTALLED)
def test_its_licence_is_a_permissive_one(name: str) -> None:
    metadata = INSTALLED[name].metadata
    told = [metadata.get("License-Expression") or "", (metadata.get("License") or "")[:100]]
    told += [each for each in metadata.get_all("Classifier", []) if each.startswith("License ::")]
    assert PERMISSIVE.search(" ".join(told)), told
    assert not COPYLEFT.search(" ".join(told)), told


def test_versions_are_all_that_is_pinned() -> None:
    assert "://" not in CONSTRAINTS
    assert "@" not in CONSTRAINTS
